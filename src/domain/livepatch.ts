import type { CveId } from './cve-id.ts';
import type { BuildId } from './kernel.ts';
import type { PaceFloors, Recall, SignedMitigation } from './release-terms.ts';

export type Engine = 'kpatch' | 'klp';

/** A function the livepatch replaces, in `vmlinux` or in a module. */
export interface PatchedFunction {
  readonly object: string;
  readonly name: string;
}

/** What the lint found that a reviewer must know: nothing of it blocks. */
export interface RecipeFinding {
  readonly code: string;
  readonly level: 'two-approvals' | 'note';
  readonly path: string;
  readonly line: number | null;
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

/** What the machine did by itself so that a refusal became a livepatch; each needs a reviewer's yes. */
export interface RecipeAnswer {
  readonly code: 'init-hunk-left-out' | 'export-left-out';
  readonly path: string;
  readonly line: number | null;
  readonly what: string;
  /** What the reviewer has to be sure of. */
  readonly check: string;
}

/** What was built from what: kept beside the module, and published with it (corresponding source). */
export interface LivepatchRecipe {
  readonly engine: Engine;
  readonly engineVersion: string;
  readonly compiler: string;
  readonly buildId: BuildId;
  readonly kernelRelease: string;
  readonly cves: readonly CveId[];
  /** Fix commits in order; empty for a change without a CVE. */
  readonly fixCommits: readonly string[];
  /** sha256 of the exact patch text given to the engine. */
  readonly patchSha256: string;
  readonly functions: readonly PatchedFunction[];
  /** Functions that the change names and that compile to the same code with and without it; absent: not looked at. */
  readonly sameCode?: readonly string[];
  /**
   * Functions that the change names and whose old code stays in the kernel under a name that the new object does not have (gcc inlined it, or
   * made another clone), each with all functions that can call it. Absent: not looked at.
   */
  readonly leftBehind?: readonly { readonly name: string; readonly callers: readonly string[] }[];
  /** How the change fits the source: `exact`, `offset`, `fuzz`, `three-way`, with what was said of its hunks; absent: not recorded. */
  readonly fit?: { readonly how: string; readonly remarks: readonly string[] };
  /** The change is the fix but for these; absent: it is the fix as it stands. */
  readonly answers?: readonly RecipeAnswer[];
  /** Absent: the change was not linted. */
  readonly findings?: readonly RecipeFinding[];
  /** Who had it built, and who wrote a version of an opened patch in it: nobody approves what is their own. Absent: not recorded. */
  readonly authors?: readonly string[];
  /** The versions of opened patches in it; absent: not recorded. */
  readonly versions?: readonly { readonly patch: string; readonly sha256: string }[];
}

/** On whose word a release was published. */
export type ReleaseApproval =
  | { readonly needed: 1 | 2; readonly reviewers: readonly string[] }
  | { readonly without: string; readonly by: string };

/** TUF custom metadata of a module in the archive (`release`): of which kernel, and which number, these bytes are. */
export interface ReleaseMark {
  readonly buildId: BuildId;
  readonly kernelRelease: string;
  readonly moduleName: string;
  /** Rises with every release of one build-id, and never falls. */
  readonly number: number;
}

/** What an agent chooses a release by. */
export interface Release extends ReleaseMark {
  readonly cves: readonly CveId[];
  readonly functions: readonly PatchedFunction[];
  /** Absent: published before approvals were asked for. */
  readonly approval?: ReleaseApproval;
  /** ISO 8601; what the pace floors count from. Absent: published by an older program. */
  readonly publishedAt?: string;
}

/** A release as the index of its kernel lists it. */
export interface IndexedRelease extends Release {
  /** Target path of the module. */
  readonly path: string;
  readonly sha256: string;
  readonly length: number;
}

/** Everything the archive has for one kernel: the one signed file an agent asks for by name. */
export interface ReleaseIndex {
  readonly version: 1;
  readonly buildId: BuildId;
  readonly kernelRelease: string;
  readonly releases: readonly IndexedRelease[];
  /** The highest number that was ever given, also to releases that are not listed any more. Absent: that of the list. */
  readonly newest?: number;
  /** Absent: none. */
  readonly floors?: PaceFloors;
  readonly recalls?: readonly Recall[];
  readonly mitigations?: readonly SignedMitigation[];
}

export function indexPath(buildId: BuildId): string {
  return `index/${buildId}.json`;
}

/** Target path of a file of a release. */
export function releasePath(release: Pick<Release, 'buildId' | 'number'>, name: string): string {
  return `livepatches/${release.buildId}/${release.number}/${name}`;
}
