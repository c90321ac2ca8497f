import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AppliedPatch, hasCode } from '#domain';
import { exists, readLimited, runSandboxed, sha256 } from '#host';
import { KernelError } from './error.ts';
import { IN_TREE } from './sandbox.ts';

const MAX_PATCHES = 10_000;
const MAX_PATCH_BYTES = 16 << 20;
const MAX_SERIES_BYTES = 4 << 20;
const PATCH_TIMEOUT_MS = 120_000;

export interface QueuedPatch {
  /** Relative to the folder of the queue. */
  readonly name: string;
  readonly sha256: string;
  readonly content: Buffer;
  /** Leading path parts to leave out (`patch -p`): 1, or what the series says. */
  readonly strip: 0 | 1;
}

export type PatchQueue = readonly QueuedPatch[];

/**
 * Reads a local patch queue: the order of quilt's `series` file (quilt(1)) when there is one, else every `*.patch` by
 * name. Errors: patch-queue-unreadable.
 */
export async function readPatchQueue(directory: string): Promise<PatchQueue> {
  const series = join(directory, 'series');
  const entries = (await exists(series))
    ? parseSeries((await readLimited(series, MAX_SERIES_BYTES)).toString('utf8'), series)
    : await sortedPatches(directory);
  if (entries.length === 0 || entries.length > MAX_PATCHES)
    throw unreadable(`it holds ${entries.length} patches; from 1 to ${MAX_PATCHES} are taken`, directory);
  const queue: QueuedPatch[] = [];
  for (const { name, strip } of entries) {
    const content = await readLimited(join(directory, name), MAX_PATCH_BYTES).catch((cause: unknown) => {
      throw unreadable(`${name} cannot be read`, directory, cause);
    });
    refuseLinks(content, name, directory);
    queue.push({ name, strip, content, sha256: sha256(content) });
  }
  return queue;
}

async function sortedPatches(directory: string): Promise<Pick<QueuedPatch, 'name' | 'strip'>[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw unreadable('the folder cannot be read', directory, cause);
  });
  const sorted = names.filter((name) => name.endsWith('.patch')).toSorted((a, b) => (a < b ? -1 : 1));
  return sorted.map((name) => ({ name, strip: 1 }));
}

/** One patch a line: its name, then options; a `#` at the start of a line or after a space begins a comment. */
export function parseSeries(text: string, where: string): Pick<QueuedPatch, 'name' | 'strip'>[] {
  const lines = text.split('\n').map((line) => line.replace(/(?:^|\s)#.*$/, '').trim());
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    const [name = '', ...options] = line.split(/\s+/);
    if (name.startsWith('/') || name.startsWith('-') || name.split('/').includes('..'))
      throw unreadable(`"${name.slice(0, 100)}" is no file of this queue`, `${where}:${index + 1}`);
    if (options.length > 1 || !['-p1', '-p0', undefined].includes(options[0]))
      throw unreadable(`the options "${options.join(' ').slice(0, 60)}" are not -p0 or -p1`, `${where}:${index + 1}`);
    return [{ name, strip: options[0] === '-p0' ? (0 as const) : (1 as const) }];
  });
}

/** A patch may change files, and nothing else: a link that it makes could point anywhere. */
function refuseLinks(content: Buffer, name: string, directory: string): void {
  const text = content.toString('latin1');
  if (/^(?:(?:new|old|deleted file|new file) mode|index [0-9a-f]+\.\.[0-9a-f]+) 120000$/m.test(text))
    throw unreadable(`${name} makes or changes a symbolic link`, directory);
  if (/^GIT binary patch$/m.test(text))
    throw unreadable(`${name} is a binary patch, which GNU patch does not apply`, directory);
}

function unreadable(what: string, where: string, cause?: unknown): KernelError {
  return new KernelError('patch-queue-unreadable', 'input', {
    what: `the patch queue cannot be used: ${what}`,
    where,
    remedy: 'give a folder of *.patch files as git format-patch or quilt writes them; nothing was added',
    cause,
  });
}

