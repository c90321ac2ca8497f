/** Longest line kept, in bytes. A record of printk holds 1 KiB; in JSON as single bytes, four letters each, 8 KiB. */
export const LINE_BYTES = 64 * 1024;
/** Lines before a candidate that go with it: `------------[ cut here ]------------`, a ruler, a line of another processor. */
export const BEFORE = 2;
const LINE_FEED = 10;

/** Whole lines, each with its line feed, but for the last of a stream. */
export interface Block {
  readonly bytes: Uint8Array;
  /** Number of its first line, from 1. */
  readonly line: number;
  /** How many lines it holds. */
  readonly count: number;
  /** Bytes of its one line that are not there, because it was too long; absent: none. */
  readonly dropped?: number;
}

/**
 * Bytes in pieces of any size to blocks of whole lines, which do not depend on where the pieces were cut. A block is a
 * view into the piece wherever it can be: use it before the next one. Memory: one line of at most `LINE_BYTES`; of a
 * longer line the rest is dropped and `cut` counts it.
 */
export class LineSplitter {
  readonly #emit: (block: Block) => void;
  #carry = new Uint8Array(256);
  #held = 0;
  #line = 1;
  #dropped = 0;
  #cut = 0;

  constructor(emit: (block: Block) => void) {
    this.#emit = emit;
  }

  /** Lines so far of which only the first `LINE_BYTES` were kept. */
  get cut(): number {
    return this.#cut;
  }

  push(chunk: Uint8Array): void {
    const first = chunk.indexOf(LINE_FEED);
    if (first < 0) return this.#keep(chunk);
    let from = 0;
    if (this.#held > 0) {
      this.#keep(chunk.subarray(0, first));
      this.#flush(true);
      from = first + 1;
    }
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last >= from) this.#whole(chunk, from, last + 1);
    this.#keep(chunk.subarray(last + 1));
  }

  /** The stream ended: a last line without a line feed is a line. */
  end(): void {
    if (this.#held > 0) this.#flush(false);
  }

  /** Lines that stand in one piece from their first letter; a longer one than is kept goes through the carry. */
  #whole(chunk: Uint8Array, from: number, to: number): void {
    let start = from;
    let count = 0;
    for (let at = from; at < to; ) {
      const next = chunk.indexOf(LINE_FEED, at) + 1;
      if (next - 1 - at > LINE_BYTES) {
        this.#pass(chunk.subarray(start, at), count);
        this.#keep(chunk.subarray(at, next - 1));
        this.#flush(true);
        start = next;
        count = 0;
      } else count += 1;
      at = next;
    }
    this.#pass(chunk.subarray(start, to), count);
  }

  #pass(bytes: Uint8Array, count: number, dropped = 0): void {
    if (count === 0) return;
    this.#emit({ bytes, line: this.#line, count, ...(dropped === 0 ? {} : { dropped }) });
    this.#line += count;
  }

  #keep(bytes: Uint8Array): void {
    const room = LINE_BYTES - this.#held;
    const kept = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.#dropped += bytes.length - kept.length;
    if (this.#held + kept.length + 1 > this.#carry.length) {
      const larger = new Uint8Array(Math.min(LINE_BYTES + 1, 2 * (this.#held + kept.length + 1)));
      larger.set(this.#carry.subarray(0, this.#held));
      this.#carry = larger;
    }
    this.#carry.set(kept, this.#held);
    this.#held += kept.length;
  }

  #flush(ended: boolean): void {
    if (ended) this.#carry[this.#held] = LINE_FEED;
    const bytes = this.#carry.slice(0, this.#held + (ended ? 1 : 0));
    const dropped = this.#dropped;
    if (dropped > 0) this.#cut += 1;
    this.#dropped = 0;
    this.#held = 0;
    this.#pass(bytes, 1, dropped);
  }
}
