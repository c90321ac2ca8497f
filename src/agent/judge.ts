import type { PatchedFunction } from '#domain';
import {
  type Blame,
  blame,
  compareBlame,
  KernelLogParser,
  type KernelReport,
  type LivepatchEvent,
  loadPointOf,
  type Severity,
} from '#klog';
import type { KernelDoor } from './doors.ts';

/** Keys kept of a host's own reports; the newest stay. */
const KEYS_MAX = 500;
const SEVERITIES: readonly Severity[] = ['warning', 'error', 'fatal'];

/** What the kernel log tells so far. */
export interface HostLog {
  readonly reports: readonly KernelReport[];
  readonly livepatch: readonly LivepatchEvent[];
}

/** A report that a livepatch is taken back for, and what speaks against it. */
export interface Finding {
  readonly report: KernelReport;
  readonly blame: Blame;
}

/** What the release on trial is, and what this host reported without it. */
export interface Trial {
  readonly moduleName: string;
  readonly replaced: readonly PatchedFunction[];
  readonly baseline: readonly string[];
}

/** The log by /dev/kmsg, of which only what the kernel wrote makes a report. Errors: kernel-log-unreadable. */
export async function readHostLog(kernel: KernelDoor): Promise<HostLog> {
  const reports: KernelReport[] = [];
  const livepatch: LivepatchEvent[] = [];
  const parser = new KernelLogParser({
    transport: 'kmsg',
    report: (report) => reports.push(report),
    event: (event) => livepatch.push(event),
  });
  await kernel.kernelLog((record) => parser.push(record));
  parser.end();
  return { reports, livepatch };
}

/** Keys that are no fault of the next livepatch: all so far, but for those that an earlier one was taken back for. */
export function baselineOf(log: HostLog, earlier: readonly string[], blamed: readonly string[]): readonly string[] {
  const keys = new Set([...earlier, ...log.reports.map(({ key }) => key)]);
  for (const key of blamed) keys.delete(key);
  return [...keys].slice(-KEYS_MAX);
}

/**
 * The reports a livepatch is taken back for, those that speak against it most first: every one that this host did not have
 * before, whatever it blames, because on one host a coincidence costs less than harm. Not those that refuse another module.
 */
export function judge(log: HostLog, { moduleName, replaced, baseline }: Trial): readonly Finding[] {
  const suspect = { moduleName, replaced, callers: [], loaded: loadPointOf(log.livepatch, moduleName) };
  const known = { host: new Set(baseline), peers: null };
  return log.reports
    .map((report) => ({ report, blame: blame(report, suspect, known) }))
    .filter(({ report, blame: { level } }) =>
      report.kind === 'module-refused' ? level === 'instruction' : level !== 'baseline',
    )
    .toSorted(
      (a, b) =>
        compareBlame(b.blame.level, a.blame.level) ||
        SEVERITIES.indexOf(b.report.severity) - SEVERITIES.indexOf(a.report.severity),
    );
}
