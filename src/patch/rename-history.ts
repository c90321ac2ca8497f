import type { Git } from '#host';
import { askGit } from './ask-git.ts';

/** A file is not followed further than so many moves, nor longer than so many milliseconds a question. */
const MAX_HOPS = 4;
const TIMEOUT_MS = 20_000;

/**
 * Other names of a file before and after a commit, by the history of a git repository: the commit that brought the name,
 * and the one that took it away, each asked for what it moved. Bounded; where git does not answer, there are none.
 */
export async function namesInHistory(git: Git, commit: string, path: string): Promise<string[]> {
  const head = await git.head().catch(() => null);
  const found = await follow(git, commit, path, 'A');
  return head === null ? found : [...found, ...(await follow(git, `${commit}..${head}`, path, 'D'))];
}

/** `A`: back through commits that added the name. `D`: on through commits that removed it. */
async function follow(git: Git, start: string, path: string, filter: 'A' | 'D'): Promise<string[]> {
  const names: string[] = [];
  let [range, name] = [start, path];
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const log = ['log', '--no-renames', `--diff-filter=${filter}`, '--format=%H', '--max-count=1', range, '--', name];
    const [moved] = (await askGit(git, log, TIMEOUT_MS)).split('\n');
    if (moved === undefined || !/^[0-9a-f]{40,64}$/.test(moved)) return names;
    const show = ['show', '--format=', '--no-ext-diff', '-M', '--diff-filter=R', '--name-status', '-z', moved];
    const next = otherName(await askGit(git, show, TIMEOUT_MS), name, filter);
    if (next === undefined || next === path || names.includes(next)) return names;
    names.push(next);
    [range, name] = [filter === 'A' ? `${moved}^` : `${moved}..${start.split('..')[1]}`, next];
  }
  return names;
}

/** `R<similarity>`, old name, new name, each ended by a zero byte (git-diff(1), -z). */
function otherName(status: string, name: string, filter: 'A' | 'D'): string | undefined {
  const words = status.split('\0');
  for (let at = 0; at + 2 < words.length; at += 3) {
    const [old, now] = [words[at + 1], words[at + 2]];
    if ((filter === 'A' ? now : old) === name) return filter === 'A' ? old : now;
  }
  return undefined;
}
