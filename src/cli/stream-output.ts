import { once } from 'node:events';
import { toJson } from './output.ts';

/** Results that are printed as they come, so that memory does not grow with them: lines of text, or one list in JSON. */
export class StreamOutput {
  readonly #json: boolean;
  #parts: string[] = [];
  #items = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  /** One result: the item in JSON, else its text, which must be safe for a terminal. */
  put(item: unknown, text: () => string): void {
    if (this.#json) this.#parts.push(`${this.#items === 0 ? '[\n' : ',\n'}${jsonLine(item)}`);
    else this.#parts.push(`${text()}\n`);
    this.#items += 1;
  }

  /** Lets go of what was put, at the speed of the reader. */
  async flush(): Promise<void> {
    const text = this.#parts.join('');
    this.#parts = [];
    if (text === '' || process.stdout.write(text)) return;
    const done = new AbortController();
    // A reader that goes away is told of by whoever watches stdout: here it only ends the wait.
    const ended = ['drain', 'close'].map((event) =>
      once(process.stdout, event, { signal: done.signal }).catch(() => undefined),
    );
    await Promise.race(ended);
    done.abort();
  }

  async end(): Promise<void> {
    if (this.#json) this.#parts.push(this.#items === 0 ? '[]\n' : '\n]\n');
    await this.flush();
  }
}

/** JSON in one line; what could steer a terminal is escaped. */
function jsonLine(item: unknown): string {
  return toJson(item, 0).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
