import type { Profile } from '#domain';
import type { FileChange } from './change.ts';
import type { Finding } from './finding.ts';

/** What a rule may look at beside the file. */
export interface Surroundings {
  /** Every file of the patch that is looked at. */
  readonly changes: readonly FileChange[];
  /** A file of the built tree; undefined: it is not there, or was not asked for in `lintPaths`. */
  textOf(path: string): string | undefined;
  readonly profile: Profile | undefined;
}

/** The rules of one family of hazards. */
export type Family = (change: FileChange, around: Surroundings) => Finding[];

export const isHeader = (path: string): boolean => path.endsWith('.h');

/** Indexes of the objects that read a file; undefined: the profile cannot say that none does. */
export function readersOf(path: string, profile: Profile | undefined): readonly number[] | undefined {
  const readers = profile?.files.get(path);
  if (readers !== undefined) return readers;
  return profile?.origin === 'build' && profile.unreadable.length === 0 ? [] : undefined;
}

/** The saved command of an object (Kbuild), beside it. */
export function commandPath(object: string): string {
  const at = object.lastIndexOf('/') + 1;
  return `${object.slice(0, at)}.${object.slice(at)}.cmd`;
}
