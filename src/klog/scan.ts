import { asciiOf } from './bytes.ts';

const ESCAPE = 27;

/**
 * Finds the first of many literals in bytes: Wu and Manber, "A fast algorithm for multi-pattern searching" (1994), with
 * blocks of two bytes. Most bytes are never looked at. Measured by `bench/klog.ts` against the other ways.
 */
export class LiteralScanner {
  readonly #shortest: number;
  /** How far the search may go on, by the last two bytes of the window; 0: a literal may end its first part there. */
  readonly #shifts: Uint8Array;
  readonly #buckets = new Map<number, Uint8Array[]>();

  /** Literals of two or more ASCII letters; a shorter one is a TypeError. */
  constructor(literals: readonly string[]) {
    const all = literals.map(asciiOf);
    this.#shortest = all.reduce((least, { length }) => Math.min(least, length), 255);
    if (all.length === 0 || this.#shortest < 2)
      throw new TypeError('the scanner needs literals of two or more letters');
    this.#shifts = new Uint8Array(0x10000).fill(this.#shortest - 1);
    for (const literal of all) this.#add(literal);
  }

  #add(literal: Uint8Array): void {
    for (let i = 0; i + 1 < this.#shortest; i += 1) {
      const pair = (literal[i]! << 8) | literal[i + 1]!;
      const shift = this.#shortest - 2 - i;
      if (shift < this.#shifts[pair]!) this.#shifts[pair] = shift;
      if (shift === 0) this.#buckets.set(pair, [...(this.#buckets.get(pair) ?? []), literal]);
    }
  }

  /** Where the first literal at or after `from` stands; -1 when none does. */
  find(bytes: Uint8Array, from: number): number {
    const shifts = this.#shifts;
    const end = bytes.length;
    let at = from + this.#shortest - 1;
    while (at < end) {
      const pair = (bytes[at - 1]! << 8) | bytes[at]!;
      const shift = shifts[pair]!;
      if (shift !== 0) at += shift;
      else {
        const start = at - this.#shortest + 1;
        if (this.#matches(bytes, start, pair)) return start;
        at += 1;
      }
    }
    return -1;
  }

  #matches(bytes: Uint8Array, start: number, pair: number): boolean {
    for (const literal of this.#buckets.get(pair)!) {
      let i = 0;
      while (i < literal.length && bytes[start + i] === literal[i]) i += 1;
      if (i === literal.length) return true;
    }
    return false;
  }
}

/**
 * Finds the next place worth a look: a literal, or one of the bytes that may stand within a literal and are not part of
 * the text (an escape sequence, a NUL).
 */
export class PlaceFinder {
  readonly #scanner: LiteralScanner;
  #bytes = new Uint8Array();
  #next: [literal: number, escape: number, nul: number] = [-2, -2, -2];

  constructor(scanner: LiteralScanner) {
    this.#scanner = scanner;
  }

  /** The next places are looked for in these bytes. */
  take(bytes: Uint8Array): void {
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
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
