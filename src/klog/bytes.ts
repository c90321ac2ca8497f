/** Of the Encoding standard: every runtime has it, only the types of ECMAScript do not. */
declare const TextDecoder: new (
  label: string,
  options: { readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
const LINE_FEED = 10;

/** The text of UTF-8 bytes from `from` up to `to`; what cannot be UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return UTF8.decode(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
}

/** UTF-8 bytes of any text. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** UTF-8 bytes of a text that holds ASCII only. */
export function asciiOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

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
