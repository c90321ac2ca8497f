import type { Config } from '#config';
import { signalSources } from '#domain';
import { type Db, listFailures, listSyncs, type SyncFailure } from '#store';

/** A source that was not read for so many of its intervals is stale: one late reading is no alarm, four are. */
const STALE_AFTER_INTERVALS = 4;

/**
 * Days after which a source that says nothing new is not believed to be the living one: a mirror that stopped answers
 * every reading, with what it had. The kernel CNA publishes most days, EPSS every day; KEV may be quiet for weeks.
 */
const QUIET_DAYS: Readonly<Record<string, number>> = { lore: 14, vulns: 14, epss: 7 };
const DAY_MS = 86_400_000;

/**
 * How old what we know from one source is. `stale`: not read for some intervals, or its newest item is older than it can
 * be on a source that lives. `never`: configured and not read yet; `off`: read once, and not
 * configured any more.
 */
export interface Freshness {
  readonly source: string;
  readonly state: 'fresh' | 'stale' | 'never' | 'off';
  /** Last success. */
  readonly at: Date | null;
  /** Time of its newest item, by the source's own clock. */
  readonly newest: Date | null;
  readonly address: string | null;
  readonly bundled: boolean;
  /** Its last failure since the last success. */
  readonly failure: SyncFailure | null;
}

/** The sources that are to be read, with the seconds between two readings. */
export function expectedSources(config: Config): Map<string, number> {
  const feed = config.number('feed.interval');
  const configured = signalSources.filter((source) =>
    source === 'exploits'
      ? (config.text('signals.exploits.directory') ?? config.text('signals.exploits.list')) !== null
      : config.text(`signals.${source}.url`) !== null,
  );
  return new Map([
    ['lore', feed],
    ['vulns', feed],
    ...configured.map((source) => [source, config.number(`signals.${source}.interval`)] as const),
  ]);
}

/** Freshness of every source that is to be read or was read. */
export async function freshness(db: Db, expected: ReadonlyMap<string, number>, now: Date): Promise<Freshness[]> {
  const syncs = new Map((await listSyncs(db)).map((sync) => [sync.source, sync]));
  const failures = new Map((await listFailures(db)).map((failure) => [failure.source, failure]));
  const names = [...new Set([...expected.keys(), ...syncs.keys()])];
  return names.map((source) => {
    const { at = null, newest = null, address = null, bundled = false } = syncs.get(source) ?? {};
    const state = isQuiet(source, newest, bundled, now) ? 'stale' : stateOf(at, expected.get(source), now);
    return { source, state, at, newest, address, bundled, failure: failures.get(source) ?? null };
  });
}

function isQuiet(source: string, newest: Date | null, bundled: boolean, now: Date): boolean {
  const days = QUIET_DAYS[source];
  return !bundled && days !== undefined && newest !== null && now.getTime() - newest.getTime() > days * DAY_MS;
}

function stateOf(at: Date | null, seconds: number | undefined, now: Date): Freshness['state'] {
  if (seconds === undefined) return 'off';
  if (at === null) return 'never';
  return now.getTime() - at.getTime() > STALE_AFTER_INTERVALS * seconds * 1000 ? 'stale' : 'fresh';
}
