import { refused } from './error.ts';

/** A value of metadata. Canonical JSON has no fractions, so every number is an integer of at most 2^53 - 1. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** Without a prototype: `__proto__` is a key like any other. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Metadata nests some eight deep; the rest is for `custom`. */
const MAX_DEPTH = 64;
const LITERALS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Reads JSON (RFC 8259) in which two readers cannot see two things: refuses duplicate keys, numbers that are not integers
 * or not exact, text that is not Unicode, a byte order mark, and nesting over 64. Errors: metadata-invalid.
 */
export function parseJson(bytes: Uint8Array, where: string): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw refused('metadata-invalid', 'the metadata is not UTF-8', where, error);
  }
  return new Reader(text, where).document();
}

class Reader {
  readonly #text: string;
  readonly #where: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  document(): Json {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail('something follows the value');
    return value;
  }

  #fail(what: string): never {
    throw refused(
      'metadata-invalid',
      `the metadata is not JSON to believe: ${what}, at character ${this.#at}`,
      this.#where,
    );
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at += 1;
  }

  #takes(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #value(): Json {
    this.#space();
    if (this.#takes('{')) return this.#nested(() => this.#object());
    if (this.#takes('[')) return this.#nested(() => this.#array());
    if (this.#takes('"')) return this.#string();
    for (const [name, value] of LITERALS) if (this.#takes(name)) return value;
    return this.#number();
  }

  #nested<T>(body: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) this.#fail(`it nests deeper than ${MAX_DEPTH}`);
    const value = body();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    const found = Object.create(null) as Record<string, Json>;
    this.#space();
    if (this.#takes('}')) return found;
    do {
      this.#space();
      if (!this.#takes('"')) this.#fail('a key was expected');
      const key = this.#string();
      if (key in found) this.#fail('a key stands twice in one object');
      this.#space();
      if (!this.#takes(':')) this.#fail('a colon was expected');
      found[key] = this.#value();
      this.#space();
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail('the object does not end');
    return found;
  }

  #array(): Json[] {
    const found: Json[] = [];
    this.#space();
    if (this.#takes(']')) return found;
    do {
      found.push(this.#value());
      this.#space();
    } while (this.#takes(','));
    if (!this.#takes(']')) this.#fail('the list does not end');
    return found;
  }

  #string(): string {
    let found = '';
    for (let from = this.#at; ; this.#at += 1) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail('the text does not end');
      if (char < ' ') this.#fail('a control character stands in a text');
      if (char !== '"' && char !== '\\') continue;
      found += this.#text.slice(from, this.#at);
      this.#at += 1;
      if (char === '"') break;
      found += this.#escape();
      from = this.#at;
      this.#at -= 1;
    }
    if (!found.isWellFormed()) this.#fail('half a surrogate pair stands in a text');
    return found;
  }

  #escape(): string {
    const char = this.#text[this.#at] ?? '';
    this.#at += 1;
    if (char !== 'u') return Object.hasOwn(ESCAPES, char) ? ESCAPES[char]! : this.#fail('an unknown escape');
    const hex = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail('an unknown escape');
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #number(): number {
    const sign = this.#takes('-') ? -1 : 1;
    const from = this.#at;
    while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    const digits = this.#text.slice(from, this.#at);
    if (digits === '') this.#fail('a value was expected');
    if (digits.length > 1 && digits.startsWith('0')) this.#fail('a number starts with zero');
    if (/[.eE]/.test(this.#text[this.#at] ?? '')) this.#fail('a number is not an integer');
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) this.#fail('a number is too large to be exact');
    return value === 0 ? 0 : sign * value;
  }
}

/**
 * Canonical JSON as TUF 1.0, 4.1 names it: keys in the order of their code points, no white space, in texts only `"` and
 * `\` are escaped. What signatures are made over.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(',')}]`;
  const object = value as JsonObject;
  const keys = Object.keys(object).sort(byCodePoint);
  return `{${keys.map((key) => `${quoted(key)}:${canonicalJson(object[key]!)}`).join(',')}}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The order of UTF-8; the order of UTF-16 has what is above U+FFFF before U+E000. */
function byCodePoint(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}
