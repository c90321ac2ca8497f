/** Nothing is imported here: the worker of a profile starts with this file. */

/** What is needed of both kinds: 64 bytes of a header, and a file of 32 bits with one section is longer, too. */
const HEADER_BYTES = 64;
const MAGIC = 0x7f454c46;
const SHN_XINDEX = 0xffff;
/** Section types and flags of elf(5). */
export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHF_ALLOC = 2;
/** The file is hostile input. A vmlinux.o with a section a function has some 100,000. */
const MAX_SECTIONS = 200_000;
const MAX_NAMES_BYTES = 32 << 20;
/** No symbol of a kernel is longer than 511 (KSYM_NAME_LEN). */
const MAX_NAME_BYTES = 1_024;

/** Elf64_Ehdr, Elf64_Shdr and Elf32_Ehdr, Elf32_Shdr of elf(5): where each field stands. */
const WIDE = { header: 64, table: 40, numbers: 58, entry: 64, flags: 8, address: 16, offset: 24, size: 32, link: 40 };
const NARROW = { header: 52, table: 32, numbers: 46, entry: 40, flags: 8, address: 12, offset: 16, size: 20, link: 24 };

/** What is read is no ELF file, or it is damaged; the message says which, without saying where. */
export class ElfError extends RangeError {}

/** The bytes of a file. */
export interface ElfBytes {
  readonly size: number;
  /** Exactly `size` bytes; only asked for what lies inside the file. Errors: ElfError, when the file became shorter. */
  read(offset: number, size: number): Buffer;
}

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  /** Bytes. */
  readonly offset: number;
  readonly size: number;
  /** Index of another section; which one, depends on the type. */
  readonly link: number;
  readonly info: number;
}

/**
 * Header and section table of an ELF file, elf(5), of 32 or 64 bits and either byte order. Nothing is read outside the file,
 * nor anything but the header, the table, the names and what `content` is asked for. Errors of all members: ElfError.
 */
export class ElfTable {
  readonly wide: boolean;
  readonly little: boolean;
  /** e_type: 1 is relocatable. */
  readonly type: number;
  /** e_machine. */
  readonly machine: number;
  /** Sections, the first empty one with them. */
  readonly count: number;
  readonly #file: ElfBytes;
  readonly #fields: typeof WIDE;
  readonly #headers: DataView;
  readonly #namesAt: number;
  #names: Buffer | undefined;

  constructor(file: ElfBytes) {
    this.#file = file;
    if (file.size < HEADER_BYTES) throw new ElfError('not an ELF file');
    const head = view(file.read(0, HEADER_BYTES));
    const [bits, order] = [head.getUint8(4), head.getUint8(5)];
    if (head.getUint32(0) !== MAGIC || bits < 1 || bits > 2 || order < 1 || order > 2)
      throw new ElfError('not an ELF file');
    this.wide = bits === 2;
    this.little = order === 1;
    this.#fields = this.wide ? WIDE : NARROW;
    this.type = head.getUint16(16, this.little);
    this.machine = head.getUint16(18, this.little);
    const { table, numbers, entry } = this.#fields;
    const offset = this.#long(head, table);
    if (head.getUint16(numbers, this.little) !== entry) throw new ElfError('the section table is not one of ELF');
    let [count, names] = [head.getUint16(numbers + 2, this.little), head.getUint16(numbers + 4, this.little)];
    // With 65,280 sections or more both numbers stand in the first header (elf(5), e_shnum and e_shstrndx).
    if (count === 0 || names === SHN_XINDEX) {
      this.#headers = this.#part(offset, 1);
      if (count === 0) count = this.sizeOf(0);
      if (names === SHN_XINDEX) names = this.linkOf(0);
    }
    if (count > MAX_SECTIONS || names >= count) throw new ElfError('the section table is not one of ELF');
    this.count = count;
    this.#namesAt = names;
    this.#headers = this.#part(offset, count);
  }

