import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_PATCH_BYTES } from '#domain';
import { HostError, HttpStatusError, readLimited, sha256, writeAtomic } from '#host';
import { PatchError } from '../error.ts';
import { commitsOfMail, dateOfMail, isCommitName, requireCommit } from './mail.ts';
import type { FetchedFix, FixDoors, FixSource } from './source.ts';

const TIMEOUT_MS = 60_000;
const RETRY_AFTER_MS = 2_000;
/** A server may ask for a longer pause; nobody waits longer than this. */
const LONGEST_WAIT_MS = 30_000;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * A repository's page of cgit or a server like it: the change of a commit is at `<repository>/patch/?id=<commit>`, as
 * git-format-patch(1) writes it. What was fetched is kept, and not asked for again. Errors: source-refused.
 */
export function cgitSource(address: string, doors: FixDoors): FixSource {
  const base = baseOf(address);
  const cache = join(doors.cache, `http-${sha256(base).slice(0, 16)}`);
  return {
    kind: 'http',
    address,
    history: null,
    sides: () => Promise.resolve(null),
    list: async () => (await kept(cache)).map((name) => name.slice(0, -'.patch'.length)),
    changeOf: (commit) => (isCommitName(commit) ? fetchOne(base, cache, commit, doors) : Promise.resolve(undefined)),
  };
}

/** Takes the address of the repository's page, or of its `patch/` below that. */
function baseOf(address: string): string {
  const refused = (what: string): PatchError =>
    new PatchError('source-refused', 'input', {
      what,
      where: address.slice(0, 300),
      remedy: 'give the https address of a repository as cgit shows it, a directory, or a git repository',
    });
  if (!URL.canParse(address)) throw refused('this is no address');
  const url = new URL(address);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
    throw refused('fixes are fetched by https only: nothing else says who answers');
  if (url.username !== '' || url.password !== '') throw refused('the address holds a password');
  return `${url.origin}${url.pathname.replace(/\/(?:patch\/?)?$/, '')}`;
}

async function kept(cache: string): Promise<string[]> {
  const names = await readdir(cache).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{40}\.patch$/.test(name)).toSorted();
}

async function fetchOne(base: string, cache: string, commit: string, doors: FixDoors): Promise<FetchedFix | undefined> {
  const [name, ...more] = (await kept(cache)).filter((entry) => entry.startsWith(commit));
  if (name !== undefined && more.length === 0) {
    const text = (await readLimited(join(cache, name), MAX_PATCH_BYTES)).toString('utf8');
    // A file that somebody wrote into is fetched again.
    if (commitsOfMail(text).join() === name.slice(0, 40)) return fixOf(text, join(cache, name));
  }
  const url = `${base}/patch/?id=${commit}`;
  const bytes = await ask(url, doors);
  if (bytes === undefined) return undefined;
  const text = readAnswer(bytes, url);
  requireCommit(text, commit, url, true);
  const file = join(cache, `${commitsOfMail(text)[0]!}.patch`);
  await writeAtomic(file, bytes);
  return fixOf(text, file);
}

function fixOf(text: string, file: string): FetchedFix {
  return { text, file, date: dateOfMail(text) };
}

/** Undefined: the server says that there is no such commit. A network that fails is asked once more. */
async function ask(url: string, doors: FixDoors): Promise<Buffer | undefined> {
  for (let left = 1; ; left -= 1) {
    try {
      return await doors.get(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_PATCH_BYTES });
    } catch (error) {
      const status = error instanceof HttpStatusError ? error.status : null;
      if (status === 404 || status === 410) return undefined;
      if (left === 0 || !isPassing(error, status)) throw error;
      const wait = error instanceof HttpStatusError ? error.retryAfterMs : null;
      await doors.sleep(Math.min(wait ?? RETRY_AFTER_MS, LONGEST_WAIT_MS));
    }
  }
}

function isPassing(error: unknown, status: number | null): boolean {
  if (!(error instanceof HostError) || error.fault !== 'network') return false;
  return status === null || status >= 500 || status === 429 || status === 408;
}

/** Errors: fix-unreadable, for a page or anything else that is no mail with a commit. */
function readAnswer(bytes: Buffer, url: string): string {
  const text = bytes.toString('utf8');
  if (text.startsWith('From ')) return text;
  throw new PatchError('fix-unreadable', 'untrusted', {
    what: `the server answered with something else than a commit's change; it begins with ${JSON.stringify(text.slice(0, 60))}`,
    where: url,
    remedy: 'check that the address is the page of a repository of cgit; nothing of the answer was kept',
  });
}
