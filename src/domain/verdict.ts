import type { CveId } from './cve-id.ts';

export type VerdictStatus = 'affected' | 'not_affected' | 'fixed' | 'under_investigation';

/** OpenVEX v0.2.0 status justifications that TuxTape can prove. */
export type Justification = 'vulnerable_code_not_present' | 'component_not_present';

/** The rungs of the applicability ladder, in order (DESIGN section 3, triage). */
export type Rung = 'state' | 'ranges' | 'source' | 'build' | 'object' | 'fleet';

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
