import { type Command, Option } from 'commander';
import { type VerdictStatus, verdictStatuses } from '#domain';
import { systemClock } from '#host';
import { treeLayout } from '#kernel';
import { triageKernel } from '#pipeline';
import { getVerdict, listVerdicts, needKernel, StoreError, type VerdictRow } from '#store';
import type { Context } from '../context.ts';
import { replayOf } from '../replay.ts';
import { placesOf } from '../replay-places.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, severityText, shorten, table, wholeNumber } from '../text.ts';
import { needCve, needCveId } from './cve-args.ts';
import { sinceDay, triageChanges } from './triage-changes.ts';
import { countsText } from './triage-counts.ts';
import { registerTriageExport } from './triage-export.ts';
import { registerTriageMatrix } from './triage-matrix.ts';
import { registerOverride } from './triage-override.ts';
import { registerProve } from './triage-prove.ts';
import { triageVersion } from './triage-version.ts';

const DEFAULT_LIMIT = 25;
const DAY_MS = 86_400_000;

interface TriageOptions {
  readonly kernel: string;
  readonly version?: string;
  readonly sourceVersion?: string;
  readonly status: VerdictStatus;
  readonly limit: number;
}

export function registerTriage(program: Command, context: Context): void {
  const triage = program
    .command('triage')
    .description('which CVEs matter to a kernel, and why')
    .option('--kernel <name>', 'name, id or build-id of a kernel')
    .option('--version <version>', 'decide by version alone, for a kernel that is not here')
    .option('--source-version <version>', "with --version: the stable release that a distribution's kernel is made of")
    .addOption(new Option('--status <status>', 'which verdicts to list').choices(verdictStatuses).default('affected'))
    .option('--limit <n>', 'how many; 0 = all', wholeNumber, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape triage --kernel web\n  tuxtape triage --kernel web --status under_investigation --limit 0\n  tuxtape triage --version 6.12.95\n  tuxtape triage explain CVE-2026-53352 web',
    )
    .action((options: Partial<TriageOptions>, command: Command) => {
      if (options.version !== undefined && options.kernel === undefined)
        return triageVersion(context, options.version, options as TriageOptions);
      if (options.kernel === undefined || options.version !== undefined || options.sourceVersion !== undefined)
        command.error('error: give either --kernel <name> or --version <version>');
      return run(context, options as TriageOptions);
    });
  triage
    .command('explain')
    .description('the evidence of one verdict, a sentence each rung')
    .argument('<cve>', 'CVE id')
    .argument('[kernel]', 'name, id or build-id of a kernel')
    .addHelpText('after', '\nExample:\n  tuxtape triage explain CVE-2026-53352 web')
    .action((cve: string, named: string | undefined) => {
      const kernel = named ?? triage.opts<Partial<TriageOptions>>().kernel;
      if (kernel === undefined) triage.error('error: which kernel? give its name after the CVE');
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
  registerTriageMatrix(triage, context);
}

async function run(context: Context, options: TriageOptions): Promise<void> {
  const store = await context.store();
  const kernel = await needKernel(store.db, options.kernel);
  const hostListSeconds = (await context.config()).number('fleet.list-age');
  const counts = await context.progress(`deciding for kernel ${kernel.name}`, () =>
    triageKernel({ store, kernel, clock: systemClock, hostListSeconds }),
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

async function explain(context: Context, text: string, name: string): Promise<void> {
  const store = await context.store();
  const { db } = store;
  const kernel = await needKernel(db, name);
  const { id } = (await needCve(store, needCveId(text))).record;
  const row = await getVerdict(db, kernel.id, id);
  if (!row)
    throw new StoreError('not-found', 'input', {
      what: `there is no verdict on ${id} for this kernel yet`,
      where: kernel.name,
      remedy: `run "tuxtape triage --kernel ${kernel.name}"`,
    });
  const { verdict, title, score } = row;
  const tree = kernel.treeDirectory === '' ? null : treeLayout(kernel.treeDirectory).build;
  const places = await placesOf(context, kernel, id, tree);
  const replays = verdict.evidence.map((evidence) => replayOf(evidence, verdict, kernel, places));
  context.print({ kernel: kernel.name, title, score, ...verdict, replays }, () =>
    [
      `${id}  ${inert(title)}`,
      `kernel ${kernel.name} ${kernel.version}: ${verdict.status}${verdict.justification === null ? '' : ` (${verdict.justification})`}, ${severityText(score)}`,
      ...verdict.evidence.flatMap(({ rung, outcome, sentence }, i) => [
        `${i + 1}. ${rung.padEnd(9)} ${outcome.padEnd(12)} ${inert(sentence)}`,
        ...(replays[i] ? [`   replay: ${inert(replays[i])}`] : []),
      ]),
    ].join('\n'),
  );
}
