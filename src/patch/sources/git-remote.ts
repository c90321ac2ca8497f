import { join } from 'node:path';
import { exists, Git, HostError, sha256, withLock } from '#host';
import { fetchFromGit, sidesFromGit } from './git.ts';
import { isCommitName } from './mail.ts';
import type { FetchedFix, FixDoors, FixSource } from './source.ts';

const FETCH_TIMEOUT_MS = 10 * 60_000;
const LOCK_WAIT_MS = 15 * 60_000;
const RETRY_AFTER_MS = 3_000;

/**
 * A repository elsewhere, of which single commits with their parents are fetched into a repository of ours, and of these
 * only what is looked at (gitprotocol-v2(5), `filter`; a server without it sends all of the two trees).
 */
export function remoteGitSource(url: string, doors: FixDoors): FixSource {
  const git = new Git(join(doors.cache, `git-${sha256(url).slice(0, 16)}`));
  return {
    kind: 'git',
    address: `git:${url}`,
    // Of single commits no history can be told.
    history: null,
    list: () => Promise.resolve([]),
    sides: (commit, path) => sidesFromGit(git, commit, path),
    async changeOf(commit): Promise<FetchedFix | undefined> {
      if (!isCommitName(commit)) return undefined;
      return withLock(`${git.directory}.lock`, LOCK_WAIT_MS, async () => {
        await prepare(git, url);
        if (!(await isHere(git, commit)) && !(await fetchCommit(git, commit, doors))) return undefined;
        return fetchFromGit(git, commit);
      });
    },
  };
}

async function prepare(git: Git, url: string): Promise<void> {
  if (!(await exists(join(git.directory, 'HEAD')))) await Git.empty(git.directory, []);
  for (const [key, value] of [
    ['remote.fixes.url', url],
    ['remote.fixes.promisor', 'true'],
    ['remote.fixes.partialclonefilter', 'blob:none'],
  ] as const)
    await git.run(['config', key, value]);
}

/** By a reference: git would ask the server for an object that is missing, with all of its history. */
async function isHere(git: Git, commit: string): Promise<boolean> {
  const asked = await git.run(['show-ref', '--verify', '--quiet', refOf(commit)], { okCodes: [0, 1, 128] });
  return asked.exitCode === 0;
}

function refOf(commit: string): string {
  return `refs/fixes/${commit}`;
}

/** False: the server has no such commit. It is asked once more where the network failed. */
async function fetchCommit(git: Git, commit: string, doors: FixDoors): Promise<boolean> {
  if (commit.length !== 40) return false;
  const how = ['--quiet', '--no-tags', '--depth=2', '--filter=blob:none'];
  const args = ['fetch', ...how, 'fixes', `+${commit}:${refOf(commit)}`];
  for (let left = 1; ; left -= 1) {
    try {
      await git.run(args, { timeoutMs: FETCH_TIMEOUT_MS, diesWithUs: true });
      return true;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      if (/not our ref|couldn't find remote ref|unadvertised object/i.test(error.message)) return false;
      if (error.fault !== 'network' || left === 0) throw error;
      await doors.sleep(RETRY_AFTER_MS);
    }
  }
}
