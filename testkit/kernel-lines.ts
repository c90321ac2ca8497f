import type { LogLine } from '../src/klog/line.ts';
import type { KernelReport } from '../src/klog/report.ts';
import { type LivepatchEvent, ReportGatherer } from '../src/klog/reports/index.ts';

const PREFIX = /^(?:<(\d{1,3})>)?\[\s*(\d+\.\d+)\]\s?(?:\[\s*([TC]\d+)\])? ?/;
const STAMP = /(?=\[\s*\d+\.\d{6}\])/;

/** Lines of a console log as the gatherer wants them; a stamp in the midst of a line begins another. For tests only. */
export function consoleLines(text: string): LogLine[] {
  return text.split('\n').flatMap((raw, index) =>
    raw
      .replace(/\r$/, '')
      .split(STAMP)
      .map((part): LogLine => {
        const found = PREFIX.exec(part);
        return {
          number: index + 1,
          text: found === null ? part : part.slice(found[0].length),
          time: found === null ? null : Number(found[2]),
          level: null,
          caller: found?.[3] ?? null,
          fromKernel: true,
          rest: false,
        };
      }),
  );
}

/** Everything the gatherer finds in those lines. */
export function gathered(lines: Iterable<LogLine>): {
  readonly reports: readonly KernelReport[];
  readonly events: readonly LivepatchEvent[];
} {
  const reports: KernelReport[] = [];
  const events: LivepatchEvent[] = [];
  const gatherer = new ReportGatherer({
    report: (report) => reports.push(report),
    event: (event) => events.push(event),
  });
  for (const line of lines) gatherer.push(line);
  gatherer.end();
  return { reports, events };
}
