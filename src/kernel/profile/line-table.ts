import { Growing } from './growing.ts';

const LINE_FEED = 10;
/** Four line feeds, and the two masks that find a zero byte in a word (Hacker's Delight, 6-1). */
const LINE_FEEDS = 0x0a0a0a0a;
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080;
const FIRST_POOL_BYTES = 1 << 20;
const FIRST_LINES = 1 << 14;
const NONE = -1;
const HASH_START = 0x811c9dc5;

/** Beside `lineKinds`: the line can be looked for as one that follows another. */
const GUESSABLE = 8;

/** What a line is in a list that is continued line by line. */
export const lineKinds = { other: 0, item: 1, last: 2, end: 4 } as const;

/**
 * Numbers for lines of bytes: the same line has the same number, wherever it stands. A kernel build has millions of
 * dependency lines and some ten thousand different ones, mostly in the order of an earlier file: so the two lines that
 * followed last are compared first, and only a line that is neither is hashed. No line ever becomes a string before
 * it is asked for.
 */
export class LineTable {
  #pool = Buffer.allocUnsafe(FIRST_POOL_BYTES);
  #poolWords = words(this.#pool);
  #used = 0;
  #starts = new Int32Array(FIRST_LINES);
  #lengths = new Int32Array(FIRST_LINES);
  #hashes = new Int32Array(FIRST_LINES);
  #kinds = new Uint8Array(FIRST_LINES);
  #followers = new Int32Array(FIRST_LINES * 2).fill(NONE);
  #slots = new Int32Array(FIRST_LINES * 4).fill(NONE);
  #count = 0;
  readonly #kindOf: (line: string) => number;

  /** `kindOf` says of each different line, once, what of `lineKinds` it is. */
  constructor(kindOf: (line: string) => number) {
    this.#kindOf = kindOf;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Reads lines from `start` until one of kind `last` or `end`, or to `end`, and puts the numbers of the items into `items`.
   * Returns where it stopped: after the last line, at the one that is the end.
   */
  read(text: Buffer, start: number, end: number, items: Growing): number {
    const view = words(text);
    const room = items.room((end - start) >> 1);
    let [at, previous, count] = [start, NONE, items.length];
    while (at < end) {
      let line = previous < 0 ? NONE : this.#followers[previous * 2]!;
      if (line < 0 || !this.#starts8(line, view, at, end)) {
        line = this.#other(view, text, at, end, previous);
      }
      const kind = this.#kinds[line]!;
      if (kind === lineKinds.end) break;
      if ((kind & lineKinds.item) !== 0) room[count++] = line;
      at += this.#lengths[line]!;
      if ((kind & lineKinds.last) !== 0) break;
      previous = line;
    }
    items.length = count;
    return at;
  }

  textOf(line: number): string {
    return this.#pool.toString('utf8', this.#starts[line], this.#starts[line]! + this.#lengths[line]!);
  }

  /** The second guess, else the line that is looked up; it is the first guess the next time. */
  #other(view: DataView, text: Buffer, at: number, end: number, previous: number): number {
    if (previous < 0) return this.#find(view, text, at, end);
    const second = this.#followers[previous * 2 + 1]!;
    const guessed = second >= 0 && this.#starts8(second, view, at, end);
    const line = guessed ? second : this.#find(view, text, at, end);
    if ((this.#kinds[line]! & GUESSABLE) === 0) return line;
    this.#followers[previous * 2 + 1] = this.#followers[previous * 2]!;
    this.#followers[previous * 2] = line;
    return line;
  }

  /**
   * The text at `at` starts with this line, of at least eight bytes, none of them zero, with its line feed: compared eight at a time as
   * floating point numbers, which are equal only when their bits are, unless they are 0 and -0, which have zero bytes.
   */
  #starts8(line: number, view: DataView, at: number, end: number): boolean {
    const length = this.#lengths[line]!;
    if (at + length > end) return false;
    const pool = this.#poolWords;
    const start = this.#starts[line]!;
    const last = length - 8;
    for (let i = 0; i < last; i += 8)
      if (pool.getFloat64(start + i, true) !== view.getFloat64(at + i, true)) return false;
    return pool.getFloat64(start + last, true) === view.getFloat64(at + last, true);
  }

  #find(view: DataView, text: Buffer, at: number, end: number): number {
    let hash = HASH_START;
    let i = at;
    for (; i + 4 <= end; i += 4) {
      const word = view.getUint32(i, true);
      const zero = word ^ LINE_FEEDS;
      if (((zero - LOW_BITS) & ~zero & HIGH_BITS) !== 0) break;
      hash = hashWord(hash, word);
    }
    while (i < end) {
      const byte = view.getUint8(i);
      hash = hashWord(hash, byte);
      i += 1;
      if (byte === LINE_FEED) break;
    }
    return this.#lookUp(view, text, at, i - at, hashEnd(hash));
  }

  #lookUp(view: DataView, text: Buffer, at: number, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const line = this.#slots[slot]!;
      if (line < 0) {
        this.#slots[slot] = this.#count;
        return this.#add(text, at, length, hash);
      }
      if (this.#hashes[line] !== hash || this.#lengths[line] !== length) continue;
      if ((this.#kinds[line]! & GUESSABLE) !== 0 && this.#starts8(line, view, at, at + length)) return line;
      const start = this.#starts[line]!;
      if (this.#pool.compare(text, at, at + length, start, start + length) === 0) return line;
    }
  }

  #add(text: Buffer, at: number, length: number, hash: number): number {
    const line = this.#count;
    this.#count += 1;
    if (this.#used + length > this.#pool.length) {
      this.#pool = grown(this.#pool, Math.max(this.#pool.length * 2, this.#used + length));
      this.#poolWords = words(this.#pool);
    }
    text.copy(this.#pool, this.#used, at, at + length);
    this.#starts[line] = this.#used;
    this.#lengths[line] = length;
    this.#hashes[line] = hash;
    this.#used += length;
    const bytes = text.subarray(at, at + length);
    this.#kinds[line] = this.#kindOf(bytes.toString('utf8')) | (canBeGuessed(bytes) ? GUESSABLE : 0);
    if (this.#count === this.#starts.length) this.#grow();
    return line;
  }

  #grow(): void {
    const room = this.#starts.length * 2;
    this.#starts = larger(this.#starts, room);
    this.#lengths = larger(this.#lengths, room);
    this.#hashes = larger(this.#hashes, room);
    this.#followers = larger(this.#followers, room * 2);
    const kinds = new Uint8Array(room);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    this.#slots = new Int32Array(room * 4).fill(NONE);
    const mask = this.#slots.length - 1;
    for (let line = 0; line < this.#count; line += 1) {
      let slot = this.#hashes[line]! & mask;
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
      this.#slots[slot] = line;
    }
  }
}

/** As `#starts8` needs it; and a line that a file was cut off in would be found at the start of longer ones. */
function canBeGuessed(line: Buffer): boolean {
  return line.length >= 8 && line[line.length - 1] === LINE_FEED && !line.includes(0);
}

function words(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function grown(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const made = Buffer.allocUnsafe(length);
  bytes.copy(made);
  return made;
}

function larger(old: Int32Array, room: number): Int32Array<ArrayBuffer> {
  const made = new Int32Array(room).fill(NONE);
  made.set(old);
  return made;
}

/** FNV-1a, a word at a time. */
function hashWord(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}

/** Mixed, so that the low bits depend on all of them. */
function hashEnd(hash: number): number {
  const mixed = hash ^ (hash >>> 15);
  return Math.imul(mixed, 0x2c1b3c6d) ^ (mixed >>> 12);
}
