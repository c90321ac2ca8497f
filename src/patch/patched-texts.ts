import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Toolchain } from '#domain';
import { exists, ProgramError } from '#host';
import { runInTree } from '#kernel';
import { parseDiff } from './diff.ts';
import { PatchError } from './error.ts';

const TIMEOUT_MS = 120_000;

/** One file that a patch changes, before and after, a character a byte; null where there is no such file. */
export interface ChangedText {
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * What GNU patch makes of the files of a tree, without a change to the tree: they are copied, and patched in the sandbox.
 * Errors: patch-does-not-apply; those of `parseDiff`.
 */
export async function patchedTexts(
  tree: string,
  toolchain: Toolchain,
  text: string,
  where: string,
): Promise<Map<string, ChangedText>> {
  const paths = parseDiff(text, where).map(({ path }) => path);
  const copy = await mkdtemp(join(tmpdir(), 'tuxtape-patched-'));
  try {
    const before = new Map<string, string | null>();
    for (const path of paths) {
      before.set(path, await textOf(join(tree, path)));
      await mkdir(dirname(join(copy, path)), { recursive: true });
      if (before.get(path) !== null) await copyFile(join(tree, path), join(copy, path));
    }
    const args = ['-p1', '--force', '--batch', '--no-backup-if-mismatch', '--reject-file=/dev/null'];
    await runInTree(copy, toolchain, 'patch', args, { input: text, timeoutMs: TIMEOUT_MS });
    const changed = new Map<string, ChangedText>();
    for (const [path, old] of before) changed.set(path, { before: old, after: await textOf(join(copy, path)) });
    return changed;
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    throw new PatchError('patch-does-not-apply', 'patch', {
      what: `the patch does not apply: ${error.stdout.trim().split('\n').slice(-6).join('; ').slice(0, 500)}`,
      where,
      remedy: 'take the fix of a nearer branch, or adapt it by hand and give it with --patch',
      cause: error,
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function textOf(file: string): Promise<string | null> {
  return (await exists(file)) ? readFile(file, 'latin1') : null;
}
