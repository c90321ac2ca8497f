import { type Blame, blame } from '../blame.ts';
import type { KernelReport } from '../report.ts';
import type { LivepatchEvent } from '../reports/livepatch.ts';
import { loadPointOf } from './novelty.ts';
import type { LoadPoint, SuspectLivepatch } from './suspect.ts';

/** Findings held back until the log says when the livepatch was loaded; beyond that the oldest go without an answer. */
const HELD_MAX = 1000;
/** Keys kept of the reports before the load. */
const KEYS_MAX = 10_000;

export interface BlameSink {
  report(report: KernelReport, blame: Blame): void;
  event(event: LivepatchEvent): void;
}

/**
 * Blame of the reports of one log, in the order found. The log is its own baseline: what it reports before the first load of
 * the livepatch is known of the host afterwards. A log that never says that it was loaded has no baseline, and nothing is
 * excused. Take it as the sink of a `KernelLogParser`, and end it after that.
 */
export class BlameStream {
  readonly #livepatch: Omit<SuspectLivepatch, 'loaded'>;
  readonly #sink: BlameSink;
  readonly #known = new Set<string>();
  #loaded: LoadPoint | null = null;
  #held: (() => void)[] = [];

  constructor(livepatch: Omit<SuspectLivepatch, 'loaded'>, sink: BlameSink) {
    this.#livepatch = livepatch;
    this.#sink = sink;
  }

  report(report: KernelReport): void {
    this.#later(() => this.#decide(report));
  }

  event(event: LivepatchEvent): void {
    const point = loadPointOf([event], this.#livepatch.moduleName);
    if (point !== null) {
      this.#loaded = point;
      this.end();
    }
    this.#later(() => this.#sink.event(event));
  }

  /** No line follows. */
  end(): void {
    const held = this.#held;
    this.#held = [];
    for (const tell of held) tell();
  }

  #later(tell: () => void): void {
    if (this.#loaded !== null) return tell();
    this.#held.push(tell);
    if (this.#held.length > HELD_MAX) this.#held.shift()?.();
  }

  #decide(report: KernelReport): void {
    const loaded = this.#loaded;
    const host = loaded === null ? null : this.#known;
    const found = blame(report, { ...this.#livepatch, loaded }, { host, peers: null });
    const isBefore = loaded === null ? found.level === 'loaded' : found.level === 'baseline';
    if (isBefore && this.#known.size < KEYS_MAX) this.#known.add(report.key);
    this.#sink.report(report, found);
  }
}