  /** All names of sections as they stand in the file, each with a zero at its end. */
  get names(): Buffer {
    if (this.#names !== undefined) return this.#names;
    if (this.sizeOf(this.#namesAt) > MAX_NAMES_BYTES) throw new ElfError('the section names are too long');
    this.#names = this.#namesAt === 0 ? Buffer.alloc(1) : this.content(this.#namesAt);
    return this.#names;
  }

  nameOf(section: number): string {
    return new ElfNames(this.names).at(this.#int(section, 0));
  }

  typeOf(section: number): number {
    return this.#int(section, 4);
  }

  /** The low half, where all flags stand that have a name. */
  flagsOf(section: number): number {
    return this.#int(section, this.#fields.flags + (this.wide && !this.little ? 4 : 0));
  }

  offsetOf(section: number): number {
    return this.#long(this.#headers, section * this.#fields.entry + this.#fields.offset);
  }

  sizeOf(section: number): number {
    return this.#long(this.#headers, section * this.#fields.entry + this.#fields.size);
  }

  linkOf(section: number): number {
    return this.#int(section, this.#fields.link);
  }

  /** The bytes of a section as they stand in the file; none where it has none there. */
  content(section: number): Buffer {
    if (section >= this.count) throw new ElfError('there is no such section');
    if (this.typeOf(section) === SHT_NOBITS) return Buffer.alloc(0);
    return this.read(this.offsetOf(section), this.sizeOf(section));
  }

  /** Bytes of the file. */
  read(offset: number, size: number): Buffer {
    if (offset + size > this.#file.size) throw new ElfError('a section lies outside the file');
    return this.#file.read(offset, size);
  }

  /** All sections; each that has bytes in the file lies inside it. */
  sections(): ElfSection[] {
    const { entry, flags, address, link } = this.#fields;
    const names = new ElfNames(this.names);
    return Array.from({ length: this.count }, (_, index) => {
      const at = index * entry;
      const [type, offset, size] = [this.typeOf(index), this.offsetOf(index), this.sizeOf(index)];
      if (type !== SHT_NOBITS && offset + size > this.#file.size) throw new ElfError('a section lies outside the file');
      return {
        index,
        name: names.at(this.#int(index, 0)),
        type,
        flags: this.#exact(at + flags),
        address: this.#exact(at + address),
        offset,
        size,
        link: this.linkOf(index),
        info: this.#int(index, link + 4),
      };
    });
  }

  #part(offset: number, count: number): DataView {
    const { header, entry } = this.#fields;
    if (offset < header || offset + count * entry > this.#file.size) throw new ElfError('the section table is cut off');
    return view(this.#file.read(offset, count * entry));
  }

  #int(section: number, field: number): number {
    return this.#headers.getUint32(section * this.#fields.entry + field, this.little);
  }

  /** Rounded above 2^53, where no file ends. */
  #long(bytes: DataView, at: number): number {
    if (!this.wide) return bytes.getUint32(at, this.little);
    const [low, high] = this.little ? [at, at + 4] : [at + 4, at];
    return bytes.getUint32(high, this.little) * 2 ** 32 + bytes.getUint32(low, this.little);
  }

  #exact(at: number): bigint {
    return this.wide ? this.#headers.getBigUint64(at, this.little) : BigInt(this.#headers.getUint32(at, this.little));
  }
}

/** Names in a table of them, each up to a zero. Many may share their bytes, so that their sum is bounded. Errors: ElfError. */
export class ElfNames {
  readonly #bytes: Buffer;
  #left = MAX_NAMES_BYTES;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  at(start: number): string {
    const limit = Math.min(this.#bytes.length, start + MAX_NAME_BYTES);
    let end = start;
    while (end < limit && this.#bytes[end] !== 0) end += 1;
    if (end >= limit) throw new ElfError('a name has no end');
    this.#left -= end - start;
    if (this.#left < 0) throw new ElfError('the names are too long');
    return this.#bytes.toString('latin1', start, end);
  }
}

/** The table of a file of x86-64 or arm64. Errors: ElfError, also for an ELF file of 32 bits or the other byte order. */
export function readElf64(file: ElfBytes): ElfTable {
  const table = new ElfTable(file);
  if (!table.wide || !table.little) throw new ElfError('not a 64-bit little-endian ELF file');
  return table;
}

/** A file that is in memory as a whole. */
export function bytesOf(elf: Buffer): ElfBytes {
  return { size: elf.length, read: (offset, size) => elf.subarray(offset, offset + size) };
}

function view(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
