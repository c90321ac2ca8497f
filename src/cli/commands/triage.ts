import { type Command, Option } from 'commander';
import { type Severity, severities, type VerdictStatus } from '#domain';
import { systemClock } from '#host';
import { triageKernel } from '#pipeline';
import {
  getVerdict,
  type KernelRow,
  listVerdicts,
  needKernel,
  StoreError,
  type VerdictCount,
  type VerdictRow,
} from '#store';
import type { Context } from '../context.ts';
import { replayOf } from '../replay.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, severityText, shorten, table, wholeNumber } from '../text.ts';
import { needCveId } from './cve-args.ts';
import { sinceDay, triageChanges } from './triage-changes.ts';
import { registerTriageExport } from './triage-export.ts';
import { registerOverride } from './triage-override.ts';
import { registerProve } from './triage-prove.ts';
import { triageVersion } from './triage-version.ts';

const DEFAULT_LIMIT = 25;
const DAY_MS = 86_400_000;
const STATUSES = [
  'affected',
  'not_affected',
  'fixed',
  'under_investigation',
] as const satisfies readonly VerdictStatus[];

interface TriageOptions {
  readonly kernel: string;
  readonly version?: string;
  readonly status: VerdictStatus;
  readonly limit: number;
}

export function registerTriage(program: Command, context: Context): void {
  const triage = program
    .command('triage')
    .description('which CVEs matter to a kernel, and why')
    .option('--kernel <name>', 'name, id or build-id of a kernel')
    .option('--version <version>', 'decide by version alone, for a kernel that is not here')
    .addOption(new Option('--status <status>', 'which verdicts to list').choices(STATUSES).default('affected'))
    .option('--limit <n>', 'how many; 0 = all', wholeNumber, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape triage --kernel web\n  tuxtape triage --kernel web --status under_investigation --limit 0\n  tuxtape triage --version 6.12.95\n  tuxtape triage explain CVE-2026-53352 --kernel web',
    )
    .action((options: Partial<TriageOptions>, command: Command) => {
      if (options.version !== undefined && options.kernel === undefined)
        return triageVersion(context, options.version, options as TriageOptions);
      if (options.kernel === undefined || options.version !== undefined)
        command.error('error: give either --kernel <name> or --version <version>');
      return run(context, options as TriageOptions);
    });
  triage
    .command('explain')
    .description('the evidence of one verdict, a sentence each rung')
    .argument('<cve>', 'CVE id')
    .addHelpText('after', '\nExample:\n  tuxtape triage explain CVE-2026-53352 --kernel web')
    .action((cve: string) => {
      const { kernel } = triage.opts<Partial<TriageOptions>>();
      if (kernel === undefined) triage.error("error: required option '--kernel <name>' not specified");
      return explain(context, cve, kernel as string);
    });
  triage
    .command('changes')
    .description('what became another verdict, and when')
    .option('--since <day>', 'a day, or days ago (7d)', sinceDay, new Date(Date.now() - DAY_MS))
    .addHelpText('after', '\nExample:\n  tuxtape triage --kernel web changes --since 7d')
    .action(({ since }: { since: Date }) => {
      const { kernel } = triage.opts<Partial<TriageOptions>>();
      if (kernel === undefined) triage.error("error: required option '--kernel <name>' not specified");
      return triageChanges(context, kernel as string, since);
    });
  registerOverride(triage, context);
  registerProve(triage, context);
  registerTriageExport(triage, context);
}

async function run(context: Context, options: TriageOptions): Promise<void> {
  const store = await context.store();
  const kernel = await needKernel(store.db, options.kernel);
  const counts = await context.progress(`deciding for kernel ${kernel.name}`, () =>
    triageKernel({ store, kernel, clock: systemClock }),
  );
  const rows = await listVerdicts(store.db, kernel.id, { status: options.status, limit: options.limit });
  await warnStale(context);
  const verdicts = rows.map(({ verdict, ...row }) => ({ ...verdict, ...row }));
  context.print(
    { kernel: { name: kernel.name, version: kernel.version, buildId: kernel.buildId }, counts, verdicts },
    () => `${verdictTable(rows)}\n\n${countsText(kernel, counts, rows.length, options)}`,
  );
}

