import type { CveId } from './cve-id.ts';

/** A commit that went into a patch. */
export interface PatchCommit {
  readonly commit: string;
  /** Version that first carries it; empty: not said. */
  readonly version: string;
  readonly cves: readonly CveId[];
  /** Where its change came from. */
  readonly where: string;
  /** How it fits (`exact`, `offset`, `fuzz`, `three-way`), or why nothing was to be applied (`in-source`, `in-others`). */
  readonly how: string;
}

/** Where the text of a version comes from: composed of fixes, given as a file, or edited by a person. */
export type PatchOrigin =
  | { readonly kind: 'fixes'; readonly commits: readonly PatchCommit[] }
  | { readonly kind: 'file'; readonly where: string }
  | { readonly kind: 'edit' };

/** The change of one kernel for a set of CVEs, or under a name. */
export interface KernelPatch {
  readonly id: string;
  readonly kernelId: string;
  readonly name: string;
  readonly cves: readonly CveId[];
  /** Commits of the fixes it was opened with, whatever was edited since. */
  readonly commits: readonly PatchCommit[];
  readonly madeAt: Date;
}

/** One version of it; it is never changed. */
export interface PatchVersion {
  /** From 1. */
  readonly number: number;
  /** Of the text. */
  readonly sha256: string;
  /** sha256 of the version it was made from; null for the first. */
  readonly base: string | null;
  /** Unified diff against the pristine source. */
  readonly text: string;
  /** The same for every kernel whose change is the same but for line numbers. */
  readonly reviewKey: string;
  readonly origin: PatchOrigin;
  readonly author: string;
  readonly note: string;
  readonly madeAt: Date;
}

/** Name of the patch of a set of CVEs, whatever their order. */
export function patchNameOf(sorted: readonly CveId[]): string {
  return sorted.join('+');
}

/** A name that a person gives; none that could be taken for CVEs. */
export function isPatchName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) && !/^CVE-/i.test(text);
}
