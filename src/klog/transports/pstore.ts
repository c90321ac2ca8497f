import { nextLine, textOf } from '../bytes.ts';
import type { Block } from '../split.ts';
import { PART } from './console.ts';

/** Bytes of one dump put in order; a dump of pstore is as large as firmware gives room, some hundred KiB at most. */
const DUMP_BYTES = 4 * 1024 * 1024;
/** Longer lines are no heading. */
const HEADING_BYTES = 64;

interface Part {
  readonly number: number;
  readonly blocks: Block[];
}

/**
 * Puts the parts of a dump in order: the kernel writes the newest lines first, as part 1 (fs/pstore/platform.c), so that
 * the log begins in the part with the highest number. Headings go with their part and are dropped by the decoder.
 */
export class PstoreOrder {
  readonly #emit: (block: Block) => void;
  #dump: string | null = null;
  #parts: Part[] = [];
  #size = 0;

  constructor(emit: (block: Block) => void) {
    this.#emit = emit;
  }

  push({ bytes, line }: Block): void {
    let number = line;
    for (let at = 0; at < bytes.length; number += 1) {
      const end = nextLine(bytes, at);
      this.#line({ bytes: bytes.slice(at, end), line: number, count: 1 });
      at = end;
    }
  }

  /** The dump is whole. */
  end(): void {
    for (const { blocks } of this.#parts.toSorted((a, b) => b.number - a.number)) blocks.forEach(this.#emit);
    this.#parts = [];
    this.#size = 0;
    this.#dump = null;
  }

  #line(block: Block): void {
    const heading = headingOf(block.bytes);
    if (heading !== null) this.#open(heading);
    const part = this.#parts.at(-1);
    if (part === undefined) return this.#emit(block);
    part.blocks.push(block);
    this.#size += block.bytes.length;
    if (this.#size > DUMP_BYTES) this.end();
  }

  #open({ dump, number }: { dump: string; number: number }): void {
    if (dump !== this.#dump || this.#parts.some((part) => part.number === number)) this.end();
    this.#dump = dump;
    this.#parts.push({ number, blocks: [] });
  }
}

function headingOf(bytes: Uint8Array): { dump: string; number: number } | null {
  if (bytes.length > HEADING_BYTES) return null;
  const text = textOf(bytes).trimEnd();
  const match = PART.exec(text);
  return match === null ? null : { dump: text.slice(0, text.lastIndexOf(' ')), number: Number(match[2]) };
}

export function isDump(firstLine: string): boolean {
  return PART.test(firstLine);
}
