import { readSync } from 'node:fs';

const HEADER_BYTES = 64;
const MAX_SECTIONS = 200_000;
const MAX_TABLE_BYTES = 128 << 20;
const SHT_SYMTAB = 2;
const SHF_ALLOC = 2;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const SHN_UNDEF = 0;

/** What is looked at of one section header of elf(5). */
export interface SectionHeader {
  readonly name: string;
  /** The low half: write, alloc, exec and strings stand there. */
  readonly flags: number;
  readonly size: number;
}

interface Place {
  readonly offset: number;
  readonly size: number;
}

/** Reads headers and symbols of an ELF file by place, never its sections: objects carry debug information. */
export class ElfFile {
  readonly #file: number;
  readonly #wide: boolean;
  readonly #little: boolean;
  readonly #headers: DataView;
  readonly #headerBytes: number;
  readonly #count: number;
  readonly #names: Buffer;

  /** `file` is an open descriptor. Errors: RangeError, for what is no ELF file or is damaged. */
  constructor(file: number) {
    this.#file = file;
    const head = view(readAt(file, { offset: 0, size: HEADER_BYTES }));
    if (head.getUint32(0) !== 0x7f454c46) throw new RangeError('no ELF file');
    this.#wide = head.getUint8(4) === 2;
    this.#little = head.getUint8(5) === 1;
    const offset = this.#wide ? this.#long(head, 40) : head.getUint32(32, this.#little);
    const numbers = this.#wide ? 58 : 46;
    this.#headerBytes = head.getUint16(numbers, this.#little);
    if (this.#headerBytes < (this.#wide ? 64 : 40)) throw new RangeError('no section headers');
    // With 65,280 sections or more both numbers stand in the first header (elf(5), e_shnum and e_shstrndx).
    let [count, names] = [head.getUint16(numbers + 2, this.#little), head.getUint16(numbers + 4, this.#little)];
    if (count === 0 || names === 0xffff) {
      this.#headers = view(readAt(file, { offset, size: this.#headerBytes }));
      if (count === 0) count = this.#placeOf(0).size;
      if (names === 0xffff) names = this.#linkOf(0);
    }
    if (count > MAX_SECTIONS || names >= count) throw new RangeError('no section names');
    this.#count = count;
    this.#headers = view(readAt(file, { offset, size: count * this.#headerBytes }));
    this.#names = readAt(file, this.#placeOf(names));
  }

  /** Some section has a name that starts so. */
  mentions(name: string): boolean {
    return this.#names.includes(name, 0, 'latin1');
  }

  /** The sections that are loaded and not empty. */
  loaded(): SectionHeader[] {
    const found: SectionHeader[] = [];
    for (let i = 0; i < this.#count; i += 1) {
      const at = i * this.#headerBytes;
      const flags = this.#headers.getUint32(at + (this.#wide && !this.#little ? 12 : 8), this.#little);
      const { size } = this.#placeOf(i);
      if ((flags & SHF_ALLOC) === 0 || size === 0) continue;
      found.push({ name: textAt(this.#names, this.#headers.getUint32(at, this.#little)), flags, size });
    }
    return found;
  }

  /** Names of the functions that are defined here, as the symbol table has them; undefined without a symbol table. */
  functionNames(): string[] | undefined {
    let table = 0;
    while (table < this.#count && this.#headers.getUint32(table * this.#headerBytes + 4, this.#little) !== SHT_SYMTAB)
      table += 1;
    if (table === this.#count || this.#linkOf(table) >= this.#count) return undefined;
    const symbols = view(readAt(this.#file, this.#placeOf(table)));
    const strings = readAt(this.#file, this.#placeOf(this.#linkOf(table)));
    const [bytes, infoAt, sectionAt] = this.#wide ? [24, 4, 6] : [16, 12, 14];
    const names: string[] = [];
    for (let at = 0; at + bytes <= symbols.byteLength; at += bytes) {
      const type = symbols.getUint8(at + infoAt) & 15;
      if (type !== STT_FUNC && type !== STT_GNU_IFUNC) continue;
      if (symbols.getUint16(at + sectionAt, this.#little) === SHN_UNDEF) continue;
      names.push(textAt(strings, symbols.getUint32(at, this.#little)));
    }
    return names;
  }

  #placeOf(section: number): Place {
    const at = section * this.#headerBytes;
    return this.#wide
      ? { offset: this.#long(this.#headers, at + 24), size: this.#long(this.#headers, at + 32) }
      : {
          offset: this.#headers.getUint32(at + 16, this.#little),
          size: this.#headers.getUint32(at + 20, this.#little),
        };
  }

  #linkOf(section: number): number {
    return this.#headers.getUint32(section * this.#headerBytes + (this.#wide ? 40 : 24), this.#little);
  }

  #long(bytes: DataView, at: number): number {
    const [low, high] = this.#little ? [at, at + 4] : [at + 4, at];
    return bytes.getUint32(high, this.#little) * 2 ** 32 + bytes.getUint32(low, this.#little);
  }
}

function view(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function readAt(file: number, { offset, size }: Place): Buffer {
  if (size > MAX_TABLE_BYTES || !Number.isSafeInteger(offset + size)) throw new RangeError('a table is too large');
  const bytes = Buffer.allocUnsafe(size);
  if (size > 0 && readSync(file, bytes, 0, size, offset) !== size) throw new RangeError('the file is cut off');
  return bytes;
}

function textAt(strings: Buffer, at: number): string {
  const end = strings.indexOf(0, at);
  return strings.toString('latin1', at, end < 0 ? strings.length : end);
}
