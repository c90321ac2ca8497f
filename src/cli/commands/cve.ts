import { type Command, Option } from 'commander';
import { type CveId, type CveState, isCveId } from '#domain';
import { announcementsOf, getCve, listCves, StoreError } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { inert, severityText, shorten, table, wholeNumber } from '../text.ts';

const DEFAULT_LIMIT = 20;

export function registerCve(program: Command, context: Context): void {
  const cve = program.command('cve').description('the CVEs that were read');
  cve
    .command('list')
    .description('CVEs, newest first')
    .addOption(new Option('--state <state>', 'only this state').choices(['published', 'rejected']))
    .option('--limit <n>', 'how many; 0 = all', wholeNumber, DEFAULT_LIMIT)
    .addHelpText('after', '\nExamples:\n  tuxtape cve list --limit 50\n  tuxtape cve list --state rejected --limit 0')
    .action((options: { state?: CveState; limit: number }) => list(context, options));
  cve
    .command('show')
    .description('everything known about one CVE')
    .argument('<cve>', 'CVE id')
    .addHelpText('after', '\nExample:\n  tuxtape cve show CVE-2026-53352')
    .action((id: string) => show(context, id));
}

/** Errors: not-found, for a text that is no CVE id. */
export function needCveId(text: string): CveId {
  const id = text.toUpperCase();
  if (isCveId(id)) return id;
  throw new CliError('cve-id-invalid', 'input', {
    what: `"${text}" is no CVE id`,
    remedy: 'write it as CVE-2026-53352',
  });
}

async function list(context: Context, options: { state?: CveState; limit: number }): Promise<void> {
  const { db } = await context.store();
  const rows = await listCves(db, options);
  context.print(
    rows.map(({ record, score }) => ({
      id: record.id,
      state: record.state,
      source: record.source,
      score,
      title: record.title,
      files: record.files,
    })),
    () =>
      table(
        ['CVE', 'SEVERITY', 'STATE', 'TITLE'],
        rows.map(({ record, score }) => [
          record.id,
          severityText(score),
          record.state,
          shorten(inert(record.title), 90),
        ]),
      ),
  );
}

async function show(context: Context, text: string): Promise<void> {
  const { db } = await context.store();
  const id = needCveId(text);
  const row = await getCve(db, id);
  if (!row)
    throw new StoreError('not-found', 'input', {
      what: 'this CVE is not known',
      where: id,
      remedy: 'run "tuxtape feed sync"; it may be reserved, or not of the kernel',
    });
  const announcements = await announcementsOf(db, id);
  const { record, score } = row;
  context.print({ ...record, score, announcements }, () => {
    const ranges = record.ranges.map(({ introduced, fixed }) => [
      introduced?.version ?? 'unknown',
      introduced?.commit?.slice(0, 12) ?? '',
      fixed?.version ?? 'no fix',
      fixed?.commit?.slice(0, 12) ?? '',
    ]);
    const lines = [
      `${record.id}  ${inert(record.title)}`,
      `state     ${record.state}${record.source === 'mail' ? ' (from the mail; the record is not there yet)' : ''}`,
      `severity  ${severityText(score)}${record.cvssVector === null ? '' : `  ${record.cvssVector}`}`,
      `files     ${record.files.map(inert).join('\n          ') || 'none stated'}`,
      '',
      table(['INTRODUCED', 'COMMIT', 'FIXED', 'COMMIT'], ranges),
      '',
      record.description.split('\n').map(inert).join('\n'),
      '',
      ...announcements.map((mail) => `mail  ${mail.kind}  ${mail.sentAt ?? 'no date'}  ${inert(mail.messageId)}`),
    ];
    return lines.join('\n');
  });
}
