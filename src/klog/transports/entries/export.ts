import { lineEnd } from '../../bytes.ts';
import { type Block, LINE_BYTES } from '../../split.ts';
import type { EntryJoiner, IsWanted } from '../decoded.ts';
import { Entries, Entry, type FieldName, isNameByte, wantedField } from './entry.ts';

const LINE_FEED = 10;
const RETURN = 13;
const EQUALS = 61;
const SIZE_BYTES = 8;
const NAME_BYTES = 64;
/** The journal keeps no larger field (systemd, DATA_SIZE_MAX); a larger number is damage. */
const DATA_MAX = 768 * 1024 * 1024;

/**
 * `journalctl -o export` (systemd, "Journal Export Format"): `NAME=value` a line, or where the value is no printable line
 * `NAME`, its length in eight bytes (little-endian), the value, and a line feed; an empty line ends the entry. Lengths are
 * kept to, so that nothing within a value begins a field or an entry.
 */
export class ExportJoiner implements EntryJoiner {
  readonly #entries: Entries;
  #entry = new Entry();
  #state: 'name' | 'size' | 'data' | 'end' = 'name';
  /** Of the field in bytes: its name where it is read, the line it began in. */
  #field: { readonly name: FieldName | null; readonly line: number } = { name: null, line: 0 };
  #size: number[] = [];
  #left = 0;
  #data: number[] = [];

  constructor(isWanted: IsWanted) {
    this.#entries = new Entries(isWanted);
  }

  *push(block: Block): Iterable<Block> {
    const { bytes, dropped = 0 } = block;
    let number = block.line;
    for (let at = 0; at < bytes.length; ) {
      const end = lineEnd(bytes, at);
      if (this.#state === 'name') {
        const to = bytes[end - 1] === RETURN && end > at ? end - 1 : end;
        if (to === at) yield* this.end();
        else this.#name(bytes, at, to, number);
        at = end + 1;
        number += 1;
        continue;
      }
      const next = Math.min(this.#bytes(bytes, at), bytes.length);
      for (let feed = end; feed < next; feed = lineEnd(bytes, feed + 1)) number += 1;
      at = next;
    }
    if (dropped > 0 && this.#state === 'data') this.#drop(dropped);
  }

  *end(): Iterable<Block> {
    const entry = this.#entry;
    this.#entry = new Entry();
    yield* this.#entries.take(entry);
  }

  #name(bytes: Uint8Array, from: number, to: number, number: number): void {
    let at = from;
    while (at < to && at - from < NAME_BYTES && isNameByte(bytes[at])) at += 1;
    if (at === from) return;
    const name = wantedField(bytes, from, at);
    if (at === to) {
      this.#field = { name, line: number };
      this.#state = 'size';
      this.#size = [];
    } else if (bytes[at] === EQUALS && name !== null) this.#set(name, bytes.subarray(at + 1, to), number);
  }

  /** Takes bytes of a value, or of its length; returns where the next begin. */
  #bytes(bytes: Uint8Array, from: number): number {
    if (this.#state === 'end') {
      this.#state = 'name';
      return bytes[from] === LINE_FEED ? from + 1 : lineEnd(bytes, from) + 1;
    }
    if (this.#state === 'size') {
      this.#size.push(bytes[from]!);
      if (this.#size.length === SIZE_BYTES) this.#open();
      return from + 1;
    }
    const to = Math.min(bytes.length, from + this.#left);
    if (this.#field.name !== null)
      for (let at = from; at < to && this.#data.length < LINE_BYTES; at += 1) this.#data.push(bytes[at]!);
    this.#left -= to - from;
    if (this.#left === 0) this.#close();
    return to;
  }

  #open(): void {
    const size = this.#size.reduceRight((sum, byte) => sum * 256 + byte, 0);
    this.#data = [];
    this.#left = size;
    this.#state = 'data';
    if (size > DATA_MAX) this.#state = 'end';
    else if (size === 0) this.#close();
  }

  /** What was dropped of a line that is longer than is kept stood before its line feed, which may have ended the value. */
  #drop(dropped: number): void {
    this.#left -= dropped;
    const isEnded = this.#left < 0;
    if (this.#left <= 0) this.#close();
    if (isEnded) this.#state = 'name';
  }

  #close(): void {
    const { name, line } = this.#field;
    if (name !== null) this.#set(name, Uint8Array.from(this.#data), line);
    this.#data = [];
    this.#left = 0;
    this.#state = 'end';
  }

  #set(name: FieldName, value: Uint8Array, line: number): void {
    if (name === 'MESSAGE') this.#entry.message(value, line);
    else this.#entry.set(name, value);
  }
}
