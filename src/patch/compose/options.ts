import type { Toolchain } from '#domain';
import type { SourceTexts } from '../file-in.ts';

export interface ComposeOptions {
  /** The pristine source; only files that the change touches are read. */
  readonly source: SourceTexts;
  readonly toolchain: Toolchain;
  /** Other names of a path that this source does not have, the likeliest first: what history or the list of moves gives. */
  readonly otherNames?: ((commit: string | null, path: string) => Promise<readonly string[]>) | undefined;
}
