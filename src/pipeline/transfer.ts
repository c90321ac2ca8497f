import type { KeyObject } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  type CveId,
  isCveId,
  isSignalSource,
  type Signal,
  type SignalSource,
  type SignalValue,
  signalSources,
} from '#domain';
import { epochsIn, FeedError, type ReadTimes, readTransfer, writeTransfer } from '#feed';
import { type Clock, Git, makeFolders, withLock } from '#host';
import {
  dropCursor,
  forgetKnownFiles,
  getCursor,
  inTransaction,
  listSyncs,
  markDue,
  recordSync,
  replaceSignals,
  type Store,
  setCursor,
  signalsOf,
} from '#store';
import { rankDue } from './rank.ts';
import { type SyncSummary, syncFeed } from './sync.ts';

const LOCK_WAIT_MS = 5_000;
const MAX_AHEAD_MS = 86_400_000;
/** Cursor of the newest transfer that was taken. */
const TAKEN = 'transfer';

export interface TransferOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly file: string;
}

/**
 * Writes everything that was read, mirrors and signals, into one signed file: for a site that reaches no network.
 * Errors: feed-empty, when nothing was synced yet; locked.
 */
export async function exportFeed(
  options: TransferOptions,
  key: KeyObject,
): Promise<{ bytes: number; parts: string[] }> {
  const { dataDirectory, file, store, clock } = options;
  const folder = join(dataDirectory, 'transfer-out');
  return withLock(join(dataDirectory, 'sync.lock'), LOCK_WAIT_MS, async () => {
    await rm(folder, { recursive: true, force: true });
    await makeFolders(folder);
    try {
      const syncs = await listSyncs(store.db);
      const readAt = (source: string): Date | null =>
        syncs.find((sync) => sync.source === source && !sync.bundled)?.at ?? null;
      const read = { lore: readAt('lore'), vulns: readAt('vulns') };
      if (read.lore === null && read.vulns === null)
        throw new FeedError('feed-empty', 'input', {
          what: 'there is nothing to export: no feed but a sample was synced here',
          remedy: 'run "tuxtape feed sync" first',
        });
      const parts = [...(await bundles(dataDirectory, folder, read)), await dumpSignals(store, folder)];
      const bytes = await writeTransfer(file, { folder, names: parts, made: clock.now(), read }, key);
      return { bytes, parts };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

async function bundles(dataDirectory: string, folder: string, read: ReadTimes): Promise<string[]> {
  const mirrors = join(dataDirectory, 'mirrors');
  const epochs = read.lore === null ? [] : await epochsIn(join(mirrors, 'lore'));
  const sources = epochs.map((number): [string, string] => [
    join(mirrors, 'lore', `${number}.git`),
    `${number}.bundle`,
  ]);
  if (read.vulns !== null) sources.push([join(mirrors, 'vulns.git'), 'vulns.bundle']);
  const files: string[] = [];
  for (const [mirror, name] of sources) files.push(...(await new Git(mirror).bundle(join(folder, name))));
  return files.map((file) => basename(file));
}

/** One line a source with its time, and one a signal. */
interface DumpedSource {
  readonly source: SignalSource;
  readonly at: string;
  readonly newest: string | null;
  readonly address: string;
  readonly signals: readonly (readonly [CveId, string | null, SignalValue])[];
}

async function dumpSignals(store: Store, folder: string): Promise<string> {
  const syncs = new Map((await listSyncs(store.db)).map((sync) => [sync.source, sync]));
  const all = [...(await signalsOf(store.db, 'all')).values()].flat();
  const lines = signalSources.flatMap((source) => {
    const sync = syncs.get(source);
    if (sync === undefined) return [];
    const signals = all.filter(({ value }) => value.source === source);
    const dumped: DumpedSource = {
      source,
      at: sync.at.toISOString(),
      newest: sync.newest?.toISOString() ?? null,
      address: sync.address,
      signals: signals.map(({ cve, at, value }) => [cve, at, value] as const),
    };
    return JSON.stringify(dumped);
  });
  await writeFile(join(folder, 'signals.jsonl'), lines.map((line) => `${line}\n`).join(''));
  return 'signals.jsonl';
}

export interface ImportSummary extends SyncSummary {
  readonly made: Date;
  readonly signals: readonly { readonly source: SignalSource; readonly signals: number }[];
}

/**
 * Takes a file that `exportFeed` wrote, if `trusted` signed it and it is not older than the last that was taken. A source
 * counts as read when the other site read it; one that was read here since then stays as it is.
 * Errors: those of readTransfer; transfer-older, transfer-future; locked.
 */
export async function importFeed(options: TransferOptions, trusted: KeyObject): Promise<ImportSummary> {
  const { store, dataDirectory, file, clock } = options;
  const folder = join(dataDirectory, 'transfer-in');
  return withLock(join(dataDirectory, 'transfer.lock'), LOCK_WAIT_MS, async () => {
    await rm(folder, { recursive: true, force: true });
    try {
      const taken = await getCursor(store.db, TAKEN);
      const { made, read, names } = await readTransfer(file, folder, trusted, (date) => {
        refuseOlder(date, taken, file);
        refuseFuture(date, clock.now(), file);
      });
      const times = new Map((await listSyncs(store.db)).filter(({ bundled }) => !bundled).map((s) => [s.source, s.at]));
      const isNews: IsNews = (source, at) => at.getTime() >= (times.get(source)?.getTime() ?? 0);
      const lore = read.lore !== null && isNews('lore', read.lore) ? folder : null;
      const vulns = read.vulns !== null && isNews('vulns', read.vulns) ? join(folder, 'vulns.bundle') : null;
      const origin = { address: file, at: { lore: read.lore ?? made, vulns: read.vulns ?? made } };
      const summary = await syncFeed({ store, dataDirectory, lore, vulns, clock, origin });
      const path = join(folder, 'signals.jsonl');
      const signals = names.includes('signals.jsonl') ? await loadSignals(store, path, isNews) : [];
      const ranked = summary.ranked + (await rankDue({ store, clock }));
      await setCursor(store.db, TAKEN, made.toISOString());
      return { ...summary, ranked, made, signals };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

function refuseOlder(made: Date, taken: string | null, file: string): void {
  if (taken === null || made >= new Date(taken)) return;
  throw new FeedError('transfer-older', 'untrusted', {
    what: `this feed was read on ${made.toISOString()}, the one that was taken before on ${taken}; nothing of it was used`,
    where: file,
    remedy: 'bring a newer one',
  });
}

/** A clock that is ahead would shut every later feed out. */
function refuseFuture(made: Date, now: Date, file: string): void {
  if (made.getTime() <= now.getTime() + MAX_AHEAD_MS) return;
  throw new FeedError('transfer-future', 'untrusted', {
    what: `this feed says it was made on ${made.toISOString()}, and it is ${now.toISOString()}; nothing of it was used`,
    where: file,
    remedy: 'compare the clocks of the two sites',
  });
}

/** Was a source read at this time, or later, than the last time here? */
type IsNews = (source: string, at: Date) => boolean;

async function loadSignals(
  store: Store,
  path: string,
  isNews: IsNews,
): Promise<{ source: SignalSource; signals: number }[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  const loaded: { source: SignalSource; signals: number }[] = [];
  for (const line of lines) {
    const { source, at, newest, address, signals } = JSON.parse(line) as DumpedSource;
    const usable = signals.flatMap(([cve, time, value]): Signal[] =>
      isCveId(cve) && value.source === source ? [{ cve, at: time, value }] : [],
    );
    if (!isSignalSource(source) || !isNews(source, new Date(at))) continue;
    await inTransaction(store.db, async (tx) => {
      const changed = await replaceSignals(tx, source, usable, { whole: true, at: new Date(at) });
      await markDue(tx, changed);
      // Whoever reads the source itself the next time reads all of it: these marks are not of what is stored now.
      await forgetKnownFiles(tx, source);
      await dropCursor(tx, source);
      const read = { source, address, at: new Date(at), newest: newest === null ? null : new Date(newest) };
      await recordSync(tx, { ...read, bundled: false });
    });
    loaded.push({ source, signals: usable.length });
  }
  return loaded;
}
