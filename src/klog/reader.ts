import { countLines, lineEnd, lineStart, textOf } from './bytes.ts';
import { cleaned } from './clean.ts';
import { Heads } from './heads.ts';
import type { LogLine, Transport } from './line.ts';
import { LiteralScanner, PlaceFinder } from './scan.ts';
import { BEFORE, type Block, LINE_BYTES, LineSplitter } from './split.ts';
import { Stamps } from './stamps.ts';
import type { Decoded, EntryJoiner, LineDecoder } from './transports/decoded.ts';
import { decoderOf } from './transports/detect.ts';
import { Opening } from './transports/opening.ts';

/** Where a text is hidden from the search: as bytes, one number each, in a journal entry in JSON; cut by a fragment's end. */
const HIDDEN = ['"MESSAGE":[', '"MESSAGE": [', '"MESSAGE" : [', ',ncfrag='];

export interface ReaderOptions {
  /**
   * Texts that a report may begin with, anywhere in its first line: two or more ASCII letters, without quotes, backslashes
   * and slashes, which some transports escape. `null`: every line is wanted.
   */
  readonly starts: readonly string[] | null;
  /** Given, or told from the first 64 lines, which are held back so long (see `flush`). */
  readonly transport?: Transport;
  /** Takes a line. True: the next line is wanted, whatever it says; false: nothing before the next candidate. */
  readonly onLine: (line: LogLine) => boolean;
}

/** A line that was passed over. */
interface Passed {
  readonly bytes: Uint8Array;
  readonly number: number;
}

/**
 * Bytes of a kernel log to the lines that matter. A line that holds none of `starts` is never made a text, but for the two
 * before a candidate and those that `onLine` asks for; lines come in order (of a pstore dump: in the order they were
 * printed). What comes does not depend on how the bytes were cut into chunks. Nothing throws on any bytes; memory is one
 * chunk, the lines held back, and one line of at most `LINE_BYTES`.
 *
 *     const reader = new LineReader({ starts, onLine: (line) => gatherers.of(line).add(line) });
 *     for await (const chunk of file) reader.push(chunk);
 *     reader.end();
 */
