import type { LogLine } from './line.ts';

/** Streams kept at a time: as many as may print at once (processors and a few tasks each), and no more than memory bears. */
const STREAMS = 64;

/**
 * One state for each caller, so that lines which processors and tasks write between each other's are gathered apart:
 *
 *     const gatherers = new CallerStreams((caller) => new Gatherer(caller), (gatherer) => gatherer.end());
 *     onLine(line) { gatherers.of(line).add(line); }
 *
 * A log without the caller field (CONFIG_PRINTK_CALLER is off, or the transport drops it) has one stream, that of null.
 * Beyond 64 callers the one that has been silent longest is ended.
 */
export class CallerStreams<State> {
  readonly #open: (caller: string | null) => State;
  readonly #end: (state: State) => void;
  readonly #states = new Map<string | null, State>();

  constructor(open: (caller: string | null) => State, end: (state: State) => void = () => undefined) {
    this.#open = open;
    this.#end = end;
  }

  /** The stream that a line belongs to. */
  of({ caller }: LogLine): State {
    const state = this.#states.get(caller) ?? this.#open(caller);
    this.#states.delete(caller);
    this.#states.set(caller, state);
    if (this.#states.size > STREAMS) this.drop(this.#states.keys().next().value ?? null);
    return state;
  }

  /** Ends one stream; a later line of this caller begins a new one. */
  drop(caller: string | null): void {
    const state = this.#states.get(caller);
    if (!this.#states.delete(caller)) return;
    this.#end(state as State);
  }

  /** All that are open, the longest silent first. */
  values(): Iterable<State> {
    return this.#states.values();
  }

  /** Ends all. */
  end(): void {
    for (const caller of [...this.#states.keys()]) this.drop(caller);
  }
}
