import { damaged } from './error.ts';

/** Reads a stream by counts of bytes. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer[] = [];
  #size = 0;
  #isOver = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    if (this.#isOver) return false;
    const { done, value } = await this.#source.next();
    if (done === true) {
      this.#isOver = true;
      return false;
    }
    this.#held.push(value);
    this.#size += value.length;
    return true;
  }

  /** So many bytes. Errors: backup-damaged, when there are less. */
  async need(count: number): Promise<Buffer> {
    while (this.#size < count) if (!(await this.#more())) throw damaged('it ends too early');
    const all = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#held = [all.subarray(count)];
    this.#size -= count;
    return all.subarray(0, count);
  }

  /** Up to a line end, and with it. Errors: backup-damaged, when there is none within so many bytes. */
  async line(most: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.#held);
      const end = all.subarray(0, most).indexOf(10);
      if (end >= 0) return this.need(end + 1);
      this.#held = [all];
      if (all.length >= most || !(await this.#more())) throw damaged('this is no backup of TuxTape');
    }
  }

  async isOver(): Promise<boolean> {
    while (this.#size === 0) if (!(await this.#more())) return true;
    return false;
  }
}