export class LineReader {
  readonly #options: ReaderOptions;
  readonly #splitter: LineSplitter;
  readonly #opening: Opening;
  readonly #places: PlaceFinder | null;
  readonly #start: RegExp;
  #decoder: LineDecoder | undefined;
  #heads = new Heads(undefined);
  #stamps: Stamps | null = null;
  #joiner: EntryJoiner | null = null;
  #passed: Passed[] = [];
  #pending: { decoded: Decoded; number: number } | null = null;
  #wanting = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const starts = options.starts ?? [];
    this.#places = options.starts === null ? null : new PlaceFinder(new LiteralScanner([...starts, ...HIDDEN]));
    this.#start = new RegExp(starts.map((start) => start.replace(/[.*+?^${}()|[\]]/g, '\\$&')).join('|'));
    this.#opening = new Opening(
      options.transport,
      (decoder) => this.#decide(decoder),
      (block) => this.#read(block),
    );
    const known = decoderOf(options.transport);
    if (known !== undefined) this.#decide(known);
    this.#splitter = new LineSplitter((block) => this.#opening.push(block));
  }

  /** Lines so far of which only the first 64 KiB were read. */
  get cut(): number {
    return this.#splitter.cut;
  }

  /** Why lines of this transport are not believed, in words; empty while it is not told. */
  get distrust(): string {
    return this.#decoder?.distrust ?? '';
  }

  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
  }

  /**
   * A live stream pauses: whole lines that are held back are read now, and the transport is told from them. An entry of
   * several lines is read once its end is there: of `journal-verbose` only with the next one.
   */
  flush(): void {
    this.#opening.flush();
    this.#release();
  }

  end(): void {
    this.#splitter.end();
    this.#opening.end();
    this.#joined(this.#joiner?.end());
    this.#release();
  }

  #decide(decoder: LineDecoder): void {
    this.#decoder = decoder;
    this.#heads = new Heads(decoder);
    this.#stamps = Stamps.of(decoder);
    this.#joiner = decoder.joiner?.((message) => this.#mayMatter(message)) ?? null;
  }

  #read(block: Block): void {
    if (this.#joiner !== null) return this.#joined(this.#joiner.push(block));
    for (const piece of this.#stamps?.windows(block) ?? [block]) this.#scan(piece);
  }

  #mayMatter(text: Uint8Array): boolean {
    if (this.#wanting || this.#places === null) return true;
    this.#places.take(text);
    return this.#places.next(0) >= 0;
  }

  /** Entries of several lines, each put into one. */
  #joined(blocks: Iterable<Block> = []): void {
    for (const block of blocks) this.#scan(block);
  }

  #scan({ bytes, line, count }: Block): void {
    const heads = this.#heads;
    heads.take(bytes);
    this.#places?.take(bytes);
    let number = line;
    let at = 0;
    while (at < bytes.length) {
      const start = this.#next(bytes, at);
      number += this.#pass(bytes, at, start, number, start === bytes.length ? count - (number - line) : undefined);
      if (start === bytes.length) break;
      const end = lineEnd(bytes, start);
      this.#line(bytes.subarray(start, end), start, number);
      number += 1;
      at = end + 1;
    }
    heads.leave();
  }

  /** Where the next line begins that must be looked at. */
  #next(bytes: Uint8Array, from: number): number {
    if (this.#wanting || this.#pending !== null || this.#places === null) return from;
    const place = this.#places.next(from);
    return place < 0 ? bytes.length : Math.max(from, lineStart(bytes, place));
  }

  /** Passes over whole lines; the last of them are kept for the candidate that may follow. Returns how many. */
  #pass(bytes: Uint8Array, from: number, to: number, number: number, known?: number): number {
    if (from === to) return 0;
    const count = known ?? countLines(bytes, from, to);
    const passed: Passed[] = [];
    for (let i = 1, end = to; i <= Math.min(BEFORE, count); i += 1) {
      const start = lineStart(bytes, end - 1);
      passed.unshift({ bytes: bytes.slice(start, lineEnd(bytes, start)), number: number + count - i });
      end = start;
    }
    this.#passed = [...this.#passed, ...passed].slice(-BEFORE);
    return count;
  }

  #line(bytes: Uint8Array, at: number, number: number): void {
    const decoded = this.#decode(bytes, at);
    if (decoded === undefined) return;
    const { part, text } = decoded;
    if (this.#pending !== null) {
      const before = this.#pending.decoded;
      if (part !== null && !part.first && part.of === before.part?.of) {
        this.#pending = { ...this.#pending, decoded: { ...before, text: before.text + text, part } };
        if (part.last || this.#pending.decoded.text.length > LINE_BYTES) this.#release();
        return;
      }
      this.#release();
    }
    if (part !== null && !part.last) {
      this.#pending = { decoded, number };
      return;
    }
    if (!this.#isWanted(text)) {
      this.#passed = [...this.#passed, { bytes: bytes.slice(), number }].slice(-BEFORE);
      return;
    }
    this.#before();
    this.#deliver(decoded, number);
  }

  #isWanted(text: string): boolean {
    return this.#wanting || this.#places === null || this.#start.test(text);
  }

  #decode(bytes: Uint8Array, at: number): Decoded | undefined {
    const line = cleaned(textOf(bytes, 0, Math.min(bytes.length, LINE_BYTES)));
    const decoded = this.#decoder?.decode(line);
    return decoded === undefined ? undefined : this.#heads.resolve(line, decoded, at);
  }

  /** Delivers the lines before a candidate. */
  #before(): void {
    const passed = this.#passed;
    this.#passed = [];
    for (const { bytes, number } of passed) {
      const decoded = this.#decoder?.decode(cleaned(textOf(bytes)));
      if (decoded !== undefined) this.#deliver(decoded, number);
    }
  }

  #release(): void {
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null) return;
    const { decoded, number } = pending;
    const text = this.#decoder?.whole?.(decoded.text) ?? decoded.text;
    if (!this.#isWanted(text)) return;
    this.#before();
    this.#deliver({ ...decoded, text }, number);
  }

  /** A record of several lines is several lines of one number. */
  #deliver({ text, time, level, caller, fromKernel, rest }: Decoded, number: number): void {
    if (!text.includes('\n')) {
      this.#wanting = this.#options.onLine({ number, text, time, level, caller, fromKernel, rest });
      return;
    }
    const lines = text.split('\n');
    if (lines.length > 1 && lines.at(-1) === '') lines.pop();
    let said = rest;
    for (const line of lines) {
      this.#wanting = this.#options.onLine({ number, text: line, time, level, caller, fromKernel, rest: said });
      said ||= line !== '';
    }
  }
}
