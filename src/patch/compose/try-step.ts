import type { FileDiff } from '../diff.ts';
import type { SourceTexts } from '../file-in.ts';
import { type Applied, applyTexts } from './apply-texts.ts';
import type { ComposeOptions } from './options.ts';

/** Tries a change on texts, reading from the source what is not among them. */
export async function tryStep(
  files: readonly FileDiff[],
  texts: ReadonlyMap<string, string | null>,
  { source, toolchain }: ComposeOptions,
  fuzz: boolean,
): Promise<Applied> {
  const before = new Map<string, string | null>();
  for (const { path } of files) before.set(path, (await readNow(texts, source, path)) ?? null);
  return applyTexts(files, before, { toolchain, fuzz });
}

/** The text of a file after the steps so far; undefined: there is none. */
export async function readNow(
  texts: ReadonlyMap<string, string | null>,
  source: SourceTexts,
  path: string,
): Promise<string | undefined> {
  const text = texts.get(path);
  return text === undefined ? source.read(path) : (text ?? undefined);
}