/**
 * Applies a queue in order with GNU patch, in a sandbox where only the tree can be written. The first patch that does not fit
 * ends it. Errors: patch-not-applied, with patch and hunk.
 */
export async function applyQueue(
  tree: string,
  queue: PatchQueue,
  acceptFuzz: boolean,
  signal?: AbortSignal,
): Promise<AppliedPatch[]> {
  const applied: AppliedPatch[] = [];
  for (const patch of queue) {
    signal?.throwIfAborted();
    const result = await applyOne(tree, patch, acceptFuzz);
    if (!acceptFuzz) refuseFuzz([result]);
    applied.push(result);
  }
  return applied;
}

async function applyOne(tree: string, patch: QueuedPatch, acceptFuzz: boolean): Promise<AppliedPatch> {
  const sandbox = { root: null, mounts: [{ from: tree, to: IN_TREE, writable: true }], cwd: IN_TREE };
  const how = [
    '--batch',
    '--forward',
    '--unified',
    '--no-backup-if-mismatch',
    '--reject-file=-',
    `--strip=${patch.strip}`,
  ];
  const fuzz = acceptFuzz ? [] : ['--fuzz=0'];
  try {
    const { exitCode, stdout, stderr } = await runSandboxed(sandbox, 'patch', [...how, ...fuzz], {
      input: patch.content,
      okCodes: [0, 1, 2],
      timeoutMs: PATCH_TIMEOUT_MS,
    });
    const said = readPatchOutput(stdout);
    if (exitCode !== 0) throw notApplied(patch.name, said.failed, `${stdout}\n${stderr}`);
    return { name: patch.name, sha256: patch.sha256, offsets: said.offsets, fuzz: said.fuzz };
  } catch (error) {
    if (!hasCode(error, 'timed-out', 'output-too-long')) throw error;
    throw notApplied(patch.name, [], error.message);
  }
}

/** What GNU patch says of hunks: `Hunk #2 succeeded at 12 with fuzz 1 (offset 3 lines).`, `Hunk #1 FAILED at 5.` */
export function readPatchOutput(text: string): Record<'failed' | 'offsets' | 'fuzz', string[]> {
  const found: Record<'failed' | 'offsets' | 'fuzz', string[]> = { failed: [], offsets: [], fuzz: [] };
  let file = '';
  for (const line of text.split('\n')) {
    file = /^(?:patching|checking) file (.*)$/.exec(line)?.[1] ?? file;
    const hunk =
      /^Hunk #(\d+) (?:succeeded at \d+(?: with fuzz (\d+))?(?: \(offset (-?\d+) lines?\))?|(FAILED|ignored|skipped)).*$/.exec(
        line,
      );
    if (!hunk) continue;
    const where = `${file} hunk ${hunk[1]}`;
    if (hunk[4] !== undefined) found.failed.push(where);
    if (hunk[2] !== undefined) found.fuzz.push(`${where}: fuzz ${hunk[2]}`);
    if (hunk[3] !== undefined) found.offsets.push(`${where}: offset ${hunk[3]}`);
  }
  return found;
}

function notApplied(name: string, failed: readonly string[], said: string): KernelError {
  const reason = said
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !/^(?:patching|Hunk|\d+ out of)/.test(line));
  return new KernelError('patch-not-applied', 'patch', {
    what: `${name} does not apply${failed.length > 0 ? `: ${failed.join(', ')}` : `: ${reason?.slice(0, 200) ?? 'GNU patch did not say why'}`}`,
    where: name,
    remedy: 'refresh the patch against this source, or see whether --accept-fuzz is right; nothing was added',
  });
}

/** Errors: patch-not-applied, when a patch lies where its context does not fit in full. */
export function refuseFuzz(patches: readonly AppliedPatch[]): void {
  const found = patches.find(({ fuzz }) => fuzz.length > 0);
  if (found) throw notApplied(found.name, found.fuzz, '');
}
