import type { Guard } from './conditions.ts';
import type { Scope } from './scope.ts';

/** A word on the right of an assignment: it says under which condition a list holds the word. */
export interface Mention {
  /** Name of the variable, expanded: `obj-y`, `obj-`, `foo-objs`. */
  readonly variable: string;
  /** The name as written: `obj-$(CONFIG_NET)`. */
  readonly written: string;
  readonly guards: readonly Guard[];
  /** `net/Makefile:12`. */
  readonly place: string;
  /** The configuration keeps the word out of the list: a false branch, or `obj-$(CONFIG_X)` of an unset option. */
  readonly off: boolean;
}

/** A rule that makes something in this folder from a file named in it. */
interface MakeRule {
  readonly targets: readonly string[];
  readonly sources: readonly string[];
}

/** What was read of one folder's Makefile. */
export interface Facts {
  /** Relative to the source root; empty for the root itself. */
  readonly folder: string;
  readonly scope: Scope;
  readonly mentions: Map<string, Mention[]>;
  readonly rules: MakeRule[];
  /** Files and objects that recipes or rules may make or read in their own way: paths as written. */
  readonly touched: Set<string>;
  /** Folders that a recipe enters with `$(build)=`. */
  readonly entered: Set<string>;
  /** A rule or a list depends on something unknown, so any file of this folder may be built. */
  open: boolean;
  /** Why the Makefile was not understood. */
  failed: string | undefined;
}

export function emptyFacts(folder: string, scope: Scope): Facts {
  return {
    folder,
    scope,
    mentions: new Map(),
    rules: [],
    touched: new Set(),
    entered: new Set(),
    open: false,
    failed: undefined,
  };
}