/** One line a verdict, with the sentence that decided it. */
export function verdictTable(rows: readonly VerdictRow[]): string {
  if (rows.length === 0) return 'No CVE has this verdict.';
  return table(
    ['CVE', 'SEVERITY', 'CLASS', 'REACH', 'VERDICT', 'TITLE', 'WHY'],
    rows.map(({ verdict, title, score, predicted, class: standing, reach }) => [
      verdict.cve,
      severityOrPrediction(score, predicted),
      standing ?? '',
      reach ?? '',
      verdict.status,
      shorten(inert(title), 50),
      shorten(inert(verdict.evidence.at(-1)?.sentence ?? ''), 80),
    ]),
  );
}

function total(counts: readonly VerdictCount[], keep: (count: VerdictCount) => boolean): number {
  return counts.filter(keep).reduce((sum, { count }) => sum + count, 0);
}

const RUNG_REASON: Readonly<Record<string, string>> = {
  state: 'rejected by the CNA',
  ranges: 'the vulnerable code came later, or in another branch',
  build: 'its files are not in this build',
  object: 'its fix changes no object of this build',
  person: 'a person said so, until a day',
};

/** What was dismissed and why, and how the rest divides by severity. */
export function countsText(
  kernel: KernelRow,
  counts: readonly VerdictCount[],
  shown: number,
  options: { status: VerdictStatus },
): string {
  const of = (status: VerdictStatus): number => total(counts, (count) => count.status === status);
  const bySeverity = severities
    .map(
      (severity: Severity) =>
        [severity, total(counts, (count) => count.status === 'affected' && count.severity === severity)] as const,
    )
    .filter(([, count]) => count > 0);
  const rungs = [...new Set(counts.filter(({ status }) => status === 'not_affected').map(({ rung }) => rung))];
  const dismissed = rungs.map(
    (rung) =>
      `  ${total(counts, (count) => count.status === 'not_affected' && count.rung === rung)} ${RUNG_REASON[rung] ?? rung}`,
  );
  return [
    `kernel ${kernel.name} ${kernel.version}${kernel.buildId ? ` (build-id ${kernel.buildId.slice(0, 12)})` : ', not built: decided by ranges only'}; ${shown} of ${of(options.status)} ${options.status} shown`,
    `affected ${of('affected')}: ${bySeverity.map(([severity, count]) => `${count} ${severity}`).join(', ') || 'none'}`,
    `under investigation ${of('under_investigation')}, fixed ${of('fixed')}`,
    `not affected ${of('not_affected')}:`,
    ...dismissed,
  ].join('\n');
}

async function explain(context: Context, text: string, name: string): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const id = needCveId(text);
  const row = await getVerdict(db, kernel.id, id);
  if (!row)
    throw new StoreError('not-found', 'input', {
      what: `there is no verdict on ${id} for this kernel yet`,
      where: kernel.name,
      remedy: `run "tuxtape triage --kernel ${kernel.name}"`,
    });
  const { verdict, title, score } = row;
  const data = (await context.config()).need('data');
  const replays = verdict.evidence.map((evidence) => replayOf(evidence, verdict, kernel, data));
  context.print({ kernel: kernel.name, title, score, ...verdict, replays }, () =>
    [
      `${id}  ${inert(title)}`,
      `kernel ${kernel.name} ${kernel.version}: ${verdict.status}${verdict.justification === null ? '' : ` (${verdict.justification})`}, ${severityText(score)}`,
      ...verdict.evidence.flatMap(({ rung, outcome, sentence }, i) => [
        `${i + 1}. ${rung.padEnd(7)} ${outcome.padEnd(12)} ${inert(sentence)}`,
        ...(replays[i] ? [`   replay: ${inert(replays[i])}`] : []),
      ]),
    ].join('\n'),
  );
}
