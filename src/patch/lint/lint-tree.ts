import type { Profile } from '#domain';
import type { FileDiff } from '../diff.ts';
import { oldTexts } from '../fix-source.ts';
import type { Finding } from './finding.ts';
import { lint, lintPaths } from './lint.ts';

/** `lint` on the source of a built tree, which is only read. */
export async function lintTree(tree: string, files: readonly FileDiff[], profile: Profile): Promise<Finding[]> {
  const texts = await oldTexts(tree, lintPaths(files, profile));
  return lint(files, (path) => texts.get(path), profile);
}
