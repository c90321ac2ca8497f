import type { Command } from 'commander';
import { describeSignal, inForce, severityOf } from '#domain';
import { type Explained, explained } from '#pipeline';
import { announcementsOf, type CveLine } from '#store';
import type { Context } from '../context.ts';
import { type RemoteFlags, remoteOf, remoteOptions } from '../remote.ts';
import { warnStale } from '../staleness.ts';
import { inert, severityOrPrediction, severityText, shorten, shortId, table } from '../text.ts';
import { type FilterOptions, filtered, needCve, needCveId, withFilters } from './cve-args.ts';
import { mitigationText, registerDecisions } from './cve-decide.ts';
import { registerExport } from './cve-export.ts';
import { registerHistory } from './cve-history.ts';
import { remoteCves, showRemote, warnRemote } from './cve-remote.ts';

const DEFAULT_LIMIT = 20;

export function registerCve(program: Command, context: Context): void {
  const cve = program.command('cve').description('the CVEs that were read');
  remoteOptions(withFilters(cve.command('list').description('CVEs in the order in which they matter'), DEFAULT_LIMIT))
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape cve list --limit 50\n  tuxtape cve list --sort newest\n  tuxtape cve list --state rejected --limit 0',
    )
    .action((options: Flags) => list(context, options));
  remoteOptions(
    withFilters(
      cve.command('search').description('CVEs that match words and filters').argument('[words...]', 'words to find'),
      DEFAULT_LIMIT,
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape cve search use-after-free --file net/netfilter/\n  tuxtape cve search --affects 6.1.170 --exploited\n  tuxtape cve search --subsystem fs/smb --since 2026-06-01',
    )
    .action((words: string[], options: Flags) => list(context, options, words.join(' ')));
  remoteOptions(cve.command('show'))
    .description('everything known about one CVE, and why it stands where it stands')
    .argument('<cve>', 'CVE id')
    .addHelpText('after', '\nExample:\n  tuxtape cve show CVE-2026-53352')
    .action(async (id: string, flags: RemoteFlags) => {
      const client = await remoteOf(flags, context.signal);
      await (client === null ? show(context, id) : showRemote(context, client, needCveId(id)));
    });
  registerHistory(cve, context);
  registerDecisions(cve, context);
  registerExport(cve, context);
}

type Flags = FilterOptions & RemoteFlags;

async function list(context: Context, { server, tokenFile, ...options }: Flags, text?: string): Promise<void> {
  const flags = { ...(server === undefined ? {} : { server }), ...(tokenFile === undefined ? {} : { tokenFile }) };
  const client = await remoteOf(flags, context.signal);
  if (client !== null) {
    const lines = await remoteCves(client, options, text);
    await warnRemote(client);
    context.print(lines, () =>
      lines.length === 0 ? 'No CVE matches.' : cveTable(lines.map((line) => ({ ...line, id: inert(line.id) }))),
    );
    return;
  }
  const lines = await filtered(await context.store(), options, text);
  await warnStale(context);
  context.print(lines, () => (lines.length === 0 ? 'No CVE matches.' : cveTable(lines)));
}

/** Of this machine, or as a server tells it, with its times as text. */
type Line = Omit<CveLine, 'id' | 'announced' | 'origin'> & {
  readonly id: string;
  readonly announced: Date | string | null;
};

function cveTable(lines: readonly Line[]): string {
  return table(
    ['CVE', 'SEVERITY', 'CLASS', 'REACH', 'ANNOUNCED', 'TITLE'],
    lines.map((line) => [
      line.id,
      severityOrPrediction(line.score, line.predicted),
      line.class ?? line.state,
      line.reach ?? '',
      dayText(line.announced),
      shorten(inert(line.title), 70),
    ]),
  );
}

function dayText(at: Date | string | null): string {
  return (at instanceof Date ? at.toISOString() : (at ?? '')).slice(0, 10);
}

async function show(context: Context, text: string): Promise<void> {
  const store = await context.store();
  const id = needCveId(text);
  const row = await needCve(store, id);
  const now = new Date();
  const [told] = await explained(store.db, [id], now);
  const announcements = await announcementsOf(store.db, id);
  await warnStale(context);
  const { record, score } = row;
  const { priority, signals, decisions, predicted } = told!;
  context.print({ ...record, score, predicted, priority, signals, decisions, announcements }, () => {
    const ranges = record.ranges.map(({ introduced, fixed }) => [
      introduced?.version ?? 'unknown',
      shortId(introduced?.commit ?? ''),
      fixed?.version ?? 'no fix',
      shortId(fixed?.commit ?? ''),
    ]);
    return [
      `${record.id}  ${inert(record.title)}`,
      `state     ${record.state}${record.source === 'mail' ? ' (from the mail; the record is not there yet)' : ''}`,
      `severity  ${severityText(score)}${record.cvssVector === null ? '' : `  ${record.cvssVector}`}`,
      `files     ${record.files.map(inert).join('\n          ') || 'none stated'}`,
      '',
      `Why it stands where it stands (${priority.class}, weight ${priority.weight}):`,
      ...priority.terms.map(
        ({ name, value, sentence }) => `  ${name.padEnd(9)} ${termValue(value)} ${inert(sentence)}`,
      ),
      '',
      ...signalLines(told!),
      ...differenceLine(score, told!),
      ...decisions
        .filter((decision) => inForce(decision, now))
        .map(({ kind, reason, author, until, mitigation }) => {
          const end = until === null ? '' : ` until ${until.toISOString().slice(0, 10)}`;
          const what = mitigation === null ? kind : mitigationText(mitigation);
          return `decided   ${inert(what)}${end} by ${inert(author)}: ${inert(reason)}`;
        }),
      '',
      table(['INTRODUCED', 'COMMIT', 'FIXED', 'COMMIT'], ranges),
      '',
      record.description.split('\n').map(inert).join('\n'),
      ...(record.rationale === null ? [] : ['', 'Rationale of the score:', ...record.rationale.split('\n').map(inert)]),
      '',
      ...announcements.map(
        (mail) =>
          `mail  ${mail.withdrawn ? 'taken back' : mail.kind}  ${mail.sentAt ?? 'no date'}  ${inert(mail.messageId)}`,
      ),
    ].join('\n');
  });
}

function termValue(value: number | null): string {
  return (value === null ? '' : String(Math.round(value * 1000) / 1000)).padStart(6);
}

/** Says it when somebody's score lies in another band than the CNA's; nobody's is taken for the truth. */
function differenceLine(score: number | null, { signals }: Explained): string[] {
  const others = signals.flatMap(({ value }) => ('judgements' in value ? value.judgements : []));
  const differ = others.filter((other) => score !== null && severityOf(other.score) !== severityOf(score));
  if (differ.length === 0) return [];
  return [`scores differ: CNA ${score}, ${differ.map(({ by, score: other }) => `${inert(by)} ${other}`).join(', ')}`];
}

/** One line a source, each with its time: disagreement is shown, not settled. */
function signalLines({ signals }: Explained): string[] {
  return signals.map(({ value, at, readAt }) => {
    const when = at === null ? `read ${readAt.toISOString().slice(0, 10)}` : at.slice(0, 10);
    return `${value.source.padEnd(13)} ${when}  ${inert(describeSignal(value))}`;
  });
}
