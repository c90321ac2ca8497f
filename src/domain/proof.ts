/** What must hold for the changed lines of a hunk to be compiled, or to run, in this configuration. */
export interface HunkCondition {
  /** As the source says it, e.g. `defined(CONFIG_X) && CONFIG_HZ > 100`. */
  readonly text: string;
  /** False: none of the changed lines is read by the compiler, before the fix and after it. Null: not known. */
  readonly value: boolean | null;
  /** `preprocessor`: `#if` and its kind. `if`: an `if (IS_ENABLED(…))` of C, which clears nothing. */
  readonly by: 'preprocessor' | 'if';
  /** Line of this tree's file where the condition begins, from 1. */
  readonly from: number;
}

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
  /** Null: none, or not known. Absent in what was found by a TuxTape that did not look. */
  readonly condition?: HunkCondition | null;
  /** Names that the functions it changes may have in symbol tables; absent as above. */
  readonly functions?: readonly string[];
}

/** How the name of a file in this tree was found. */
export type RenameHow = 'content' | 'history' | 'table';

/** Is a fix in a kernel's source? */
export interface SourceFinding {
  readonly outcome: 'fixed' | 'vulnerable' | 'partly-fixed' | 'unclear';
  readonly hunks: readonly HunkFinding[];
  /** Paths of the patch that have another name in this tree, where every hunk of theirs stands. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Paths that may have another name in this tree, by history or a list of moves: what supports, and clears nothing. */
  readonly moved?: Readonly<Record<string, { readonly to: string; readonly how: Exclude<RenameHow, 'content'> }>>;
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
  /** Which program found it (a hash of its rules); one of another program is not believed. */
  readonly by?: string;
  /**
   * The directory or git repository that the fixes were read from, and the file of each by its commit; one that is in no file
   * was read from git. Paths of this machine: for a replay here, never for what is given to others. Absent in older proofs.
   */
  readonly from?: { readonly directory: string; readonly files: Readonly<Record<string, string>> };
  /** Files of the fix in this tree, by their names here. */
  readonly paths: readonly string[];
  /**
   * Every changed line stands where the compiler does not read, in every object that reads it: the fix fits, all
   * conditions are false, and nothing of the build sets their symbols another way. Absent: not looked at.
   */
  readonly excluded?: boolean;
  /** Null: not compiled, because the source rung decided or the fix does not fit. */
  readonly object: ObjectFinding | null;
}
