import type { HostObservation } from '#domain';
import type { Clock } from '#host';
import { MAX_GAP_MS } from '#rollout';
import type { RolloutHostRow } from '#store';

interface Watched {
  readonly seq: number;
  readonly sinceMs: number;
  readonly baseMs: number;
}

/**
 * How long hosts have been silent, by the monotonic clock of the one who watches: from when a word was noticed. The wall clock of the
 * database is asked only for hosts that this process has not seen before, and for a few minutes at most: wrong, it kills nobody.
 */
export class HostWatch {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #hosts = new Map<string, Watched>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  observe(rows: readonly RolloutHostRow[]): HostObservation[] {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#hosts;
    // Anew each time: hosts that are gone are forgotten.
    this.#hosts = new Map();
    return rows.map(({ seq, counted: _counted, ageMs, ...said }) => {
      const known = before.get(said.id);
      const baseMs = known === undefined ? Math.min(Math.max(0, ageMs), MAX_GAP_MS) : 0;
      const watched = known?.seq === seq ? known : { seq, sinceMs: nowMs, baseMs };
      this.#hosts.set(said.id, watched);
      return { ...said, silentMs: watched.baseMs + nowMs - watched.sinceMs };
    });
  }
}
