import { asciiOf, encodeText, textOf } from '../../bytes.ts';
import { cleaned } from '../../clean.ts';
import { BEFORE, type Block, LINE_BYTES } from '../../split.ts';
import { type Decoded, type EntryJoiner, type IsWanted, type LineDecoder, record } from '../decoded.ts';

const MICROSECONDS = 1e6;
const LINE_FEED = 10;
const BACKSLASH = 92;
const TAB = 9;
const SPACE = 32;
const DELETE = 127;
const ZERO = 48;
const NINE = 57;
const NONE = 45;
const SEMICOLON = 59;
const KERNEL = 107;
const USER = 117;
/** First byte of the controls C1 in UTF-8. */
const C1 = 0xc2;
const TIME_BYTES = 17;
const NOTHING = new Uint8Array();

/** Names of fields that are read, no two of one length; all others are passed over. */
const NAMES = ['MESSAGE', 'PRIORITY', '_TRANSPORT', 'SYSLOG_FACILITY', '_SOURCE_MONOTONIC_TIMESTAMP'] as const;
export type FieldName = (typeof NAMES)[number];
const WANTED: readonly { readonly name: FieldName; readonly bytes: Uint8Array }[] = NAMES.map((name) => ({
  name,
  bytes: asciiOf(name),
}));
const BY_LENGTH = Array.from({ length: 28 }, (_, length) => WANTED.find(({ bytes }) => bytes.length === length));
const KERNEL_TRANSPORT = asciiOf('kernel');

/** The field of that name is read. */
export function wantedField(bytes: Uint8Array, from: number, to: number): FieldName | null {
  const wanted = BY_LENGTH[to - from];
  return wanted !== undefined && isAt(bytes, from, wanted.bytes) ? wanted.name : null;
}

function isAt(bytes: Uint8Array, from: number, literal: Uint8Array): boolean {
  for (let i = 0; i < literal.length; i += 1) if (bytes[from + i] !== literal[i]) return false;
  return true;
}

export function isNameByte(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 65 && byte <= 90) || byte === 95 || (byte >= 48 && byte <= 57));
}

/** The fields of one entry; of one that stands twice the first counts, but for those that say who wrote it. */
export class Entry {
  #message: Uint8Array | null = null;
  #line = 0;
  #isKernel: boolean | null = null;
  #isFacility: boolean | null = null;
  #level = NONE;
  #time = NOTHING;

  message(value: Uint8Array, line: number): void {
    if (this.#message !== null) return;
    this.#message = value.slice(0, LINE_BYTES);
    this.#line = line;
  }

  /** A field but for the message. */
  set(name: FieldName, value: Uint8Array): void {
    const [first] = value;
    if (name === '_TRANSPORT') {
      const isKernel = value.length === KERNEL_TRANSPORT.length && isAt(value, 0, KERNEL_TRANSPORT);
      this.#isKernel = isKernel && this.#isKernel !== false;
    } else if (name === 'SYSLOG_FACILITY')
      this.#isFacility = value.length === 1 && first === ZERO && this.#isFacility === null;
    else if (name === 'PRIORITY') {
      if (value.length === 1 && first !== undefined && first >= ZERO && first < ZERO + 8) this.#level = first;
    } else if (value.length <= TIME_BYTES && value.every((byte) => byte >= ZERO && byte <= NINE))
      this.#time = value.slice();
  }

  /** Null where it has none. */
  get text(): Uint8Array | null {
    return this.#message;
  }

  /** The entry as a line. */
  block(): Block {
    const text = escaped(this.#message ?? NOTHING);
    const time = this.#time;
    const bytes = new Uint8Array(2 + time.length + 1 + text.length + 1);
    bytes[0] = this.#isKernel === true && this.#isFacility !== false ? KERNEL : USER;
    bytes[1] = this.#level;
    bytes.set(time, 2);
    bytes[2 + time.length] = SEMICOLON;
    bytes.set(text, 3 + time.length);
    bytes[bytes.length - 1] = LINE_FEED;
    return { bytes, line: this.#line, count: 1 };
  }
}

/** Passes on the entries that are wanted, and before each the ones that stood before it. */
export class Entries {
  readonly #isWanted: IsWanted;
  #passed: Entry[] = [];

  constructor(isWanted: IsWanted) {
    this.#isWanted = isWanted;
  }

  *take(entry: Entry): Iterable<Block> {
    const { text } = entry;
    if (text === null) return;
    this.#passed.push(entry);
    if (this.#isWanted(text)) {
      const all = this.#passed;
      this.#passed = [];
      for (const one of all) yield one.block();
    } else if (this.#passed.length > BEFORE) this.#passed.shift();
  }
}

/** Without controls, in one line. */
function escaped(message: Uint8Array): Uint8Array {
  let plain = true;
  for (const byte of message)
    if ((byte < SPACE && byte !== TAB) || byte === DELETE || byte === C1 || byte === BACKSLASH) plain = false;
  if (plain) return message;
  return encodeText(cleaned(textOf(message)).replaceAll('\\', '\\\\').replaceAll('\n', '\\n'));
}

/**
 * Entries of `journalctl -o export`, `json-pretty` and `verbose`, as a joiner puts them into lines. As in JSON, only
 * `_TRANSPORT` says who spoke.
 */
export class EntryDecoder implements LineDecoder {
  readonly indents = false;
  readonly distrust = '_TRANSPORT is not kernel, or its facility is not 0: a program wrote it';
  readonly joiner: (isWanted: IsWanted) => EntryJoiner;

  constructor(joiner: (isWanted: IsWanted) => EntryJoiner) {
    this.joiner = joiner;
  }

  decode(line: string): Decoded | undefined {
    const found = /^([ku])([0-7-])(\d*);/.exec(line);
    if (found === null) return undefined;
    const [head, who, level, time] = found as unknown as [string, string, string, string];
    const text = line.slice(head.length).replace(/\\([\\n])/g, (_, letter) => (letter === 'n' ? '\n' : '\\'));
    return record(text, {
      time: time === '' ? null : Number(time) / MICROSECONDS,
      level: level === '-' ? null : Number(level),
      fromKernel: who === 'k',
    });
  }
}
