import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '#host';
import { syncFeed } from '#pipeline';
import { countAnnouncements, countCves, listQuarantine, listSyncs } from '#store';
import type { Context } from '../context.ts';
import { ago, inert, table } from '../text.ts';

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
    .command('status')
    .description('how fresh each source is')
    .addHelpText('after', '\nExample:\n  tuxtape --json feed status')
    .action(() => status(context));
  feed
    .command('quarantine')
    .description('items that could not be read, with the reason')
    .addHelpText('after', '\nExample:\n  tuxtape feed quarantine')
    .action(() => showQuarantine(context));
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
  const summary = await context.progress('feed sync', (onProgress) =>
    syncFeed({ store, dataDirectory: config.need('data'), lore, vulns, clock: systemClock, onProgress }),
  );
  const { lore: mails, vulns: records } = summary;
  context.print(summary, () =>
    [
      mails &&
        `mails:   ${mails.mails} new (${mails.announced} announced, ${mails.rejections} rejected, ${mails.quarantined} set aside)`,
      records && `records: ${records.changed} changed, ${records.quarantined} set aside`,
    ]
      .filter(Boolean)
      .join('\n'),
  );
}

async function status(context: Context): Promise<void> {
  const { db } = await context.store();
  const [syncs, counts, mails, aside] = await Promise.all([
    listSyncs(db),
    countCves(db),
    countAnnouncements(db),
    listQuarantine(db),
  ]);
  const now = Date.now();
  context.print({ syncs, cves: counts, announcements: mails, quarantined: aside.length }, () => {
    if (syncs.length === 0) return 'Nothing was synced yet: run "tuxtape feed sync".';
    const rows = syncs.map(({ source, address, at, newest, bundled }) => [
      source,
      ago(at, now),
      newest ? newest.toISOString().slice(0, 16) : 'unknown',
      bundled ? 'SAMPLE DATA' : address,
    ]);
    const totals = `${counts.published} CVEs (${counts.scored} scored), ${counts.rejected} rejected, ${mails} mails, ${aside.length} items set aside`;
    return `${table(['SOURCE', 'LAST SUCCESS', 'NEWEST CONTENT', 'FROM'], rows)}\n${totals}`;
  });
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
