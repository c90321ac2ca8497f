import { traceReasons } from './blame/frames.ts';
import { type BlameLevel, type BlameReason, compareBlame } from './blame/levels.ts';
import { baselineReasons, noveltyReasons } from './blame/novelty.ts';
import type { Baseline, SuspectLivepatch } from './blame/suspect.ts';
import type { KernelReport } from './report.ts';

export interface Blame {
  /** The strongest of the reasons; `baseline` where the same is reported without the livepatch. */
  readonly level: BlameLevel;
  /** Strongest first, at least one. */
  readonly reasons: readonly BlameReason[];
}

/**
 * How strongly a report speaks against a livepatch. Names count by whole words, with their object: what looks alike is
 * another. The task's name counts for nothing, because anybody chooses it. Pure; what is done about it is the caller's.
 *
 * More evidence never lowers the level. The baseline does: what the host or its unpatched peers report, too, is no fault of
 * the livepatch, wherever the frames are (a bug in a function stays one when the function is replaced).
 */
export function blame(report: KernelReport, livepatch: SuspectLivepatch, baseline: Baseline): Blame {
  const evidence = traceReasons(report, livepatch);
  const innocent = baselineReasons(report, livepatch, baseline);
  if (innocent.length > 0) return { level: 'baseline', reasons: [...innocent, ...evidence] };
  const reasons = [...evidence, ...noveltyReasons(report, livepatch, baseline)].toSorted((a, b) =>
    compareBlame(b.level, a.level),
  );
  const [first] = reasons;
  if (first !== undefined) return { level: first.level, reasons };
  return { level: 'loaded', reasons: [{ level: 'loaded', text: 'nothing in the report speaks of the livepatch' }] };
}
