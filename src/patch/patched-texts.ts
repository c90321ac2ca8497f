import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Toolchain } from '#domain';
import { exists } from '#host';
import { applyTexts } from './compose/apply-texts.ts';
import { parseDiff } from './diff.ts';
import { PatchError } from './error.ts';

/** One file that a patch changes, before and after, a character a byte; null where there is no such file. */
export interface ChangedText {
  readonly before: string | null;
  readonly after: string | null;
}

/** What a patch makes of the files of a tree, without a change to the tree. Errors: patch-does-not-apply; those of `parseDiff`. */
export async function patchedTexts(
  tree: string,
  toolchain: Toolchain,
  text: string,
  where: string,
): Promise<Map<string, ChangedText>> {
  // As the bytes stand in it: sources of the kernel are not all UTF-8.
  const files = parseDiff(Buffer.from(text).toString('latin1'), where);
  const before = new Map<string, string | null>();
  for (const { path } of files) before.set(path, await textOf(join(tree, path)));
  const { texts, remarks } = await applyTexts(files, before, { toolchain, fuzz: true });
  if (texts !== null)
    return new Map([...before].map(([path, old]) => [path, { before: old, after: texts.get(path) ?? null }]));
  throw new PatchError('patch-does-not-apply', 'patch', {
    what: `the patch does not apply: ${remarks.slice(0, 6).join('; ')}`,
    where,
    remedy: 'take the fix of a nearer branch, or adapt it by hand and give it with --patch',
  });
}

async function textOf(file: string): Promise<string | null> {
  return (await exists(file)) ? readFile(file, 'latin1') : null;
}
