import { MAX_STRING_BYTES, unreadable } from './limits.ts';

/** Reads little-endian values from `at` on, and nothing outside the bytes. Errors: debug-info-unreadable. */
export class Reader {
  readonly bytes: Buffer;
  readonly where: string;
  /** First offset that may not be read. */
  readonly end: number;
  at: number;

  constructor(bytes: Buffer, where: string, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.where = where;
    this.at = at;
    this.end = Math.min(end, bytes.length);
    if (!(at >= 0 && at <= this.end)) throw this.#cutOff();
  }

  #cutOff(): Error {
    return unreadable(`the debug information ends within an entry, at ${this.at}`, this.where);
  }

  skip(count: number): void {
    if (!(count >= 0 && count <= this.end - this.at)) throw this.#cutOff();
    this.at += count;
  }

  u8(): number {
    if (this.at >= this.end) throw this.#cutOff();
    const value = this.bytes[this.at]!;
    this.at += 1;
    return value;
  }

  u16(): number {
    const at = this.at;
    this.skip(2);
    return this.bytes.readUInt16LE(at);
  }

  u24(): number {
    const at = this.at;
    this.skip(3);
    return this.bytes.readUIntLE(at, 3);
  }

  u32(): number {
    const at = this.at;
    this.skip(4);
    return this.bytes.readUInt32LE(at);
  }

  /** A number that is too large to be exact is no offset of any file: it is read as infinity, which no bound lets pass. */
  u64(): number {
    const low = this.u32();
    const value = this.u32() * 2 ** 32 + low;
    return Number.isSafeInteger(value) ? value : Infinity;
  }

  /** An offset or length of the unit's format: 4 bytes in 32-bit DWARF, 8 in 64-bit DWARF (DWARF 5, 7.4). */
  offset(bytes: number): number {
    return bytes === 8 ? this.u64() : this.u32();
  }

  /** Unsigned LEB128 (DWARF 5, 7.6); too large to be exact: infinity. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return Number.isSafeInteger(value) ? value : Infinity;
      scale *= 128;
    }
  }

  /** Signed LEB128 (DWARF 5, 7.6); too large to be exact: infinity. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      if ((byte & 64) !== 0) value -= scale;
      return Number.isSafeInteger(value) ? value : Infinity;
    }
  }

  skipLeb(): void {
    while (this.u8() >= 128);
  }

  string(): string {
    const start = this.at;
    this.skipString();
    return this.bytes.toString('utf8', start, this.at - 1);
  }

  skipString(): void {
    const limit = Math.min(this.end, this.at + MAX_STRING_BYTES);
    let at = this.at;
    while (at < limit && this.bytes[at] !== 0) at += 1;
    if (at >= limit) throw unreadable(`a text has no end, at ${this.at}`, this.where);
    this.at = at + 1;
  }

  /** A unit's length and the size of its offsets (DWARF 5, 7.4): 0xffffffff says that 8 bytes of length follow. */
  initialLength(): { length: number; offsetBytes: number } {
    const first = this.u32();
    if (first < 0xfffffff0) return { length: first, offsetBytes: 4 };
    if (first !== 0xffffffff) throw unreadable(`the length ${first} of a unit is reserved`, this.where);
    return { length: this.u64(), offsetBytes: 8 };
  }
}
