import { lineEnd } from '../../bytes.ts';
import { type Block, LINE_BYTES } from '../../split.ts';
import type { EntryJoiner, IsWanted } from '../decoded.ts';
import { Entries, Entry, isNameByte, wantedField } from './entry.ts';

const LINE_FEED = 10;
const SPACE = 32;
const OPEN = 91;
const CURSOR = 115;
const EQUALS = 61;
const INDENT = 4;
/** `Tue 2026-11-24 23:28:55.123456 UTC [s=3d12…;i=1;…]`: the time and the cursor. */
export const VERBOSE_HEAD = /^(?:[A-Z][a-z]{2} \d{4}-\d\d-\d\d .{1,40}|\(no timestamp\)) \[s=[0-9a-f]+;i=/;
const HEAD_BYTES = 64;

/**
 * `journalctl -o verbose`: the time and the cursor, then a field a line, indented by four spaces. Further lines of a value
 * are indented by its name too (systemd, print_multiline), and so begin no field.
 */
export class VerboseJoiner implements EntryJoiner {
  readonly #entries: Entries;
  #entry = new Entry();
  #message: { readonly line: number; readonly parts: Uint8Array[]; length: number } | null = null;

  constructor(isWanted: IsWanted) {
    this.#entries = new Entries(isWanted);
  }

  *push({ bytes, line }: Block): Iterable<Block> {
    let number = line;
    for (let at = 0; at < bytes.length; number += 1) {
      const end = lineEnd(bytes, at);
      if (bytes[at] === SPACE) this.#line(bytes, at, end, number);
      else if (isHead(bytes, at, end)) yield* this.end();
      at = end + 1;
    }
  }

  *end(): Iterable<Block> {
    this.#close();
    const entry = this.#entry;
    this.#entry = new Entry();
    yield* this.#entries.take(entry);
  }

  #line(bytes: Uint8Array, from: number, to: number, number: number): void {
    let at = from;
    while (at < to && at - from < INDENT && bytes[at] === SPACE) at += 1;
    const start = at;
    if (!isNameByte(bytes[at])) return this.#more(bytes, from, to);
    this.#close();
    while (at < to && isNameByte(bytes[at])) at += 1;
    const name = start - from === INDENT && bytes[at] === EQUALS ? wantedField(bytes, start, at) : null;
    if (name === 'MESSAGE') this.#message = { line: number, parts: [bytes.slice(at + 1, to)], length: to - at };
    else if (name !== null) this.#entry.set(name, bytes.subarray(at + 1, to));
  }

  #more(bytes: Uint8Array, from: number, to: number): void {
    const message = this.#message;
    if (message === null || message.length > LINE_BYTES) return;
    const rest = bytes.slice(Math.min(to, from + INDENT + 'MESSAGE='.length), to);
    message.parts.push(rest);
    message.length += rest.length + 1;
  }

  #close(): void {
    const message = this.#message;
    this.#message = null;
    if (message === null) return;
    const text = new Uint8Array(message.length).fill(LINE_FEED);
    let at = 0;
    for (const part of message.parts) {
      text.set(part, at);
      at += part.length + 1;
    }
    this.#entry.message(text.subarray(0, at - 1), message.line);
  }
}

/** The cursor is near the beginning of the line; nothing else stands there that is not indented. */
function isHead(bytes: Uint8Array, from: number, to: number): boolean {
  const most = Math.min(to, from + HEAD_BYTES);
  for (let at = from; at < most; at += 1)
    if (bytes[at] === OPEN && bytes[at + 1] === CURSOR && bytes[at + 2] === EQUALS) return true;
  return false;
}
