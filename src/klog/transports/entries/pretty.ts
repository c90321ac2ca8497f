import { encodeText, lineEnd, textOf } from '../../bytes.ts';
import { type Block, LINE_BYTES } from '../../split.ts';
import type { EntryJoiner, IsWanted } from '../decoded.ts';
import { fieldOf, messageOf } from '../journal-json.ts';
import { Entries, Entry, type FieldName, isNameByte, wantedField } from './entry.ts';

const SPACE = 32;
const TAB = 9;
const QUOTE = 34;
const COLON = 58;
const COMMA = 44;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
/** A byte that stands as a number in a line of its own takes so many letters, at most. */
const LETTERS_MAX = 8 * LINE_BYTES;

/**
 * `journalctl -o json-pretty`, and what jq makes of JSON: a field a line, bytes as numbers in lines of their own. A line feed
 * within a value is escaped, so that no value begins a line.
 */
export class PrettyJoiner implements EntryJoiner {
  readonly #entries: Entries;
  #entry = new Entry();
  /** Of the field whose list of numbers is open: its name and what there is of it. */
  #list: { readonly name: FieldName; readonly line: number; text: string } | null = null;

  constructor(isWanted: IsWanted) {
    this.#entries = new Entries(isWanted);
  }

  *push({ bytes, line }: Block): Iterable<Block> {
    let number = line;
    for (let at = 0; at < bytes.length; number += 1) {
      const end = lineEnd(bytes, at);
      const first = bytes[at];
      if (first === OPEN || first === CLOSE) yield* this.end();
      else this.#line(bytes, at, end, number);
      at = end + 1;
    }
  }

  *end(): Iterable<Block> {
    const entry = this.#entry;
    this.#entry = new Entry();
    this.#list = null;
    yield* this.#entries.take(entry);
  }

  #line(bytes: Uint8Array, from: number, to: number, number: number): void {
    let at = from;
    while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at += 1;
    if (this.#list !== null) return this.#more(textOf(bytes, at, to));
    if (bytes[at] !== QUOTE) return;
    let end = at + 1;
    while (end < to && isNameByte(bytes[end])) end += 1;
    const name = bytes[end] === QUOTE ? wantedField(bytes, at + 1, end) : null;
    if (name === null) return;
    const simple = plainText(bytes, end + 1, to);
    if (simple !== null) return this.#put(name, simple, number);
    const value = /^\s*:\s*(.*?),?\s*$/s.exec(textOf(bytes, end + 1, to))?.[1];
    if (value === '[') this.#list = { name, line: number, text: '[' };
    else if (value !== undefined) this.#set(name, value, number);
  }

  #more(text: string): void {
    const list = this.#list;
    if (list === null) return;
    if (list.text.length < LETTERS_MAX) list.text += text.trim();
    if (!text.startsWith(']')) return;
    this.#list = null;
    this.#set(list.name, list.text.replace(/,$/, ''), list.line);
  }

  #set(name: FieldName, json: string, line: number): void {
    const value = parsed(json);
    const text = name === 'MESSAGE' ? messageOf(value) : (fieldOf(value) ?? 'several');
    if (text !== undefined) this.#put(name, encodeText(text), line);
  }

  #put(name: FieldName, value: Uint8Array, line: number): void {
    if (name === 'MESSAGE') this.#entry.message(value, line);
    else this.#entry.set(name, value);
  }
}

/** ` : "text",` without escapes, as most fields are; null: it takes a parser. */
function plainText(bytes: Uint8Array, from: number, to: number): Uint8Array | null {
  let [start, end] = [from, to];
  while (bytes[start] === SPACE || bytes[start] === COLON) start += 1;
  if (bytes[end - 1] === COMMA) end -= 1;
  if (end - start < 2 || bytes[start] !== QUOTE || bytes[end - 1] !== QUOTE) return null;
  for (let at = start + 1; at < end - 1; at += 1) if (bytes[at] === BACKSLASH || bytes[at] === QUOTE) return null;
  return bytes.subarray(start + 1, end - 1);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined; // cut
  }
}
