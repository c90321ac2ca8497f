import type { Command } from 'commander';
import { readLimited } from '#host';
import { type Blame, BlameStream, KernelLogParser, type KernelReport, type LivepatchEvent } from '#klog';
import { type LivepatchModule, readLivepatchModule } from '#livepatch';
import type { Context } from '../context.ts';
import { pieces, requireReadable } from '../log-input.ts';
import { StreamOutput } from '../stream-output.ts';
import { inert } from '../text.ts';
import {
  isModuleFile,
  type LogOptions,
  livepatchOption,
  logArgument,
  replacesOption,
  type SuspectOptions,
  transportOption,
} from './klog-args.ts';
import { registerExplain } from './klog-explain.ts';

const MODULE_BYTES = 64 << 20;
const EXAMPLES = `
Examples:
  tuxtape klog parse dmesg.txt
  journalctl -k -o json | tuxtape --json klog parse -
  tuxtape klog parse --livepatch tuxtape_x --replaces ext4:ext4_find_entry dmesg.txt`;

interface ParseOptions extends LogOptions, SuspectOptions {}

export function registerKlog(program: Command, context: Context): void {
  const klog = program
    .command('klog')
    .description("kernel logs: the kernel's own reports and messages of livepatching");
  klog
    .command('parse')
    .description('the reports in a log of any form: dmesg, /dev/kmsg, journal, console, netconsole, pstore')
    .addArgument(logArgument())
    .addOption(transportOption())
    .addOption(livepatchOption())
    .addOption(replacesOption())
    .addHelpText('after', EXAMPLES)
    .action((files: string[], options: ParseOptions, command: Command) => {
      if (options.replaces !== undefined && options.livepatch === undefined)
        command.error('error: --replaces goes with --livepatch, and only with it');
      return parse(context, files, options);
    });
  registerExplain(klog, context);
}

interface Counts {
  reports: number;
  livepatch: number;
}

async function parse(context: Context, files: readonly string[], options: ParseOptions): Promise<void> {
  const { transport } = options;
  await requireReadable(files);
  const suspect = await suspectOf(options);
  const output = new StreamOutput(context.json);
  const head = suspect === null ? row(HEAD) : row({ ...HEAD, blame: 'BLAME' });
  for (const file of files) {
    const counts: Counts = { reports: 0, livepatch: 0 };
    if (!context.json) output.put(null, () => (files.length > 1 ? `==> ${inert(file)} <==\n${head}` : head));
    const report = (found: KernelReport, blame?: Blame): void => {
      counts.reports += 1;
      output.put({ what: 'report', log: file, ...found, ...(blame === undefined ? {} : { blame }) }, () =>
        reportText(found, blame),
      );
    };
    const event = (found: LivepatchEvent): void => {
      counts.livepatch += 1;
      output.put({ what: 'livepatch', log: file, ...found }, () => eventRow(found, suspect !== null));
    };
    const blamed = suspect === null ? null : new BlameStream({ ...suspect, callers: [] }, { report, event });
    const parser = new KernelLogParser({
      ...(transport === undefined ? {} : { transport }),
      report: (found) => (blamed === null ? report(found) : blamed.report(found)),
      event: (found) => (blamed === null ? event(found) : blamed.event(found)),
    });
    for await (const piece of pieces(file)) {
      context.signal.throwIfAborted();
      parser.push(piece);
      await output.flush();
    }
    parser.end();
    blamed?.end();
    output.put({ what: 'end', log: file, ...counts, cut: parser.cut }, () => summary(counts, parser.cut));
  }
  await output.end();
}

type Suspect = Pick<LivepatchModule, 'moduleName' | 'replaced'>;

/** Errors: file-missing, file-unreadable, file-too-large, module-unreadable. */
async function suspectOf({ livepatch, replaces = [] }: SuspectOptions): Promise<Suspect | null> {
  if (livepatch === undefined) return null;
  if (!isModuleFile(livepatch)) return { moduleName: livepatch, replaced: replaces };
  const module = readLivepatchModule(await readLimited(livepatch, MODULE_BYTES), livepatch);
  return { ...module, replaced: [...module.replaced, ...replaces] };
}

interface Row {
  readonly line: string;
  readonly time: string;
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  /** Absent: no livepatch was asked for. */
  readonly blame?: string;
}

const HEAD: Row = { line: 'LINE', time: 'TIME', kind: 'KIND', severity: 'SEVERITY', title: 'TITLE' };

function row({ line, time, kind, severity, title, blame }: Row): string {
  const blamed = blame === undefined ? '' : `  ${blame.padEnd(11)}`;
  return `${line.padStart(8)}  ${time.padStart(14)}  ${kind.padEnd(18)}  ${severity.padEnd(11)}${blamed}  ${title}`;
}

function reportText(report: KernelReport, blame: Blame | undefined): string {
  const { firstLine, time, kind, severity, title, corrupted } = report;
  const text = row({
    line: `${firstLine}`,
    time: timeText(time),
    kind,
    severity,
    title: `${inert(title)}${corrupted ? ' (cut or mixed)' : ''}`,
    ...(blame === undefined ? {} : { blame: blame.level }),
  });
  return [text, ...(blame?.reasons ?? []).map((reason) => `          = ${inert(reason.text)}`)].join('\n');
}

function eventRow({ line, time, step, text }: LivepatchEvent, blamed: boolean): string {
  return row({
    line: `${line}`,
    time: timeText(time),
    kind: 'livepatch',
    severity: step,
    title: inert(text),
    ...(blamed ? { blame: '' } : {}),
  });
}

function timeText(time: number | null): string {
  return time === null ? '' : time.toFixed(6);
}

function summary({ reports, livepatch }: Counts, cut: number): string {
  const long = cut === 0 ? '' : `; of ${cut} lines only the first 64 KiB were read`;
  return `${reports === 0 ? 'no report' : `${reports} ${reports === 1 ? 'report' : 'reports'}`}, ${livepatch} livepatch messages${long}`;
}
