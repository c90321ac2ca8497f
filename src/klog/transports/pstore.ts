import { nextLine, textOf } from '../bytes.ts';
import type { Block } from '../split.ts';
import { PART } from './console.ts';

/** Bytes of one dump put in order; a dump of pstore is as large as firmware gives room, some hundred KiB at most. */
const DUMP_BYTES = 4 * 1024 * 1024;
/** Longer lines are no heading. */
const HEADING_BYTES = 64;

/** Charged for each line beside its bytes, so that a dump of empty lines is no larger in memory. */
const LINE_COST = 64;
const [FIRST_CAPITAL, LAST_CAPITAL] = [65, 90];

/**
 * Puts the parts of a dump in order: the kernel writes the newest lines first, as part 1 (fs/pstore/platform.c), so that
 * the log begins in the part with the highest number. Headings go with their part and are dropped by the decoder.
 */
export class PstoreOrder {
  readonly #emit: (block: Block) => void;
  #dump: string | null = null;
  readonly #parts = new Map<number, Block[]>();
  /** The part that lines go to; null before the first heading, and where the dump grew too large. */
  #part: Block[] | null = null;
  #size = 0;

  constructor(emit: (block: Block) => void) {
    this.#emit = emit;
  }

  push({ bytes, line }: Block): void {
    let from = 0;
    let first = line;
    let number = line;
    for (let at = 0; at < bytes.length; ) {
      const end = nextLine(bytes, at);
      const heading = headingOf(bytes, at, end);
      if (heading !== null) {
        this.#keep({ bytes: bytes.subarray(from, at), line: first, count: number - first });
        this.#open(heading);
        [from, first] = [at, number];
      }
      number += 1;
      if (this.#part !== null) this.#size += end - at + LINE_COST;
      at = end;
      if (this.#size > DUMP_BYTES) {
        this.#keep({ bytes: bytes.subarray(from, end), line: first, count: number - first });
        this.end();
        [from, first] = [end, number];
      }
    }
    this.#keep({ bytes: bytes.subarray(from), line: first, count: number - first });
  }

  /** The dump is whole. */
  end(): void {
    const parts = [...this.#parts].toSorted(([a], [b]) => b - a);
    this.#parts.clear();
    this.#part = null;
    this.#size = 0;
    this.#dump = null;
    for (const [, blocks] of parts) blocks.forEach(this.#emit);
  }

  #keep(block: Block): void {
    if (block.count === 0) return;
    if (this.#part === null) this.#emit(block);
    else this.#part.push({ ...block, bytes: block.bytes.slice() });
  }

  #open({ dump, number }: { dump: string; number: number }): void {
    if (dump !== this.#dump || this.#parts.has(number)) this.end();
    this.#dump = dump;
    this.#part = [];
    this.#parts.set(number, this.#part);
  }
}

function headingOf(bytes: Uint8Array, from: number, to: number): { dump: string; number: number } | null {
  const first = bytes[from]!;
  if (to - from > HEADING_BYTES || first < FIRST_CAPITAL || first > LAST_CAPITAL) return null;
  const text = textOf(bytes, from, to).trimEnd();
  const match = PART.exec(text);
  return match === null ? null : { dump: text.slice(0, text.lastIndexOf(' ')), number: Number(match[2]) };
}

export function isDump(firstLine: string): boolean {
  return PART.test(firstLine);
}
