import { chooseRelease, type IndexedRelease, isRolloutId, type ReleaseChoice, type TurnHost, turn } from '#domain';
import type { Journal, KnownRelease, TurnMemory } from '../journal.ts';
import { isFailed, type Observation, type RolloutView } from './observation.ts';

/** Releases whose age is counted: those that a host may still go to. */
const MOST_KNOWN = 8;

/** The release that it is this host's turn for, but for those that failed here or cannot be loaded now. */
export function chosenOf(seen: Observation): ReleaseChoice {
  const { archive, journal, buildId } = seen;
  if (typeof archive !== 'object' || archive.index === null) return nothing('none', 'the archive was not read');
  const { index, rollout } = archive;
  if (rollout === 'unreadable') return nothing('stale-file', 'the rollout file cannot be read');
  const [failed, standing] = [true, false].map((is) =>
    index.releases.filter(({ sha256 }) => isFailed(journal, sha256) === is),
  ) as [IndexedRelease[], IndexedRelease[]];
  const releases = standing.filter(({ sha256 }) => !seen.refused.has(sha256));
  const recalled = journal.recalled.filter((entry) => entry.buildId === buildId).map(({ number }) => number);
  return chooseRelease({ ...index, releases }, rollout, {
    newest: journal.newest?.buildId === buildId ? journal.newest.number : 0,
    // What failed here stands in the way of nothing: it was taken back, whatever its number.
    recalled: [...recalled, ...failed.map(({ number }) => number)],
    follows: seen.me.follows,
    asks: (release) => asks(seen, release.sha256),
  });
}

function nothing(code: 'none' | 'stale-file', why: string): ReleaseChoice {
  return { step: 'none', code, why, revert: false };
}

/** The release that is watched was halted, and what is in flight goes back: why; null: not so. */
export function calledBack(
  rollout: RolloutView,
  { journal, me, buildId }: Pick<Observation, 'journal' | 'me' | 'buildId'>,
): string | null {
  const { release } = journal;
  if (release === null || rollout === null || rollout === 'unreadable') return null;
  const found = turn(asks({ journal, me, buildId }, release.sha256), rollout, release, {
    leastSoakSeconds: 0,
    largestShare: 10_000,
  });
  return !found.go && found.revert ? `${found.why}, and what is not accepted yet goes back` : null;
}

function asks({ journal, me, buildId }: Pick<Observation, 'journal' | 'me' | 'buildId'>, sha256: string): TurnHost {
  const { seen, known } = journal.turn;
  const { id, ring, counted, now } = me;
  return {
    ...{ id, ring, counted, now },
    seenSerial: seen?.buildId === buildId ? seen.serial : 0,
    knownMs: (known.find((one) => one.sha256 === sha256)?.seconds ?? 0) * 1000,
    failed: journal.failed.map((one) => one.sha256),
  };
}

/**
 * What is remembered after a contact: the greatest serial, and how long each release is known by the clock of each boot. Time between two
 * boots does not count: a clock that jumped could be behind it.
 */
export function remembered(
  { turn: before }: Pick<Journal, 'turn'>,
  given: {
    readonly releases: readonly Pick<IndexedRelease, 'sha256' | 'number'>[];
    readonly rollout: RolloutView;
    readonly bootId: string;
    readonly uptime: number;
  },
): TurnMemory {
  const { releases, rollout, bootId, uptime } = given;
  const newest = releases.toSorted((a, b) => b.number - a.number).slice(0, MOST_KNOWN);
  const known = newest.map(({ sha256 }): KnownRelease => {
    const old = before.known.find((one) => one.sha256 === sha256);
    const passed = old?.bootId === bootId ? Math.max(0, uptime - old.at) : 0;
    return { sha256, seconds: (old?.seconds ?? 0) + passed, bootId, at: uptime };
  });
  if (rollout === null || rollout === 'unreadable') return { ...before, known };
  const { buildId, serial } = rollout;
  const isLater = before.seen?.buildId !== buildId || before.seen.serial < serial;
  return { ...before, known, seen: isLater ? { buildId, serial } : before.seen };
}

/** An id for a machine that has none from a server: the same as long as the machine is. */
export function machineHost(hash: string): string {
  const id = `machine-${hash.slice(0, 32)}`;
  return isRolloutId(id) ? id : 'machine';
}
