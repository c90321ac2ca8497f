import { hasCode } from '#domain';
import type { Git } from '#host';

const MAX_OUTPUT = 16 << 20;

/** What git prints about a history; nothing where it does not answer: a shallow repository, a commit that is not there, the time is over. */
export async function askGit(git: Git, args: readonly string[], timeoutMs: number): Promise<string> {
  try {
    return (await git.run(['--literal-pathspecs', ...args], { timeoutMs, maxOutput: MAX_OUTPUT })).stdout;
  } catch (error) {
    if (hasCode(error, 'git-failed')) return '';
    throw error;
  }
}
