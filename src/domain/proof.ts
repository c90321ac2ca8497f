/** What one hunk of a fix looks like in a kernel's source. */
export interface HunkFinding {
  /** Path in the patch. */
  readonly path: string;
  /** Line of the old file at which the patch says the hunk begins, from 1. */
  readonly line: number;
  /** `fixed`: the lines after the fix stand there; `vulnerable`: those before it. */
  readonly state: 'fixed' | 'vulnerable' | 'unclear';
  /** `exact`: with every line of context; `drifted`: changed lines and at least one line of context on each side. */
  readonly how: 'exact' | 'drifted' | 'none';
  /** Line of this tree's file, from 1; null when it was not found. */
  readonly at: number | null;
}

/** Is a fix in a kernel's source? */
export interface SourceFinding {
  readonly outcome: 'fixed' | 'vulnerable' | 'partly-fixed' | 'unclear';
  readonly hunks: readonly HunkFinding[];
  /** Paths of the patch that have another name in this tree. */
  readonly renamed: Readonly<Record<string, string>>;
}

/** One object of the build, compiled with and without a fix. */
export interface ObjectComparison {
  readonly object: string;
  /** vmlinux, a module, or `image`. */
  readonly target: string;
  readonly same: boolean;
  /** Functions and data that differ, by name; empty when it is the same, or when none can be named. */
  readonly changes: readonly string[];
}

/** Proof by compilation. `undecided`: not every object could be compared, and none of those that were differs. */
export interface ObjectFinding {
  readonly outcome: 'same' | 'differs' | 'undecided';
  /** Why it is undecided; null otherwise. */
  readonly why: string | null;
  readonly objects: readonly ObjectComparison[];
}

/** What was found by holding the fix of a CVE against the source of a kernel. */
export interface Proof {
  /** Fixing commits that were looked at, in order, with the SHA-256 of their text: what a replay needs. */
  readonly fixes: readonly { readonly commit: string; readonly version: string; readonly sha256: string }[];
  readonly source: SourceFinding;
  /** Files of the fix in this tree, by their names here. */
  readonly paths: readonly string[];
  /** Null: not compiled, because the source rung decided or the fix does not fit. */
  readonly object: ObjectFinding | null;
}
