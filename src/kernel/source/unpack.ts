import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Mount, makeFolders, ProgramError, type RunOptions, type RunResult, runSandboxed } from '#host';
import { KernelError } from '../error.ts';
import { checkUnpacked, MAX_BYTES, MAX_ENTRIES, unsafe } from './stay-inside.ts';

const UNPACK_TIMEOUT_MS = 30 * 60_000;
const MAX_LISTING_BYTES = 128 << 20;
const IN = '/mnt/in';
const OUT = '/mnt/out';

/** A line of `tar --list --verbose --full-time`: type and mode, owner, size (or device numbers), day, time, name. */
const LISTED = /^([-dlhbcps])\S+ +\S+ +(\d+|\d+,\d+) +[\d-]+ [\d:]+ (.*)$/;

export interface Listed {
  /** As in `ls -l`; `h` is a hard link. */
  readonly type: string;
  readonly bytes: number;
  /** Without `./` before and `/` behind. Odd characters stand as tar escapes them. */
  readonly name: string;
}

/** Runs a program that sees this machine read-only and may write nothing but the given mounts. */
export async function caged(
  program: string,
  args: readonly string[],
  mounts: readonly Mount[],
  options: Omit<RunOptions, 'cwd' | 'env'> = {},
): Promise<RunResult> {
  return runSandboxed({ root: null, mounts, cwd: '/mnt' }, program, args, { timeoutMs: UNPACK_TIMEOUT_MS, ...options });
}

function unreadable(archive: string, cause: unknown): unknown {
  if (!(cause instanceof ProgramError)) return cause;
  if (cause.code === 'output-too-long' || cause.code === 'timed-out')
    return unsafe('the archive holds more than is allowed', archive);
  return new KernelError('source-unreadable', 'input', {
    what: `the archive cannot be unpacked: ${cause.stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ''}`,
    where: archive,
    remedy: 'check that the file is whole; nothing of it was kept',
    cause,
  });
}

/**
 * What a tar archive would unpack to, refused before anything is written when it is too much, leaves its folder or holds
 * a device. Errors: archive-unsafe, source-unreadable.
 */
export async function listTar(archive: string, signal?: AbortSignal, skip: readonly string[] = []): Promise<Listed[]> {
  const format = ['--verbose', '--full-time', '--numeric-owner', '--quoting-style=escape', '--absolute-names'];
  const at = `${IN}/${basename(archive)}`;
  const { stdout } = await caged('tar', ['--list', ...format, ...skip, '--file', at], [{ from: archive, to: at }], {
    maxOutput: MAX_LISTING_BYTES,
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    throw unreadable(archive, error);
  });
  return checkListing(stdout, archive);
}

export function checkListing(text: string, archive: string): Listed[] {
  const found: Listed[] = [];
  let bytes = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = LISTED.exec(line);
    if (!match) throw unsafe('a name in the archive cannot be read', `${archive}: ${line.slice(0, 100)}`);
    const [type, size, rest] = [match[1]!, match[2]!, match[3]!];
    const name = type === 'l' ? rest.split(' -> ')[0]! : type === 'h' ? rest.split(' link to ')[0]! : rest;
    const where = `${archive}: ${name.slice(0, 200)}`;
    if (!'-dlh'.includes(type)) throw unsafe('the archive holds a device or a pipe', where);
    if (name.startsWith('/') || name.split('/').includes('..')) throw unsafe('a path leaves the archive', where);
    bytes += Number(size);
    found.push({ type, bytes: Number(size), name: name.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '') });
    if (found.length > MAX_ENTRIES || bytes > MAX_BYTES)
      throw unsafe('the archive unpacks to more than is allowed', archive);
  }
  return found;
}

/**
 * Unpacks a tar archive, compressed or not, into an empty folder: in a sandbox that may write nothing else, without owners
 * and set-user bits. Errors: archive-unsafe, source-unreadable.
 */
export async function extractTar(
  archive: string,
  folder: string,
  signal?: AbortSignal,
  skip: readonly string[] = [],
): Promise<void> {
  const at = `${IN}/${basename(archive)}`;
  const how = ['--no-same-owner', '--no-same-permissions', '--delay-directory-restore', '--no-overwrite-dir'];
  await caged(
    'tar',
    ['--extract', ...how, ...skip, '--file', at, '--directory', OUT],
    [
      { from: archive, to: at },
      { from: folder, to: OUT, writable: true },
    ],
    signal && { signal },
  ).catch((error: unknown) => {
    throw unreadable(archive, error);
  });
  await caged('chmod', ['-R', 'u+rwX,u-s,g-s', OUT], [{ from: folder, to: OUT, writable: true }], signal && { signal });
}

/**
 * Unpacks a source tarball whose files lie in one top folder: that folder becomes `target`, which must not exist yet.
 * It appears whole or not at all. Errors: archive-unsafe, source-unreadable, source-not-a-kernel.
 */
export async function unpackSource(archive: string, target: string, signal?: AbortSignal): Promise<void> {
  const tops = new Set(
    (await listTar(archive, signal)).map(({ name }) => name.split('/')[0]!).filter((top) => top !== '' && top !== '.'),
  );
  if (tops.size !== 1) {
    throw new KernelError('source-not-a-kernel', 'input', {
      what: `a source archive has one top folder, this one has ${tops.size}`,
      where: archive,
      remedy: 'give the tarball as kernel.org or "git archive --prefix=linux/" makes it',
    });
  }
  await staged(
    target,
    async (staging) => {
      await extractTar(archive, staging, signal);
      return join(staging, (await readdir(staging))[0]!);
    },
    archive,
  );
}

/** Lets `fill` unpack into a folder of its own, looks at the result, and moves what it names to `target`. */
export async function staged(
  target: string,
  fill: (staging: string) => Promise<string>,
  archive: string,
): Promise<void> {
  await makeFolders(dirname(target));
  const staging = await mkdtemp(join(dirname(target), '.unpack-'));
  try {
    const made = await fill(staging);
    await checkUnpacked(made, archive, 'inside');
    await rename(made, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
