import { type Command, InvalidArgumentError } from 'commander';
import {
  isCveId,
  type ResponseFigures,
  type ResponseTimes,
  responseFigures,
  responseOf,
  responseStages,
  type StepFigure,
} from '#domain';
import { csvLine } from '#feed';
import { needKernel, responseTimes } from '#store';
import type { Context } from '../context.ts';
import { table } from '../text.ts';

interface Flags {
  readonly kernel?: string;
  readonly cve?: string;
  readonly since?: Date;
  readonly csv?: boolean;
  readonly all?: boolean;
}

const MOST_LINES = 40;

/** `tuxtape report times`: from the alert to the first patched host, and where the time went. */
export function registerTimes(report: Command, context: Context): void {
  report
    .command('times')
    .description(
      'from "CVE published" to "accepted by the first host", for each CVE and kernel, and where the time went',
    )
    .option('--kernel <name>', 'only this kernel')
    .option('--cve <id>', 'only this CVE')
    .option('--since <day>', 'only CVEs published from this day on, as 2026-11-01', day)
    .option('--all', 'every line, those published before their kernel was added, too')
    .option('--csv', 'each CVE and kernel as a line of CSV; a time that is not known is empty')
    .addHelpText('after', '\nExample:\n  tuxtape report times --since 2026-11-01')
    .action((flags: Flags) => times(context, flags));
}

function day(text: string): Date {
  const time = Date.parse(`${text}T00:00:00Z`);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(time)) return new Date(time);
  throw new InvalidArgumentError('a day is wanted, as 2026-11-01');
}

async function times(context: Context, { kernel, cve, since, csv, all }: Flags): Promise<void> {
  if (cve !== undefined && !isCveId(cve)) throw new InvalidArgumentError(`no CVE id: ${cve}`);
  const { db } = await context.store();
  const kernelId = kernel === undefined ? undefined : (await needKernel(db, kernel)).id;
  const rows = await responseTimes(db, { kernelId, cve, since });
  const figures = responseFigures(rows);
  const lines = rows.map((row) => ({ ...row, ...responseOf(row.times) }));
  context.print({ figures, responses: lines }, () =>
    csv === true ? csvText(rows) : text(rows, figures, all === true),
  );
}

function csvText(rows: readonly ResponseTimes[]): string {
  const head = ['cve', 'kernel', 'backlog', ...responseStages, 'total_seconds', 'disordered'];
  return [
    head,
    ...rows.map(({ cve, kernel, backlog, times: at }) => {
      const { totalSeconds, disordered } = responseOf(at);
      const stages = responseStages.map((stage) => at[stage]?.toISOString() ?? null);
      return [cve, kernel, backlog ? 'yes' : 'no', ...stages, totalSeconds, disordered.join(' ')];
    }),
  ]
    .map((row) => csvLine(row))
    .join('')
    .trimEnd();
}

function text(rows: readonly ResponseTimes[], figures: ResponseFigures, all: boolean): string {
  const shown = all ? rows : rows.filter(({ backlog }) => !backlog).slice(0, MOST_LINES);
  const left = rows.length - shown.length;
  const open = Object.entries(figures.open).map(([stage, count]) => `${count} ${stage}`);
  return [
    `${figures.counted} CVEs and kernels; ${figures.backlog} more were published before their kernel was added, and are in no figure`,
    ...(open.length === 0 ? [] : [`not on any host yet, by the last that was reached: ${open.join(', ')}`]),
    '',
    table(
      ['STEP', 'KNOWN OF', 'MEDIAN', '90 %', 'LONGEST', 'NOT KNOWN'],
      [...figures.steps, figures.whole].map((step) => [
        ...[`${step.from} > ${step.to}`, step.count, ...[step.median, step.p90, step.longest].map(span), unknown(step)],
      ]),
    ),
    '',
    table(['CVE', 'KERNEL', 'PUBLISHED', 'REACHED', 'TOTAL', 'WHERE THE TIME WENT'], shown.map(lineOf)),
    ...(left > 0 ? [`and ${left} more: --all, --csv or --json`] : []),
  ].join('\n');
}

function unknown({ unknown: count }: StepFigure): string | number {
  return count === 0 ? '' : count;
}

function lineOf({ cve, kernel, times: at }: ResponseTimes): string[] {
  const { steps, totalSeconds, reached, disordered, unknown: gaps } = responseOf(at);
  const went = steps.map(({ from, to, seconds, unknown: between }) =>
    between.length === 0 ? `${to} ${span(seconds)}` : `${from} to ${to} ${span(seconds)}`,
  );
  const notes = [
    ...(gaps.length === 0 ? [] : [`not known: ${gaps.join(' ')}`]),
    ...(disordered.length === 0 ? [] : [`out of order: ${disordered.join(' ')}`]),
  ];
  return [
    ...[cve, kernel, at.published?.toISOString().slice(0, 16) ?? 'unknown', reached ?? 'unknown', span(totalSeconds)],
    [...went, ...notes].join(', '),
  ];
}

/** `unknown` is never a zero. */
function span(seconds: number | null): string {
  if (seconds === null) return 'unknown';
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const;
  const [name, size] = units.find(([, one]) => seconds >= one) ?? ['s', 1];
  return `${(seconds / size).toFixed(size === 1 ? 0 : 1)} ${name}`;
}
