import type { CveRecord, Evidence, Profile, Verdict } from '#domain';
import { buildRung } from './build-rung.ts';
import { rangesRung } from './ranges.ts';

/** What a verdict is about. `profile` null: the kernel is not built yet, so only the ranges speak. */
export interface TriagedKernel {
  readonly version: string;
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly profile: Profile | null;
}

/**
 * The applicability ladder, thin: state, ranges, build (DESIGN section 3, triage). Each rung adds evidence and may end it.
 * Only positive proof clears; what no rung decides is `under_investigation`.
 */
export function decide(record: CveRecord, kernel: TriagedKernel): Verdict {
  if (record.state === 'rejected') {
    const evidence: Evidence = {
      rung: 'state',
      outcome: 'clears',
      sentence: 'The CVE was rejected by its authority: it names no vulnerability.',
      facts: {},
    };
    return {
      cve: record.id,
      status: 'not_affected',
      justification: 'vulnerable_code_not_present',
      evidence: [evidence],
    };
  }
  const { outcome, evidence } = rangesRung(record, kernel.version);
  if (outcome === 'fixed') return { cve: record.id, status: 'fixed', justification: null, evidence: [evidence] };
  if (outcome === 'not-introduced') {
    return {
      cve: record.id,
      status: 'not_affected',
      justification: 'vulnerable_code_not_present',
      evidence: [evidence],
    };
  }
  if (kernel.profile === null) {
    const status = outcome === 'affected' ? 'affected' : 'under_investigation';
    return { cve: record.id, status, justification: null, evidence: [evidence] };
  }
  const build = buildRung(record, kernel.profile, kernel.arch);
  const both = [evidence, build];
  if (build.outcome === 'clears')
    return { cve: record.id, status: 'not_affected', justification: 'vulnerable_code_not_present', evidence: both };
  const sure = outcome === 'affected' && build.outcome === 'supports';
  return { cve: record.id, status: sure ? 'affected' : 'under_investigation', justification: null, evidence: both };
}
