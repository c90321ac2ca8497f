import { asciiOf } from './bytes.ts';

const ESCAPE = 27;

/** Letters of English and of device names, frequent ones first; what is not here (capitals, colons) is rare. */
const FREQUENT = ' e0ta1oin2srh-l3d4c5u6m789f.pgw/ybv_kxjqz';

/** A literal, and where its window begins: the part of it that is searched for. */
interface Needle {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/**
 * Finds the first of many literals in bytes: Wu and Manber, "A fast algorithm for multi-pattern searching" (1994), with
 * blocks of two bytes. It looks for the rarest part of each literal, as long as the shortest literal, so that most bytes
 * are never looked at. Measured by `bench/klog.ts` against the other ways.
 */
export class LiteralScanner {
  /** Length of all windows. */
  readonly #window: number;
  /** How far the search may go on, by the last two bytes of the window; 0: a window may end there. */
  readonly #shifts: Uint8Array;
  readonly #buckets = new Map<number, Needle[]>();

  /** Literals of two or more ASCII letters; a shorter one is a TypeError. */
  constructor(literals: readonly string[]) {
    this.#window = literals.reduce((least, { length }) => Math.min(least, length), 255);
    if (literals.length === 0 || this.#window < 2) throw new TypeError('a literal has two or more letters');
    this.#shifts = new Uint8Array(0x10000).fill(this.#window - 1);
    for (const literal of literals) this.#add(literal);
  }

  #add(literal: string): void {
    const needle: Needle = { bytes: asciiOf(literal), offset: rarestWindow(literal, this.#window) };
    for (let i = 0; i + 1 < this.#window; i += 1) {
      const pair = pairAt(needle.bytes, needle.offset + i + 1);
      const shift = this.#window - 2 - i;
      if (shift < this.#shifts[pair]!) this.#shifts[pair] = shift;
      if (shift === 0) this.#buckets.set(pair, [...(this.#buckets.get(pair) ?? []), needle]);
    }
  }

  /** A byte of the first literal that begins at or after `from`, in its line; -1 when none does. */
  find(bytes: Uint8Array, from: number): number {
    const shifts = this.#shifts;
    const end = bytes.length;
    let at = from + this.#window - 1;
    while (at < end) {
      const shift = shifts[(bytes[at - 1]! << 8) | bytes[at]!]!;
      if (shift !== 0) at += shift;
      else {
        if (this.#matches(bytes, at, from)) return at;
        at += 1;
      }
    }
    return -1;
  }

  #matches(bytes: Uint8Array, end: number, from: number): boolean {
    for (const { bytes: literal, offset } of this.#buckets.get(pairAt(bytes, end))!) {
      const start = end - this.#window + 1 - offset;
      if (start < from) continue;
      let i = 0;
      while (i < literal.length && bytes[start + i] === literal[i]) i += 1;
      if (i === literal.length) return true;
    }
    return false;
  }
}

function pairAt(bytes: Uint8Array, at: number): number {
  return (bytes[at - 1]! << 8) | bytes[at]!;
}

/** Where the window begins whose letters are least frequent, taken together. */
function rarestWindow(literal: string, length: number): number {
  const rank = (letter: string): number => {
    const place = FREQUENT.indexOf(letter);
    return place < 0 ? FREQUENT.length * 2 : place;
  };
  const rarity = (from: number): number =>
    Array.from(literal.slice(from, from + length), rank).reduce((sum, value) => sum + value, 0);
  let best = 0;
  for (let from = 1; from + length <= literal.length; from += 1) if (rarity(from) > rarity(best)) best = from;
  return best;
}

/**
 * Finds the next place worth a look: a literal, or one of the bytes that may stand within a literal and are not part of
 * the text (an escape sequence, a NUL).
 */
export class PlaceFinder {
  readonly #scanner: LiteralScanner;
  #bytes: Uint8Array = new Uint8Array();
  #next: [literal: number, escape: number, nul: number] = [-2, -2, -2];

  constructor(scanner: LiteralScanner) {
    this.#scanner = scanner;
  }

  /** The next places are looked for in these bytes. */
  take(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#next = [-2, -2, -2];
  }

  /** The first such place at or after `from`, which never goes back; -1 when there is none. */
  next(from: number): number {
    const next = this.#next;
    if (stale(next[0], from)) next[0] = this.#scanner.find(this.#bytes, from);
    if (stale(next[1], from)) next[1] = this.#bytes.indexOf(ESCAPE, from);
    if (stale(next[2], from)) next[2] = this.#bytes.indexOf(0, from);
    const found = next.filter((at) => at >= 0);
    return found.length === 0 ? -1 : Math.min(...found);
  }
}

/** -1 stays: what was not found from an earlier place is not there from a later one. */
function stale(at: number, from: number): boolean {
  return at !== -1 && at < from;
}
