import type { Clock } from '#host';
import type { Store } from '#store';
import { type CheckInOutcome, type RawCheckIn, takeCheckIns } from './check-in.ts';

/** Check-ins in one reading and writing of the database: as long as the one before took, the next ones gather. */
const MOST_PER_BATCH = 256;
/** Two: while one commits, the signatures of the other are checked. */
const BATCHES_AT_ONCE = 2;
/** More than these wait for nobody: they are told to come back, and the others are served. */
const MOST_WAITING = 8_192;
/** Nobody has proved yet to be the host that it names: one name must not take the room of all. */
const MOST_WAITING_OF_ONE = 16;
const MINUTE_MS = 60_000;

export interface BatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly intervalSeconds: number;
  /** Good check-ins that one host may send in a minute. */
  readonly mostPerMinute: number;
}

/** Takes check-ins as they come, many at a time; each is answered once it is committed. */
export interface CheckInBatches {
  /** Null: too many wait, of all hosts or of this one. */
  take(raw: RawCheckIn): Promise<CheckInOutcome | null>;
}

interface Waiting {
  readonly raw: RawCheckIn;
  readonly resolve: (outcome: CheckInOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export function checkInBatches({ store, clock, intervalSeconds, mostPerMinute }: BatchOptions): CheckInBatches {
  let waiting: Waiting[] = [];
  const atWork = new Set<string>();
  const waitingOf = new Map<string, number>();
  let running = 0;
  const isFlooding = floodMeter(clock, mostPerMinute);
  const next = (): void => {
    if (running >= BATCHES_AT_ONCE || waiting.length === 0) return;
    const batch = pick();
    if (batch.length === 0) return;
    running += 1;
    for (const { raw } of batch) atWork.add(raw.host);
    void work(batch).finally(() => {
      running -= 1;
      for (const { raw } of batch) atWork.delete(raw.host);
      next();
      next();
    });
  };
  /** Of one host one at a time: two of its words are judged one after the other. */
  const pick = (): Waiting[] => {
    const [batch, rest, hosts]: [Waiting[], Waiting[], Set<string>] = [[], [], new Set(atWork)];
    for (const one of waiting) {
      const isFree = batch.length < MOST_PER_BATCH && !hosts.has(one.raw.host);
      if (isFree) hosts.add(one.raw.host);
      (isFree ? batch : rest).push(one);
    }
    waiting = rest;
    for (const { raw } of batch) {
      const left = waitingOf.get(raw.host)! - 1;
      if (left > 0) waitingOf.set(raw.host, left);
      else waitingOf.delete(raw.host);
    }
    return batch;
  };
  const work = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const raw = batch.map((one) => one.raw);
      const outcomes = await takeCheckIns(raw, { store, now: clock.now(), intervalSeconds, isFlooding });
      for (const [i, { resolve }] of batch.entries()) resolve(outcomes[i]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  return {
    take: (raw) => {
      const own = waitingOf.get(raw.host) ?? 0;
      if (waiting.length >= MOST_WAITING || own >= MOST_WAITING_OF_ONE) return Promise.resolve(null);
      waitingOf.set(raw.host, own + 1);
      const result = new Promise<CheckInOutcome>((resolve, reject) => waiting.push({ raw, resolve, reject }));
      // Those of one turn of the event loop go together.
      setImmediate(next);
      return result;
    },
  };
}

/** Counts by minutes of the monotonic clock; what is counted is signed, so nobody can use up another's share. */
function floodMeter(clock: Clock, most: number): (host: string) => boolean {
  let minute = 0;
  const counts = new Map<string, number>();
  return (host) => {
    const now = Math.floor(clock.monotonicMs() / MINUTE_MS);
    if (now !== minute) counts.clear();
    minute = now;
    const count = (counts.get(host) ?? 0) + 1;
    counts.set(host, count);
    return count > most;
  };
}
