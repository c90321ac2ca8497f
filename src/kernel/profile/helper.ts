import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { joined, type Part, readPart } from './part.ts';
import type { PartOrder } from './worker.ts';

/** Fewer command files are read sooner than a thread answers. */
const WORTH_A_THREAD = 600;

/**
 * A thread that reads half of the command files; it gets ready while the tree is listed. Without a second processor, or
 * when it fails, this thread reads everything: what is read is the same.
 */
export class Helper implements Disposable {
  readonly #worker = availableParallelism() > 1 ? new Worker(new URL('./worker.ts', import.meta.url)) : null;
  #failed = false;

  constructor() {
    this.#worker?.on('error', () => (this.#failed = true));
    this.#worker?.unref();
  }

  async read(build: string, paths: readonly string[]): Promise<Part> {
    if (this.#worker === null || this.#failed || paths.length < WORTH_A_THREAD) return readPart(build, paths);
    const half = paths.length >> 1;
    const second = this.#order(this.#worker, { build, paths: paths.slice(half) });
    const first = await readPart(build, paths.slice(0, half));
    return joined(first, (await second) ?? (await readPart(build, paths.slice(half))));
  }

  /** The part, or undefined when the thread ends without one. */
  async #order(worker: Worker, order: PartOrder): Promise<Part | undefined> {
    worker.ref();
    const answer = new Promise<Part | undefined>((resolve) => {
      worker.once('message', (part: Part) => resolve(part));
      worker.once('error', () => resolve(undefined));
      worker.once('exit', () => resolve(undefined));
    });
    worker.postMessage(order, []);
    return answer;
  }

  [Symbol.dispose](): void {
    void this.#worker?.terminate();
  }
}
