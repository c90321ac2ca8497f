import type { Command } from 'commander';
import { KernelLogParser, type KernelReport, type LivepatchEvent } from '#klog';
import type { Context } from '../context.ts';
import { pieces, requireReadable } from '../log-input.ts';
import { StreamOutput } from '../stream-output.ts';
import { inert } from '../text.ts';
import { type LogOptions, logArgument, transportOption } from './klog-args.ts';
import { registerExplain } from './klog-explain.ts';

const HEAD = row('LINE', 'TIME', 'KIND', 'SEVERITY', 'TITLE');

export function registerKlog(program: Command, context: Context): void {
  const klog = program
    .command('klog')
    .description("kernel logs: the kernel's own reports and messages of livepatching");
  klog
    .command('parse')
    .description('the reports in a log of any form: dmesg, /dev/kmsg, journal, console, netconsole, pstore')
    .addArgument(logArgument())
    .addOption(transportOption())
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape klog parse dmesg.txt\n  journalctl -k -o json | tuxtape --json klog parse -',
    )
    .action((files: string[], options: LogOptions) => parse(context, files, options));
  registerExplain(klog, context);
}

interface Counts {
  reports: number;
  livepatch: number;
}

async function parse(context: Context, files: readonly string[], { transport }: LogOptions): Promise<void> {
  await requireReadable(files);
  const output = new StreamOutput(context.json);
  for (const file of files) {
    const counts: Counts = { reports: 0, livepatch: 0 };
    if (!context.json) output.put(null, () => (files.length > 1 ? `==> ${inert(file)} <==\n${HEAD}` : HEAD));
    const parser = new KernelLogParser({
      ...(transport === undefined ? {} : { transport }),
      report: (report) => {
        counts.reports += 1;
        output.put({ what: 'report', log: file, ...report }, () => reportRow(report));
      },
      event: (event) => {
        counts.livepatch += 1;
        output.put({ what: 'livepatch', log: file, ...event }, () => eventRow(event));
      },
    });
    for await (const piece of pieces(file)) {
      context.signal.throwIfAborted();
      parser.push(piece);
      await output.flush();
    }
    parser.end();
    output.put({ what: 'end', log: file, ...counts, cut: parser.cut }, () => summary(counts, parser.cut));
  }
  await output.end();
}

function row(line: string, time: string, kind: string, severity: string, title: string): string {
  return `${line.padStart(8)}  ${time.padStart(14)}  ${kind.padEnd(18)}  ${severity.padEnd(11)}  ${title}`;
}

function reportRow({ firstLine, time, kind, severity, title, corrupted }: KernelReport): string {
  return row(`${firstLine}`, timeText(time), kind, severity, `${inert(title)}${corrupted ? ' (cut or mixed)' : ''}`);
}

function eventRow({ line, time, step, text }: LivepatchEvent): string {
  return row(`${line}`, timeText(time), 'livepatch', step, inert(text));
}

export function timeText(time: number | null): string {
  return time === null ? '' : time.toFixed(6);
}

function summary({ reports, livepatch }: Counts, cut: number): string {
  const long = cut === 0 ? '' : `; of ${cut} lines only the first 64 KiB were read`;
  return `${reports === 0 ? 'no report' : `${reports} ${reports === 1 ? 'report' : 'reports'}`}, ${livepatch} livepatch messages${long}`;
}
