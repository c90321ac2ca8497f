import type { Toolchain } from '#domain';
import type { SourceTexts } from '../file-in.ts';

export interface ComposeOptions {
  /** The pristine source; only files that the change touches are read. */
  readonly source: SourceTexts;
  readonly toolchain: Toolchain;
  /** Other names of a path that this source does not have, the likeliest first: what history or the list of moves gives. */
  readonly otherNames?: ((commit: string | null, path: string) => Promise<readonly string[]>) | undefined;
  /** A file before and after a commit, a character a byte; null: it cannot be had. */
  readonly sides?: ((commit: string, path: string) => Promise<Sides | null>) | undefined;
  /** `mark`: a change that does not fit is left in the files between markers. Otherwise it is an error. */
  readonly conflicts?: 'mark' | undefined;
}

export interface Sides {
  /** Null: the file is not there on that side. */
  readonly before: string | null;
  readonly after: string | null;
}
