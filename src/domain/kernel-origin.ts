/** How a kernel came to be known here: it says what its profile rests on. */
export type KernelOrigin = 'built' | 'build-tree' | 'debug-info' | 'config';

/** Where the source of a kernel was taken from. `address` is what the operator gave, made absolute when it is a path. */
export type SourceOrigin =
  | { readonly kind: 'directory'; readonly address: string }
  | { readonly kind: 'git'; readonly address: string; readonly ref: string; readonly commit: string }
  /** `sha256` is that of the file itself; for a `.dsc` it covers the files that it names. */
  | { readonly kind: 'tarball' | 'dsc' | 'deb'; readonly address: string; readonly sha256: string };

/** One patch of a local queue, as it was applied. */
export interface AppliedPatch {
  readonly name: string;
  readonly sha256: string;
  /** What GNU patch said of hunks that lay elsewhere, e.g. `net/core/sock.c hunk 2: offset 3`. */
  readonly offsets: readonly string[];
  /** Hunks that were applied with less context than given; only with --accept-fuzz. */
  readonly fuzz: readonly string[];
}

/** A symbol that `olddefconfig` gives another value; null is "not set". */
export interface ConfigChange {
  readonly symbol: string;
  readonly before: string | null;
  readonly after: string | null;
}
