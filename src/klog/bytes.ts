/** Letters at a time that one call turns into text: more arguments than the stack holds would throw. */
const STEP = 8192;
const REPLACEMENT = 0xfffd;

/** The text of UTF-8 bytes from `from` up to `to`; each byte that cannot be one becomes U+FFFD. No platform type is needed. */
export function textOf(bytes: Uint8Array, from = 0, to = bytes.length): string {
  for (let i = from; i < to; i += 1) if (bytes[i]! >= 0x80) return decoded(bytes, from, to);
  return fromCodes(bytes.subarray(from, to), String.fromCharCode);
}

function decoded(bytes: Uint8Array, from: number, to: number): string {
  const points: number[] = [];
  for (let i = from; i < to; ) {
    const first = bytes[i]!;
    const size = first < 0x80 ? 1 : sequenceSize(first);
    const point = size === 1 ? first : pointAt(bytes, i, Math.min(to, i + size), size);
    points.push(point ?? REPLACEMENT);
    i += point === null ? 1 : size;
  }
  return fromCodes(points, String.fromCodePoint);
}

/** Bytes of the sequence that this byte begins (RFC 3629 section 3); 0 where none begins with it. */
function sequenceSize(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/** The character there; null where the bytes are not one: cut, overlong, a surrogate or beyond Unicode. */
function pointAt(bytes: Uint8Array, from: number, to: number, size: number): number | null {
  if (size === 0 || to - from < size) return null;
  let point = bytes[from]! & (0x7f >> size);
  for (let i = from + 1; i < to; i += 1) {
    if ((bytes[i]! & 0xc0) !== 0x80) return null;
    point = (point << 6) | (bytes[i]! & 0x3f);
  }
  const least = size === 3 ? 0x800 : 0x10000;
  if (size > 2 && point < least) return null;
  return (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff ? null : point;
}

function fromCodes(codes: Uint8Array | number[], make: (...codes: number[]) => string): string {
  if (codes.length <= STEP) return make(...codes);
  let text = '';
  for (let i = 0; i < codes.length; i += STEP) text += make(...codes.slice(i, i + STEP));
  return text;
}

/** UTF-8 bytes of a text that holds ASCII only. */
export function asciiOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const LINE_FEED = 10;

/** Where the line that holds the byte at `at` begins. */
export function lineStart(bytes: Uint8Array, at: number): number {
  return at === 0 ? 0 : bytes.lastIndexOf(LINE_FEED, at - 1) + 1;
}

/** Where its line feed stands, or the end of the bytes. */
export function lineEnd(bytes: Uint8Array, at: number): number {
  const feed = bytes.indexOf(LINE_FEED, at);
  return feed < 0 ? bytes.length : feed;
}

/** Where the line after the one at `at` begins. */
export function nextLine(bytes: Uint8Array, at: number): number {
  return Math.min(bytes.length, lineEnd(bytes, at) + 1);
}

/** How many lines stand from `from` up to `to`, which both are at the beginning of one. */
export function countLines(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at = nextLine(bytes, at)) count += 1;
  return count;
}
