import type { GateCheck, LivepatchRecipe } from '#domain';
import { type Blame, blame, type KernelReport, loadPointOf, parseKernelLog } from '#klog';
import { check } from './check.ts';

/** Keys of the reports in a log: what the machine reports without the livepatch. */
export function reportKeys(log: string): Set<string> {
  return new Set(parseKernelLog(log, 'console').reports.map(({ key }) => key));
}

/** The kernel log of the proof: no report that the machine does not have without the livepatch, and no step that failed. */
export function logChecks(
  log: string,
  moduleName: string,
  { functions }: LivepatchRecipe,
  before: ReadonlySet<string>,
): GateCheck[] {
  const { reports, livepatch } = parseKernelLog(log, 'console');
  const suspect = { moduleName, replaced: functions, callers: [], loaded: loadPointOf(livepatch, moduleName) };
  const judged = reports.map((report) => ({ report, blame: blame(report, suspect, { host: before, peers: null }) }));
  const own = judged.filter((one) => one.blame.level !== 'baseline');
  const failed = livepatch.filter(({ step }) => step === 'failed' || step === 'forced');
  const known =
    judged.length === 0
      ? 'no oops, BUG, WARNING, lockup or stall'
      : `reported without the livepatch, too: ${judged.map(({ report }) => report.title).join('; ')}`;
  const outcome = own.length > 0 ? 'failed' : judged.length > 0 ? 'warned' : 'passed';
  return [
    check('log', 'kernel log has no report', outcome, own.length > 0 ? own.map(sentenceOf).join('; ') : known),
    check(
      'log',
      'kernel log tells no failed livepatch',
      failed.length === 0,
      failed.map(({ text }) => text).join('; ') || `${livepatch.length} livepatch messages, none of a failure`,
    ),
  ];
}

function sentenceOf({ report, blame: why }: { report: KernelReport; blame: Blame }): string {
  return `${report.title} (blame: ${why.level}, ${why.reasons[0]?.text ?? 'no reason'})`;
}
