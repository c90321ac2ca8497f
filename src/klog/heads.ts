import { lineEnd, lineStart, textOf } from './bytes.ts';
import { cleaned } from './clean.ts';
import { LINE_BYTES } from './split.ts';
import type { Decoded, LineDecoder } from './transports/decoded.ts';

const SPACE = 32;

/**
 * Whose line an indented one is. dmesg and journalctl write the further lines of a record without a prefix, indented by its
 * width: such a line is of the nearest one before it that has a prefix, and as trustworthy as that. Lines that were passed
 * over are looked at backwards, each at most once.
 */
export class Heads {
  readonly #decoder: LineDecoder | undefined;
  #bytes: Uint8Array = new Uint8Array();
  #head: Decoded | null = null;
  /** The record of the head has said something: what follows is the rest of it. */
  #said = false;
  /** All before it is in `#head`. */
  #seen = 0;

  constructor(decoder: LineDecoder | undefined) {
    this.#decoder = decoder;
  }

  take(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#seen = 0;
  }

  /** What the line that begins `at` comes to, decoded by itself as `decoded`. */
  resolve(line: string, decoded: Decoded, at: number): Decoded {
    if (this.#decoder?.indents !== true) return decoded;
    // A line without a head ends the entry before it, too: what is indented below it is nobody's word.
    if (decoded.width > 0 || !isIndented(line)) {
      this.#open(decoded);
      this.#seen = at + 1;
      return decoded;
    }
    this.#look(at);
    const head = this.#head;
    if (head === null || head.width === 0 || !line.startsWith(' '.repeat(head.width))) return decoded;
    return { ...head, text: line.slice(head.width), rest: this.#said };
  }

  /** The bytes go. */
  leave(): void {
    if (this.#decoder?.indents === true) this.#look(this.#bytes.length);
    this.#bytes = new Uint8Array();
  }

  #open(head: Decoded | null): void {
    this.#head = head;
    this.#said = head !== null && head.text !== '';
  }

  #look(to: number): void {
    const bytes = this.#bytes;
    let said = false;
    let end = to;
    while (end > this.#seen) {
      const start = lineStart(bytes, end - 1);
      if (bytes[start] !== SPACE) {
        const line = cleaned(textOf(bytes, start, Math.min(lineEnd(bytes, start), start + LINE_BYTES)));
        if (!isIndented(line)) {
          this.#open(this.#decoder?.decode(line) ?? null);
          break;
        }
      }
      said ||= !isBlank(bytes, start, end);
      end = start;
    }
    this.#said ||= said;
    this.#seen = Math.max(this.#seen, to);
  }
}

/** Or empty, which says nothing. */
function isIndented(line: string): boolean {
  return line === '' || line.startsWith(' ');
}

function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at]! > SPACE) return false;
  return true;
}
