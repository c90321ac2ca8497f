import type { CveId } from './cve-id.ts';

/** In the order in which every summary and list of choices gives them. */
export const verdictStatuses = ['affected', 'under_investigation', 'fixed', 'not_affected'] as const;
export type VerdictStatus = (typeof verdictStatuses)[number];

/** OpenVEX v0.2.0 status justifications. The ladder proves the first alone; a person may state any. */
export const justifications = [
  'vulnerable_code_not_present',
  'component_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const;
export type Justification = (typeof justifications)[number];

/**
 * The rungs of the applicability ladder, in order (DESIGN section 3, triage): `condition` is the `#ifdef` around each hunk,
 * `function` what of it stands in symbol tables; `person` overrides them.
 */
export const rungs = [
  'state',
  'ranges',
  'source',
  'build',
  'condition',
  'function',
  'object',
  'fleet',
  'person',
] as const;
export type Rung = (typeof rungs)[number];

/** What one rung found. `facts` are what a replay needs: versions, commits, files, the profile looked at. */
export interface Evidence {
  readonly rung: Rung;
  readonly outcome: 'clears' | 'supports' | 'inconclusive';
  /** One sentence a person can read. */
  readonly sentence: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** For one CVE and one kernel: does it matter, and why. */
export interface Verdict {
  readonly cve: CveId;
  readonly status: VerdictStatus;
  /** Set exactly when `status` is `not_affected`. */
  readonly justification: Justification | null;
  readonly evidence: readonly Evidence[];
}

/** What a person says of one CVE in one kernel, against the ladder, until a day. */
export interface VerdictOverride {
  readonly id: string;
  readonly cve: CveId;
  readonly status: VerdictStatus;
  /** Set exactly when `status` is `not_affected`. */
  readonly justification: Justification | null;
  readonly reason: string;
  readonly until: Date;
  readonly author: string;
  readonly madeAt: Date;
}
