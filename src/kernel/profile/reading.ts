import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { claimed, FILES_IN_BATCH } from './batches.ts';
import { MAX_FILES } from './list.ts';
import { type Commands, joined, type Part, PartReader } from './part.ts';
import type { Order, WorkerData } from './worker.ts';

/**
 * Reads command files of a build while they are still being listed: a second thread starts with the first batch, and this
 * one takes batches from the last backwards once it has time. Without a second processor, or when the thread fails,
 * this thread reads everything: what is read is the same.
 */
export class Reading implements Disposable {
  readonly #build: string;
  readonly #batches: string[][] = [];
  #open: string[] = [];
  readonly #claims = new SharedArrayBuffer(Math.ceil(MAX_FILES / FILES_IN_BATCH) * Int32Array.BYTES_PER_ELEMENT);
  readonly #worker: Worker | null;
  readonly #answer: Promise<Part | undefined>;

  constructor(build: string) {
    this.#build = build;
    this.#worker = availableParallelism() > 1 ? started({ build, claims: this.#claims }) : null;
    this.#worker?.unref();
    this.#answer = answerOf(this.#worker);
  }

  /** Hands over a command file, by its path in the build tree. */
  add(cmd: string): void {
    this.#open.push(cmd);
    if (this.#open.length === FILES_IN_BATCH) this.#close();
  }

  /** Everything that was handed over, read. */
  async finish(): Promise<Commands> {
    this.#close();
    this.#worker?.ref();
    const taken = new Int32Array(this.#claims);
    const reader = new PartReader(this.#build);
    const others: string[][] = [];
    this.#send('end');
    for (const [batch, cmds] of [...this.#batches.entries()].reverse()) {
      await setImmediate();
      if (claimed(taken, batch)) reader.read(cmds);
      else others.push(cmds);
    }
    // A thread that took nothing need not even have started.
    const second = others.length === 0 ? undefined : await this.#answer;
    if (second !== undefined) return joined(reader.part(), second);
    for (const cmds of others) {
      await setImmediate();
      reader.read(cmds);
    }
    return joined(reader.part());
  }

  #close(): void {
    if (this.#open.length === 0) return;
    this.#send({ batch: this.#batches.length, cmds: this.#open });
    this.#batches.push(this.#open);
    this.#open = [];
  }

  #send(order: Order): void {
    this.#worker?.postMessage(order, []);
  }

  [Symbol.dispose](): void {
    void this.#worker?.terminate();
  }
}

/** Most of what a part is made of lives until the end: with room for it, it is not copied about. */
const YOUNG_MB = 64;

/** Null where no thread can be had: under a limit of processes (setrlimit(2), pids.max), say. */
function started(workerData: WorkerData): Worker | null {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
  try {
    return new Worker(new URL('./worker.ts', import.meta.url), { workerData, resourceLimits });
  } catch {
    return null;
  }
}

/** The part that the thread read, or undefined when it ends without one. */
async function answerOf(worker: Worker | null): Promise<Part | undefined> {
  if (worker === null) return undefined;
  return new Promise((resolve) => {
    worker.once('message', (part: Part) => resolve(part));
    worker.once('error', () => resolve(undefined));
    worker.once('exit', () => resolve(undefined));
  });
}
