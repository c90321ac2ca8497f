import { join } from 'node:path';
import { type CveId, type Quarantined, type SignalSource, type StageError, signalSources } from '#domain';
import {
  FeedError,
  type IsOurs,
  readEpss,
  readExploits,
  readKev,
  readNvd,
  readVulnrichment,
  type SignalDoor,
  type SignalReading,
} from '#feed';
import { type Clock, withLock } from '#host';
import {
  countSignals,
  cveIds,
  type Db,
  forgetSignals,
  getCursor,
  inTransaction,
  knownFiles,
  listSyncs,
  markDue,
  quarantine,
  recordSync,
  release,
  releaseSource,
  replaceSignals,
  type Store,
  setCursor,
  setKnownFiles,
} from '#store';
import { writeFailure } from './failure.ts';
import { mirrored } from './mirrored.ts';
import { rankDue } from './rank.ts';

const LOCK_WAIT_MS = 5_000;
/** A list that lost more than this share since the last time is not believed: a cut-off file must not clear an exploit. */
const LEAST_KEPT = 0.5;

/** Where each source is (URL or path; null = not read) and how many seconds lie between two readings. */
export interface SignalSettings {
  readonly nvd: { readonly url: string | null; readonly key: string | null; readonly seconds: number };
  readonly kev: { readonly url: string | null; readonly seconds: number };
  readonly vulnrichment: { readonly url: string | null; readonly seconds: number };
  readonly epss: { readonly url: string | null; readonly seconds: number };
  readonly exploits: { readonly directory: string | null; readonly list: string | null; readonly seconds: number };
}

export interface SignalOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  readonly settings: SignalSettings;
  readonly clock: Clock;
  readonly door: SignalDoor;
  /** Only these sources; undefined = all. */
  readonly only?: readonly SignalSource[] | undefined;
  /** Read also what is not due. */
  readonly force?: boolean;
  /** Believe a list that lost more than half of its entries. */
  readonly acceptShrunk?: boolean;
  readonly onProgress?: (source: SignalSource) => void;
}

/** What came of one source. `changed`: CVEs of which it says something else than before. */
export type SignalOutcome =
  | {
      readonly source: SignalSource;
      readonly state: 'read';
      readonly signals: number;
      readonly changed: number;
      readonly quarantined: number;
    }
  | { readonly source: SignalSource; readonly state: 'not-due' | 'not-configured' }
  | { readonly source: SignalSource; readonly state: 'failed'; readonly error: StageError };

/**
 * Reads the severity signals that are due. Each source lands in a transaction of its own, with its cursor, its time and
 * the mark on every CVE that must be ranked anew; a source that fails keeps what it had, says why, and stops no other.
 */
export async function syncSignals(options: SignalOptions): Promise<SignalOutcome[]> {
  return withLock(join(options.dataDirectory, 'signals.lock'), LOCK_WAIT_MS, async () => {
    const outcomes: SignalOutcome[] = [];
    for (const source of signalSources) {
      if (options.only !== undefined && !options.only.includes(source)) continue;
      options.onProgress?.(source);
      outcomes.push(await syncSource(options, source));
    }
    await rankDue(options);
    return outcomes;
  });
}

async function syncSource(options: SignalOptions, source: SignalSource): Promise<SignalOutcome> {
  const { store, settings, clock } = options;
  const address = addressOf(settings, source);
  if (address === null) return { source, state: 'not-configured' };
  if (options.force !== true && !(await isDue(store.db, source, address, settings[source].seconds, clock)))
    return { source, state: 'not-due' };
  try {
    const ours = await cveIds(store.db);
    const reading = await read(options, source, (cve) => ours.has(cve));
    return await inTransaction(store.db, (tx) => keep(tx, options, source, address, reading));
  } catch (error) {
    return { source, state: 'failed', error: await writeFailure(options, source, error) };
  }
}

function addressOf(settings: SignalSettings, source: SignalSource): string | null {
  if (source !== 'exploits') return settings[source].url;
  const { directory, list } = settings.exploits;
  return directory === null && list === null ? null : [directory, list].filter(Boolean).join(' ');
}

async function isDue(db: Db, source: SignalSource, address: string, seconds: number, clock: Clock): Promise<boolean> {
  const last = (await listSyncs(db)).find((sync) => sync.source === source);
  return last === undefined || last.address !== address || clock.now().getTime() - last.at.getTime() >= seconds * 1000;
}

/** A reading, and what must be stored with it beside the signals. */
interface Read extends SignalReading {
  readonly files?: readonly { readonly cve: CveId; readonly oid: string }[];
  readonly silent?: readonly CveId[];
}

async function read(options: SignalOptions, source: SignalSource, isOurs: IsOurs): Promise<Read> {
  const { settings, door, store, dataDirectory } = options;
  switch (source) {
    case 'nvd': {
      const { url, key } = settings.nvd;
      return readNvd(door, { address: url!, key, cursor: await getCursor(store.db, 'nvd') });
    }
    case 'kev':
      return readKev(door, settings.kev.url!, isOurs);
    case 'epss':
      return readEpss(door, settings.epss.url!, isOurs);
    case 'exploits': {
      const { directory, list } = settings.exploits;
      const path = directory === null ? null : await mirrored(dataDirectory, 'exploits', directory);
      return readExploits(door, { directory: path, list });
    }
    default: {
      const path = await mirrored(dataDirectory, 'vulnrichment', settings.vulnrichment.url!);
      const { items, ...reading } = await readVulnrichment(path, isOurs, await knownFiles(store.db, 'vulnrichment'));
      const silent = items.flatMap(({ cve, signal }) => (signal === null ? [cve] : []));
      return { ...reading, files: items.map(({ cve, file }) => ({ cve, oid: file.oid })), silent };
    }
  }
}

async function keep(
  tx: Db,
  options: SignalOptions,
  source: SignalSource,
  address: string,
  reading: Read,
): Promise<SignalOutcome> {
  const { signals, bad, whole, newest, cursor, files = [], silent = [] } = reading;
  const at = options.clock.now();
  if (whole && options.acceptShrunk !== true)
    refuseShrunk(source, address, await countSignals(tx, source), signals.length);
  const changed = await replaceSignals(tx, source, signals, { whole, at, keep: namedIn(bad) });
  await forgetSignals(tx, source, silent);
  await setKnownFiles(tx, source, files);
  await markDue(tx, [...changed, ...silent]);
  if (whole) await releaseSource(tx, source);
  else await release(tx, source, [...signals.map(({ cve }) => cve), ...silent]);
  await quarantine(tx, bad);
  if (cursor !== null) await setCursor(tx, source, cursor);
  await recordSync(tx, { source, address, at, newest, bundled: false });
  return { source, state: 'read', signals: signals.length, changed: changed.length, quarantined: bad.length };
}

/** CVEs whose row could not be read: what was known of them stays, because a broken word is no silence. */
function namedIn(bad: readonly Quarantined[]): CveId[] {
  return bad.flatMap(({ item }) => (/CVE-\d{4}-\d{4,19}/.exec(item)?.[0] as CveId | undefined) ?? []);
}

function refuseShrunk(source: SignalSource, address: string, before: number, now: number): void {
  if (now >= before * LEAST_KEPT) return;
  throw new FeedError('signal-shrunk', 'untrusted', {
    what: `${source}: it named ${before} of our CVEs before and names ${now} now; what was read before is kept`,
    where: address,
    remedy: 'look at the source; if it is right, run "tuxtape feed signals --accept-shrunk"',
  });
}
