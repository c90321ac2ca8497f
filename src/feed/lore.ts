import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MAX_MAIL_BYTES, type Quarantined, StageError } from '#domain';
import { exists, Git } from '#host';
import { FeedError } from './error.ts';
import { type ParsedMail, parseMail } from './mail.ts';

const MAX_EPOCHS = 64;

/** One epoch of a public-inbox v2 archive: a bare git repository with one mail a commit (public-inbox-v2-format(5)). */
export interface Epoch {
  readonly number: number;
  readonly address: string;
}

/** Finds the epochs of an archive. A path is an inbox, a folder of epochs or one bare epoch. Errors: feed-unreachable, feed-not-an-archive. */
export async function findEpochs(address: string): Promise<Epoch[]> {
  return address.includes('://') ? probeEpochs(address.replace(/\/+$/, '')) : listEpochs(address);
}

async function probeEpochs(url: string): Promise<Epoch[]> {
  const epochs: Epoch[] = [];
  for (let number = 0; number < MAX_EPOCHS; number += 1) {
    const address = `${url}/${number}`;
    try {
      await Git.lsRemote(address);
    } catch (error) {
      // The first epoch that does not answer ends the list, unless it is the very first.
      if (number > 0) return epochs;
      throw unreachable(url, error);
    }
    epochs.push({ number, address });
  }
  return epochs;
}

function unreachable(address: string, cause: unknown): FeedError {
  return new FeedError('feed-unreachable', 'network', {
    what: 'the feed cannot be reached',
    where: address,
    remedy: 'check the address and the network; what was synced before is kept',
    cause,
  });
}

async function listEpochs(path: string): Promise<Epoch[]> {
  if ((await exists(join(path, 'objects'))) && (await exists(join(path, 'HEAD')))) {
    return [{ number: Number(/(\d+)(?:\.git)?\/?$/.exec(path)?.[1] ?? 0), address: path }];
  }
  const folder = (await exists(join(path, 'git'))) ? join(path, 'git') : path;
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+\.git$/.test(name));
  if (names.length === 0) {
    throw new FeedError('feed-not-an-archive', 'input', {
      what: 'there is no public-inbox v2 archive here',
      where: path,
      remedy: 'give an inbox, a folder with 0.git in it, or one bare epoch',
    });
  }
  return names
    .map((name) => ({ number: Number.parseInt(name, 10), address: join(folder, name) }))
    .toSorted((a, b) => a.number - b.number);
}

/**
 * Mirrors a repository into `directory`: cloned the first time (it appears whole or not at all),
 * fetched afterwards. `depth`: only so many commits of its history.
 */
export async function mirror(
  address: string,
  directory: string,
  options: { readonly depth?: number } = {},
): Promise<Git> {
  try {
    if (await exists(directory)) {
      const git = new Git(directory);
      await git.fetch(address, options.depth);
      return git;
    }
    const temporary = `${directory}.part`;
    await rm(temporary, { recursive: true, force: true });
    await mkdir(dirname(directory), { recursive: true });
    await Git.mirror(address, temporary, options.depth);
    await rename(temporary, directory);
    return new Git(directory);
  } catch (error) {
    if (error instanceof StageError && error.code !== 'git-failed') throw error;
    throw unreachable(address, error);
  }
}

/** A commit of an epoch: its mail, or why there is none. `withdrawn`: the archive removed a mail (blob `d`). */
export type EpochItem =
  | { readonly kind: 'mail'; readonly commit: string; readonly mail: ParsedMail }
  | { readonly kind: 'bad'; readonly commit: string; readonly quarantined: Quarantined }
  | { readonly kind: 'withdrawn'; readonly commit: string };

export interface EpochDelta {
  readonly head: string;
  /** The cursor is not an ancestor of the head any more: every commit is new. */
  readonly rewritten: boolean;
  readonly commits: readonly string[];
}

/** Commits after the cursor, oldest first; all of them when there is no cursor or the history was rewritten. */
export async function epochDelta(git: Git, cursor: string | null): Promise<EpochDelta | null> {
  const head = await git.head();
  if (head === null) return null;
  const known = cursor !== null && (await git.isAncestor(cursor, head));
  const range = known ? `${cursor}..${head}` : head;
  const commits = cursor === head ? [] : await git.lines('rev-list', '--reverse', range);
  return { head, rewritten: cursor !== null && !known, commits };
}

/** Reads the mails of commits. A bad mail is set aside with its reason; it never stops the rest. */
export async function* readMails(git: Git, epoch: number, commits: readonly string[]): AsyncGenerator<EpochItem> {
  let index = 0;
  for await (const blob of git.catFile(
    commits.map((commit) => `${commit}:m`),
    MAX_MAIL_BYTES,
  )) {
    const commit = commits[index]!;
    index += 1;
    if (blob.oid === null) yield { kind: 'withdrawn', commit };
    else yield await readMail(epoch, commit, blob.content, blob.size);
  }
}

async function readMail(epoch: number, commit: string, content: Buffer | null, size: number): Promise<EpochItem> {
  const bad = (code: string, reason: string): EpochItem => ({
    kind: 'bad',
    commit,
    quarantined: { source: `lore/${epoch}`, item: `${commit}:m`, code, reason },
  });
  if (content === null) return bad('mail-too-large', `the mail has ${size} bytes, at most ${MAX_MAIL_BYTES} are read`);
  if (size === 0) return bad('mail-missing', 'the mail is empty: it was purged from the archive');
  try {
    return { kind: 'mail', commit, mail: await parseMail(content) };
  } catch (error) {
    if (error instanceof StageError) return bad(error.code as string, error.message);
    throw error;
  }
}
