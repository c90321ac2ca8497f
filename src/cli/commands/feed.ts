import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isSignalSource, type SignalSource, signalSources } from '#domain';
import { systemClock } from '#host';
import {
  expectedSources,
  freshness,
  type SignalOutcome,
  signalDoor,
  signalSettings,
  syncFeed,
  syncSignals,
} from '#pipeline';
import { countAnnouncements, countCves, listQuarantine, sourceDifferences } from '#store';
import type { Context } from '../context.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { ago, inert, table } from '../text.ts';
import { registerTransfer } from './feed-transfer.ts';

export function registerFeed(program: Command, context: Context): void {
  const feed = program.command('feed').description('read announcements and CVE records');
  feed
    .command('sync')
    .description('read what is new from the announcement archive and vulns.git')
    .option('--lore <url|path>', 'public-inbox v2 archive: an inbox, a folder of epochs, or one bare epoch')
    .option('--vulns <url|path>', 'vulns.git of the kernel CNA')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape feed sync\n  tuxtape feed sync --lore /srv/mirror/linux-cve-announce --vulns /srv/mirror/vulns.git',
    )
    .action((options: { lore?: string; vulns?: string }) => sync(context, options));
  feed
    .command('signals')
    .description('read the severity signals that are due: NVD, KEV, Vulnrichment, EPSS, public exploits')
    .option('--only <source...>', `only these: ${signalSources.join(', ')}`, sourceName)
    .option('--force', 'read also what is not due')
    .option('--accept-shrunk', 'believe a list that lost more than half of its entries')
    .addHelpText('after', '\nExamples:\n  tuxtape feed signals\n  tuxtape feed signals --only kev epss --force')
    .action((options: SignalFlags) => signals(context, options));
  feed
    .command('status')
    .description('how fresh each source is')
    .addHelpText('after', '\nExample:\n  tuxtape --json feed status')
    .action(() => status(context));
  feed
    .command('quarantine')
    .description('items that could not be read, with the reason')
    .addHelpText('after', '\nExample:\n  tuxtape feed quarantine')
    .action(() => showQuarantine(context));
  registerTransfer(feed, context);
}

export const SYNC_STOPPED = 'what was read whole is kept; the next sync goes on from there';

interface SignalFlags {
  readonly only?: SignalSource[];
  readonly force?: boolean;
  readonly acceptShrunk?: boolean;
}

function sourceName(text: string, before: SignalSource[] = []): SignalSource[] {
  if (!isSignalSource(text)) throw new InvalidArgumentError(`it is one of ${signalSources.join(', ')}`);
  return [...before, text];
}

async function signals(context: Context, { only, force, acceptShrunk }: SignalFlags): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const outcomes = await context.progress('feed signals', async (step) => {
    let done = 0;
    return syncSignals({
      store,
      dataDirectory: config.need('data'),
      settings: signalSettings(config),
      clock: systemClock,
      door: signalDoor(context.signal),
      only,
      force: force ?? false,
      acceptShrunk: acceptShrunk ?? false,
      onProgress: (source) => step(done++, signalSources.length, source),
    });
  });
  const failed = outcomes.find((outcome) => outcome.state === 'failed');
  context.print(outcomes.map(plain), () => table(['SOURCE', 'STATE', 'DETAIL'], outcomes.map(outcomeRow)));
  if (failed !== undefined) process.exitCode = exitCodeOf(failed.error.fault);
}

function plain(outcome: SignalOutcome): unknown {
  if (outcome.state !== 'failed') return outcome;
  const { source, state, error } = outcome;
  return { source, state, error: { code: error.code, what: error.message, where: error.where, remedy: error.remedy } };
}

function outcomeRow(outcome: SignalOutcome): string[] {
  switch (outcome.state) {
    case 'read':
      return [
        outcome.source,
        'read',
        `${outcome.signals} signals, ${outcome.changed} changed, ${outcome.quarantined} set aside`,
      ];
    case 'failed':
      return [
        outcome.source,
        'FAILED',
        `${outcome.error.message} [${outcome.error.code}]; ${outcome.error.remedy ?? ''}`,
      ];
    default:
      return [outcome.source, outcome.state.replace('-', ' '), ''];
  }
}

/** A path given on the command line is relative to the working directory. */
function place(value: string): string {
  return value.includes('://') ? value : resolve(value);
}

async function sync(context: Context, options: { lore?: string; vulns?: string }): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const lore = options.lore === undefined ? config.need('feed.lore') : place(options.lore);
  const vulns = options.vulns === undefined ? config.need('feed.vulns') : place(options.vulns);
  const summary = await context.progress(
    'feed sync',
    async (onProgress) => {
      const options = { store, dataDirectory: config.need('data'), lore, vulns, clock: systemClock, onProgress };
      return syncFeed({ ...options, signal: context.signal });
    },
    SYNC_STOPPED,
  );
  const { lore: mails, vulns: records } = summary;
  context.print(summary, () =>
    [
      mails &&
        `mails:   ${mails.mails} new (${mails.announced} announced, ${mails.rejections} rejected, ${mails.quarantined} set aside)`,
      records && `records: ${records.changed} changed, ${records.quarantined} set aside`,
      `ranked:  ${summary.ranked} CVEs`,
    ]
      .filter(Boolean)
      .join('\n'),
  );
}

async function status(context: Context): Promise<void> {
  const { db } = await context.store();
  const expected = expectedSources(await context.config());
  const [sources, counts, mails, aside, differences] = await Promise.all([
    freshness(db, expected, new Date()),
    countCves(db),
    countAnnouncements(db),
    listQuarantine(db),
    sourceDifferences(db),
  ]);
  const now = Date.now();
  context.print({ sources, cves: counts, announcements: mails, quarantined: aside.length, differences }, () => {
    const rows = sources.map(({ source, state, address, at, newest, bundled }) => [
      source,
      state === 'stale' ? 'STALE' : state,
      at === null ? 'never' : ago(at, now),
      newest ? newest.toISOString().slice(0, 16) : 'unknown',
      bundled ? 'SAMPLE DATA' : (address ?? ''),
    ]);
    const totals = `${counts.published} CVEs (${counts.scored} scored), ${counts.rejected} rejected, ${mails} mails, ${aside.length} items set aside`;
    const { onlyMails, onlyRecords } = differences;
    return [
      table(['SOURCE', 'STATE', 'LAST SUCCESS', 'NEWEST CONTENT', 'FROM'], rows),
      ...sources.flatMap(({ source, failure }) =>
        failure === null ? [] : `FAILED ${ago(failure.at, now)}: ${source}: ${inert(failure.reason)} [${failure.code}]`,
      ),
      totals,
      `in mails only: ${some(onlyMails)}; in records only: ${some(onlyRecords)}`,
    ].join('\n');
  });
}

function some(ids: readonly string[]): string {
  if (ids.length === 0) return 'none';
  return `${ids.length} (${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''})`;
}

async function showQuarantine(context: Context): Promise<void> {
  const { db } = await context.store();
  const items = await listQuarantine(db);
  context.print(items, () =>
    items.length === 0
      ? 'Nothing is set aside.'
      : table(
          ['SOURCE', 'ITEM', 'CODE', 'REASON'],
          items.map((item) => [item.source, item.item, item.code, inert(item.reason)]),
        ),
  );
}
