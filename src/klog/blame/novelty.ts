import type { KernelReport } from '../report.ts';
import { plainName } from '../reports/frames.ts';
import { reportKey } from '../reports/key.ts';
import type { LivepatchEvent } from '../reports/livepatch.ts';
import { sameModule } from './frames.ts';
import type { BlameReason } from './levels.ts';
import type { Baseline, LoadPoint, SuspectLivepatch } from './suspect.ts';

/** Bounds of `soon` and `later`, in seconds after the load. */
const SOON = 10 * 60;
const LATER = 24 * 3600;

/** Where a log says that the livepatch was loaded, the last time it does; null where it does not. */
export function loadPointOf(events: readonly LivepatchEvent[], moduleName: string): LoadPoint | null {
  const found = events.findLast(({ step, patch }) => step === 'enabling' && sameModule(patch, moduleName));
  return found === undefined ? null : { seconds: found.time, line: found.line };
}

/**
 * The key under which a host without the livepatch reports the same: a function that it replaces is then of its own object.
 * Null: none can be said, because the guilty function is in the livepatch alone, or is one of several of that name, or is
 * lost: what is left of two reports is alike.
 */
export function keyWithout(report: KernelReport, { moduleName, replaced }: SuspectLivepatch): string | null {
  const guilty = report.function;
  if (guilty === null && (report.corrupted || showsModule(report, moduleName))) return null;
  if (guilty === null || !sameModule(report.module, moduleName)) return report.key;
  const own = replaced.filter(({ name }) => plainName(name) === plainName(guilty));
  const [object, ...others] = new Set(own.map((one) => one.object));
  if (object === undefined || others.length > 0) return null;
  return reportKey(report.kind, report.title, guilty, object === 'vmlinux' ? null : object);
}

/** What says that the report would be there without the livepatch. */
export function baselineReasons(
  report: KernelReport,
  livepatch: SuspectLivepatch,
  { host, peers }: Baseline,
): readonly BlameReason[] {
  const texts: string[] = [];
  const key = keyWithout(report, livepatch);
  if (key !== null && host?.has(key) === true) texts.push('this host reported the same before the load');
  if (key !== null && peers?.has(key) === true) texts.push('hosts without the livepatch report the same');
  if (isBefore(report, livepatch.loaded) && !showsModule(report, livepatch.moduleName))
    texts.push('it was printed before the load');
  return texts.map((text) => ({ level: 'baseline', text }));
}

/** What its being new says; nothing where it is not known to be after the load. */
export function noveltyReasons(
  report: KernelReport,
  { loaded }: SuspectLivepatch,
  baseline: Baseline,
): readonly BlameReason[] {
  if (loaded === null || isBefore(report, loaded)) return [];
  const seconds = report.time === null || loaded.seconds === null ? null : report.time - loaded.seconds;
  if (seconds === null && loaded.line === null) return [];
  if (seconds !== null && seconds > LATER) return [];
  const when = seconds === null ? 'after the load' : `${Math.max(0, seconds).toFixed(1)} s after the load`;
  const level = seconds !== null && seconds <= SOON ? 'soon' : 'later';
  return [{ level, text: `first seen ${when}; ${comparedWith(report, baseline)}` }];
}

function comparedWith(report: KernelReport, { host, peers }: Baseline): string {
  const kinds = [...(host ?? []), ...(peers ?? [])].filter((key) => key.startsWith(`${report.kind}|`)).length;
  const kind = kinds === 0 ? 'no report of its kind was known' : `${kinds} other reports of its kind were known`;
  const unknown = [host === null ? 'this host before the load' : '', peers === null ? 'unpatched hosts' : ''];
  const missing = unknown.filter((text) => text !== '').join(' and ');
  return missing === '' ? kind : `${kind}, and nothing is known of ${missing}`;
}

/** By time where the log has times: the lines of a pstore dump are not in order. */
function isBefore(report: KernelReport, loaded: LoadPoint | null): boolean {
  if (loaded === null) return false;
  if (report.time !== null && loaded.seconds !== null) return report.time < loaded.seconds;
  return loaded.line !== null && report.firstLine < loaded.line;
}

/** An address within the module: it was in memory, whatever the clocks say. */
function showsModule({ instruction, module, trace }: KernelReport, moduleName: string): boolean {
  return [instruction?.module ?? null, module, ...trace.map((frame) => frame.module)].some((name) =>
    sameModule(name, moduleName),
  );
}
