import { join } from 'node:path';
import type { Profile } from '#domain';
import { mapLimited, readLimited } from '#host';
import { type ChangedText, confinedNames, parseDiff } from '#patch';

const MAX_FILE_BYTES = 16 << 20;
const READS_AT_ONCE = 16;
/** Fewer are compiled sooner than looked at. */
const FEW = 8;

/** A header whose change reaches only code that has one of these names in it. */
export interface Confined {
  readonly path: string;
  readonly names: ReadonlySet<string>;
  readonly readers: number;
  /** Numbers of the objects of the profile that it can reach. */
  readonly reached: ReadonlySet<number>;
}

/**
 * Which objects a changed header can reach, where that can be told by names (`confinedNames`): those that read any other file, changed ones in
 * their new text, with one of them. What cannot be read counts as having it.
 */
export async function confinedHeaders(
  tree: string,
  patch: string,
  profile: Profile,
  changed: ReadonlyMap<string, ChangedText>,
): Promise<Confined[]> {
  const found: Confined[] = [];
  for (const file of parseDiff(patch, 'the patch')) {
    const text = changed.get(file.path)?.before;
    const readers = profile.files.get(file.path) ?? [];
    if (!file.path.endsWith('.h') || typeof text !== 'string' || readers.length <= FEW) continue;
    const names = confinedNames(file, text);
    if (names === null) continue;
    const reached = await reachedBy(tree, { path: file.path, names, readers: new Set(readers) }, profile, changed);
    found.push({ path: file.path, names, readers: readers.length, reached });
  }
  return found;
}

async function reachedBy(
  tree: string,
  {
    path,
    names,
    readers,
  }: { readonly path: string; readonly names: ReadonlySet<string>; readonly readers: ReadonlySet<number> },
  profile: Profile,
  changed: ReadonlyMap<string, ChangedText>,
): Promise<Set<number>> {
  const reached = new Set<number>();
  if (names.size === 0) return reached;
  const word = new RegExp(`(?<![A-Za-z0-9_])(?:${[...names].join('|')})(?![A-Za-z0-9_])`);
  const others = [...profile.files].filter(([other, by]) => other !== path && by.some((index) => readers.has(index)));
  await mapLimited(others, READS_AT_ONCE, async ([other, by]) => {
    const texts = changed.get(other);
    const isIn =
      texts === undefined ? await mentions(join(tree, other), word) : word.test(`${texts.before}\n${texts.after}`);
    if (isIn) for (const index of by) if (readers.has(index)) reached.add(index);
  });
  return reached;
}

async function mentions(file: string, word: RegExp): Promise<boolean> {
  try {
    return word.test((await readLimited(file, MAX_FILE_BYTES)).toString('latin1'));
  } catch {
    return true;
  }
}
