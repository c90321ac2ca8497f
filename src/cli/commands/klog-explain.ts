import type { Command } from 'commander';
import {
  type ExplainedLine,
  type KernelReport,
  type LivepatchEvent,
  LogExplainer,
  type LogLine,
  stepWords,
  summaryOf,
} from '#klog';
import type { Context } from '../context.ts';
import { pieces, requireReadable } from '../log-input.ts';
import { StreamOutput } from '../stream-output.ts';
import { inert } from '../text.ts';
import { type LogOptions, logArgument, transportOption } from './klog-args.ts';

interface ExplainOptions extends LogOptions {
  readonly all?: boolean;
}

export function registerExplain(klog: Command, context: Context): void {
  klog
    .command('explain')
    .description('the reports in a log, with what each of their lines means')
    .addArgument(logArgument())
    .addOption(transportOption())
    .option('--all', 'also lines that have the words of a report and are none, with the reason')
    .addHelpText('after', '\nExample:\n  tuxtape klog explain --all dmesg.txt')
    .action((files: string[], options: ExplainOptions) => explain(context, files, options));
}

async function explain(context: Context, files: readonly string[], options: ExplainOptions): Promise<void> {
  const { transport, all = false } = options;
  await requireReadable(files);
  const output = new StreamOutput(context.json);
  for (const file of files) {
    const explainer = new LogExplainer({
      ...(transport === undefined ? {} : { transport }),
      report: (report, lines) =>
        output.put({ what: 'report', log: file, ...report, summary: summaryOf(report), lines }, () =>
          reportText(report, lines),
        ),
      event: (event) =>
        output.put({ what: 'livepatch', log: file, ...event, words: stepWords[event.step] }, () => eventText(event)),
      ...(all
        ? {
            doubted: (line: LogLine, why: string) =>
              output.put({ what: 'not-believed', log: file, ...line, why }, () => doubtText(line, why)),
          }
        : {}),
    });
    if (!context.json && files.length > 1) output.put(null, () => `==> ${inert(file)} <==`);
    for await (const piece of pieces(file)) {
      context.signal.throwIfAborted();
      explainer.push(piece);
      await output.flush();
    }
    explainer.end();
  }
  await output.end();
}

function reportText(report: KernelReport, lines: readonly ExplainedLine[]): string {
  const { title, kind, severity, firstLine, lastLine, time, function: guilty, module, file } = report;
  const when = time === null ? '' : `, ${time.toFixed(1)} s after boot`;
  const owner = module === null ? 'the kernel itself' : `module ${inert(module)}`;
  const place = file === null ? '' : ` (${inert(file)})`;
  return [
    inert(title),
    `  ${kind}, ${severity}: ${summaryOf(report)}`,
    `  lines ${firstLine} to ${lastLine}${when}`,
    ...(guilty === null ? [] : [`  guilty: ${inert(guilty)} of ${owner}${place}`]),
    ...lines.flatMap(explained),
    '',
  ].join('\n');
}

function explained({ number, text, words }: ExplainedLine): readonly string[] {
  const line = `${String(number).padStart(8)}  ${inert(text)}`;
  return words === null ? [line] : [line, `          = ${inert(words)}`];
}

function eventText({ line, text, step }: LivepatchEvent): string {
  return `${String(line).padStart(8)}  livepatch: ${inert(text)}\n          = ${stepWords[step]}\n`;
}

function doubtText({ number, text }: LogLine, why: string): string {
  return `${String(number).padStart(8)}  ${inert(text)}\n          not believed: ${why}\n`;
}
