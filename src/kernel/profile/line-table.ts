const LINE_FEED = 10;
const BACKSLASH = 92;
/** Four line feeds, and the two masks that find a zero byte in a word (Hacker's Delight, 6-1). */
const LINE_FEEDS = 0x0a0a0a0a;
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080;
const FIRST_POOL_BYTES = 1 << 20;
const FIRST_LINES = 1 << 14;
const NONE = -1;

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
  #followers = new Int32Array(FIRST_LINES).fill(NONE);
  #followersBefore = new Int32Array(FIRST_LINES).fill(NONE);
  #slots = new Int32Array(FIRST_LINES * 4).fill(NONE);
  #hashes = new Int32Array(FIRST_LINES);
  #count = 0;
  #text: Buffer = Buffer.alloc(0);
  #textWords = words(this.#text);
  #end = 0;

  get count(): number {
    return this.#count;
  }

  /** The text that `lineAt` reads, up to `end`. */
  read(text: Buffer, end: number): void {
    if (text !== this.#text) {
      this.#text = text;
      this.#textWords = words(text);
    }
    this.#end = end;
  }

  /** Number of the line that starts at `at`; `previous` is the number of the line before, or -1. */
  lineAt(at: number, previous: number): number {
    if (previous < 0) return this.#find(at);
    const guess = this.#followers[previous]!;
    if (guess >= 0 && this.#is(guess, at)) return guess;
    const second = this.#followersBefore[previous]!;
    const line = second >= 0 && this.#is(second, at) ? second : this.#find(at);
    this.#followersBefore[previous] = guess;
    this.#followers[previous] = line;
    return line;
  }

  /** Bytes of a line, its line feed with them. */
  lengthOf(line: number): number {
    return this.#lengths[line]!;
  }

  /** The line goes on: it ends in a backslash. */
  continues(line: number): boolean {
    const end = this.#starts[line]! + this.#lengths[line]!;
    return this.#lengths[line]! > 1 && this.#pool[end - 2] === BACKSLASH && this.#pool[end - 1] === LINE_FEED;
  }

  textOf(line: number): string {
    return this.#pool.toString('utf8', this.#starts[line], this.#starts[line]! + this.#lengths[line]!);
  }

  #is(line: number, at: number): boolean {
    const length = this.#lengths[line]!;
    if (at + length > this.#end) return false;
    const start = this.#starts[line]!;
    const pool = this.#poolWords;
    const text = this.#textWords;
    let i = 0;
    for (; i + 4 <= length; i += 4) if (pool.getUint32(start + i, true) !== text.getUint32(at + i, true)) return false;
    for (; i < length; i += 1) if (pool.getUint8(start + i) !== text.getUint8(at + i)) return false;
    return true;
  }

  #find(at: number): number {
    const text = this.#textWords;
    let hash = HASH_START;
    let i = at;
    for (; i + 4 <= this.#end; i += 4) {
      const word = text.getUint32(i, true);
      const zero = word ^ LINE_FEEDS;
      if (((zero - LOW_BITS) & ~zero & HIGH_BITS) !== 0) break;
      hash = hashWord(hash, word);
    }
    while (i < this.#end) {
      const byte = text.getUint8(i);
      hash = hashWord(hash, byte);
      i += 1;
      if (byte === LINE_FEED) break;
    }
    return this.#lookUp(at, i - at, hashEnd(hash));
  }

  #lookUp(at: number, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const line = this.#slots[slot]!;
      if (line < 0) {
        this.#slots[slot] = this.#count;
        this.#hashes[this.#count] = hash;
        return this.#add(at, length);
      }
      if (this.#hashes[line] === hash && this.#lengths[line] === length && this.#is(line, at)) return line;
    }
  }

  #add(at: number, length: number): number {
    const line = this.#count;
    this.#count += 1;
    if (this.#used + length > this.#pool.length) {
      this.#pool = grown(this.#pool, Math.max(this.#pool.length * 2, this.#used + length));
      this.#poolWords = words(this.#pool);
    }
    this.#text.copy(this.#pool, this.#used, at, at + length);
    this.#starts[line] = this.#used;
    this.#lengths[line] = length;
    this.#used += length;
    if (this.#count === this.#starts.length) this.#grow();
    return line;
  }

  #grow(): void {
    const room = this.#starts.length * 2;
    const larger = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const made = new Int32Array(room).fill(NONE);
      made.set(old);
      return made;
    };
    this.#starts = larger(this.#starts);
    this.#lengths = larger(this.#lengths);
    this.#hashes = larger(this.#hashes);
    this.#followers = larger(this.#followers);
    this.#followersBefore = larger(this.#followersBefore);
    this.#slots = new Int32Array(room * 4).fill(NONE);
    const mask = this.#slots.length - 1;
    for (let line = 0; line < this.#count; line += 1) {
      let slot = this.#hashes[line]! & mask;
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
      this.#slots[slot] = line;
    }
  }
}

function words(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function grown(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const made = Buffer.allocUnsafe(length);
  bytes.copy(made);
  return made;
}

const HASH_START = 0x811c9dc5;

/** FNV-1a, a word at a time. */
function hashWord(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}

/** Mixed, so that the low bits depend on all of them. */
function hashEnd(hash: number): number {
  const mixed = hash ^ (hash >>> 15);
  return Math.imul(mixed, 0x2c1b3c6d) ^ (mixed >>> 12);
}
