import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Toolchain } from '#domain';
import { errno } from '#host';
import { runInTree } from '#kernel';
import { type Fit, remarks } from '../apply.ts';
import type { FileDiff } from '../diff.ts';
import { PatchError } from '../error.ts';
import { renderDiff } from '../render.ts';

const TIMEOUT_MS = 120_000;

/** Texts of files by path, a character a byte; null: there is no such file. */
export type Texts = ReadonlyMap<string, string | null>;

export interface ApplyOptions {
  readonly toolchain: Toolchain;
  /** Context lines that may be ignored. */
  readonly fuzz: boolean;
  /** Leave markers where a hunk does not fit (`patch --merge=diff3`); then it always gives texts. */
  readonly merge?: boolean;
}

/** `texts` null: it does not fit, and the remarks say which hunks. */
export type Applied = { readonly remarks: readonly string[] } & (
  | { readonly texts: Texts; readonly how: Fit['how'] }
  | { readonly texts: null }
);

/**
 * Applies a change to texts with GNU patch, in a folder that holds nothing but the files it touches, in the sandbox. What
 * GNU patch is given is written by us from what was read, not the text of the change itself.
 */
export async function applyTexts(
  files: readonly FileDiff[],
  texts: Texts,
  { toolchain, fuzz, merge }: ApplyOptions,
): Promise<Applied> {
  // GNU patch would put the new file before the one that is there.
  const there = files.find(({ path, kind }) => kind === 'added' && (texts.get(path) ?? null) !== null);
  if (there !== undefined) return { texts: null, remarks: [`${there.path}: the file to add is there already`] };
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-apply-'));
  try {
    const paths = [...new Set(files.map(({ path }) => path))];
    for (const path of paths) await put(folder, path, texts.get(path) ?? null);
    const how = merge === true ? ['--merge=diff3'] : fuzz ? [] : ['--fuzz=0'];
    const args = ['-p1', '--force', '--binary', '--no-backup-if-mismatch', '--reject-file=-', ...how];
    const options = { input: Buffer.from(renderDiff(files), 'latin1'), okCodes: [0, 1, 2], timeoutMs: TIMEOUT_MS };
    const result = await runInTree(folder, toolchain, 'patch', args, options);
    const said = remarks(result);
    if (result.exitCode === 2) throw broken(result.stderr);
    if (result.exitCode !== 0 && merge !== true) return { texts: null, remarks: said };
    const after = new Map<string, string | null>();
    for (const path of paths) after.set(path, await get(folder, path));
    const fit = /with fuzz/.test(result.stdout) ? 'fuzz' : /offset/.test(result.stdout) ? 'offset' : 'exact';
    return { texts: after, remarks: said, how: fit };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function put(folder: string, path: string, text: string | null): Promise<void> {
  await mkdir(join(folder, dirname(path)), { recursive: true });
  if (text !== null) await writeFile(join(folder, path), text, 'latin1');
}

async function get(folder: string, path: string): Promise<string | null> {
  try {
    return await readFile(join(folder, path), 'latin1');
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw error;
  }
}

function broken(said: string): PatchError {
  return new PatchError('patch-unreadable', 'patch', {
    what: `GNU patch cannot work with the change: ${JSON.stringify(said.trim().slice(0, 200))}`,
    remedy: 'make the change anew with git diff or diff -u',
  });
}
