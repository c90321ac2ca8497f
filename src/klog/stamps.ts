import { nextLine, textOf } from './bytes.ts';
import type { Block } from './split.ts';
import { ConsoleDecoder, hasStamp } from './transports/console.ts';
import type { LineDecoder } from './transports/decoded.ts';
import { WINDOW } from './transports/detect.ts';

const SPACE = 32;
const OPEN = '['.charCodeAt(0);
const ANGLE = '<'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);
/** So much of a line is enough to see whose it is. */
const LOOK_BYTES = 128;
/** Letters of `<6>[    0.000000`, at most. */
const PREFIX = 24;
/** As many lines of a window with a time, and the stream has times from there on. */
const ENOUGH = WINDOW / 4;

/**
 * Watches a console without times for the kernel that begins to write them, after firmware and a boot loader. By windows of
 * 64 lines, so that it does not depend on how the bytes were cut; it never goes back.
 */
export class Stamps {
  readonly #decoder: ConsoleDecoder;
  #lines = 0;
  #stamped = 0;

  private constructor(decoder: ConsoleDecoder) {
    this.#decoder = decoder;
  }

  static of(decoder: LineDecoder): Stamps | null {
    return decoder instanceof ConsoleDecoder ? new Stamps(decoder) : null;
  }

  /** The block in pieces, each to be read before the next is asked for. */
  *windows({ bytes, line, count }: Block): Iterable<Block> {
    let at = 0;
    let number = line;
    while (at < bytes.length && !this.#decoder.habits.stamped) {
      const start = at;
      const first = number;
      for (; at < bytes.length && this.#lines < WINDOW; number += 1, this.#lines += 1) {
        const next = nextLine(bytes, at);
        if (mayHaveTime(bytes, at) && hasStamp(textOf(bytes, at, Math.min(next - 1, at + LOOK_BYTES))))
          this.#stamped += 1;
        at = next;
      }
      yield { bytes: bytes.subarray(start, at), line: first, count: number - first };
      if (this.#lines === WINDOW) this.#close();
    }
    if (at < bytes.length) yield { bytes: bytes.subarray(at), line: number, count: count - (number - line) };
  }

  #close(): void {
    if (this.#stamped >= ENOUGH) this.#decoder.becomesStamped();
    this.#lines = 0;
    this.#stamped = 0;
  }
}

/** `[   12.3`, with or without a priority before it: most lines need no closer look. */
function mayHaveTime(bytes: Uint8Array, from: number): boolean {
  let at = from;
  if (bytes[at] === ANGLE) at = bytes.indexOf(OPEN, at + 2);
  if (at < from || at - from > 5 || bytes[at] !== OPEN) return false;
  at += 1;
  while (bytes[at] === SPACE) at += 1;
  const digits = at;
  while (at - from < PREFIX && isDigit(bytes[at])) at += 1;
  return at > digits && bytes[at] === DOT && isDigit(bytes[at + 1]);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}
