import type { FileDiff } from '../diff.ts';
import { fileIn } from '../file-in.ts';
import { knownMoves } from '../renames.ts';
import type { ComposeOptions } from './options.ts';
import type { ComposeStep } from './steps.ts';

/** Old path → the path it has in this source, and how that is known. */
export type Moved = Readonly<Record<string, { readonly to: string; readonly how: 'history' | 'table' | 'content' }>>;

/**
 * Gives the files of a step the names they have in this source: a path that it has stays; another one is looked for by
 * history, the list of known moves and content. A name that history or the list gives still has to fit line by line.
 */
export async function moveFiles(
  step: ComposeStep,
  texts: ReadonlyMap<string, string | null>,
  { source, otherNames }: ComposeOptions,
): Promise<{ files: readonly FileDiff[]; moved: Moved }> {
  const moved: Record<string, Moved[string]> = {};
  const has = async (path: string): Promise<boolean> => texts.has(path) || (await source.read(path)) !== undefined;
  const files: FileDiff[] = [];
  for (const file of step.files) {
    if (file.kind === 'added' || (await has(file.path))) {
      files.push(file);
      continue;
    }
    const found = await find(file, await (otherNames?.(step.commit, file.path) ?? []), has, source);
    if (found !== null) moved[file.path] = found;
    files.push(found === null ? file : { ...file, path: found.to });
  }
  return { files, moved };
}

async function find(
  file: FileDiff,
  told: readonly string[],
  has: (path: string) => Promise<boolean>,
  source: ComposeOptions['source'],
): Promise<Moved[string] | null> {
  for (const to of told) if (await has(to)) return { to, how: 'history' };
  for (const to of knownMoves(file.path)) if (await has(to)) return { to, how: 'table' };
  if (file.kind !== 'changed') return null;
  const { path, before } = await fileIn(file, source);
  return before !== null && path !== file.path ? { to: path, how: 'content' } : null;
}
