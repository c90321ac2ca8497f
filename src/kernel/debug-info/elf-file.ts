import { type FileHandle, open } from 'node:fs/promises';
import { KernelError } from '../error.ts';
import { inflateSection } from './inflate.ts';
import { MAX_SECTION_BYTES, MAX_SECTIONS, unreadable } from './limits.ts';

const ELF_MAGIC = 0x464c457f;
const HEADER_BYTES = 64;
const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800;
const SHN_XINDEX = 0xffff;
const MAX_READ = 1 << 30;
const ARCHITECTURES: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'aarch64' };

export interface SectionHeader {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

interface Header {
  readonly relocatable: boolean;
  readonly arch: string;
  readonly sections: readonly SectionHeader[];
  readonly fileSize: number;
}

/** A 64-bit little-endian ELF file of x86-64 or arm64 whose sections are read one by one: it may be larger than memory. */
export class ElfFile implements AsyncDisposable {
  readonly path: string;
  /** ET_REL: addresses and offsets are not final, relocations must be applied. */
  readonly relocatable: boolean;
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly sections: readonly SectionHeader[];
  readonly #handle: FileHandle;
  /** Bytes that may still be read: each section is read once, and sections do not overlap. */
  #left: number;

  private constructor(handle: FileHandle, path: string, header: Header) {
    this.#handle = handle;
    this.path = path;
    this.relocatable = header.relocatable;
    this.arch = header.arch;
    this.sections = header.sections;
    this.#left = header.fileSize * 2;
  }

  /** Errors: debug-info-unreadable. */
  static async open(path: string): Promise<ElfFile> {
    const handle = await open(path, 'r');
    try {
      return new ElfFile(handle, path, await readHeader(handle, path));
    } catch (error) {
      await handle.close();
      throw error instanceof RangeError ? unreadable('the section table is cut off', path, error) : error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  /** All sections of a name; `.debug_x` also finds `.zdebug_x`. Sections without bytes in the file are left out. */
  named(name: string): SectionHeader[] {
    const legacy = name.startsWith('.debug_') ? `.z${name.slice(1)}` : name;
    return this.sections.filter(
      (section) => (section.name === name || section.name === legacy) && section.type !== SHT_NOBITS,
    );
  }

  /** The bytes of a section, decompressed. Errors: debug-info-unreadable. */
  async read(section: SectionHeader): Promise<Buffer> {
    this.#left -= section.size;
    if (this.#left < 0) throw unreadable('sections overlap', this.path);
    const compressed = (section.flags & SHF_COMPRESSED) !== 0;
    const where = `${this.path} ${section.name}`;
    if (section.size > MAX_SECTION_BYTES) throw unreadable('a section is larger than any kernel has', where);
    if (compressed || section.name.startsWith('.zdebug_'))
      return inflateSection(this.#handle, section, compressed, where);
    return readAt(this.#handle, section.offset, section.size, where);
  }
}

async function readAt(handle: FileHandle, offset: number, size: number, where: string): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(MAX_READ, size - at), offset + at);
    if (bytesRead === 0) throw unreadable('the file is cut off', where);
    at += bytesRead;
  }
  return bytes;
}

async function readHeader(handle: FileHandle, path: string): Promise<Header> {
  const { size: fileSize } = await handle.stat();
  if (fileSize < HEADER_BYTES) throw unreadable('not an ELF file', path);
  const elf = await readAt(handle, 0, HEADER_BYTES, path);
  if (elf.readUInt32LE(0) !== ELF_MAGIC || elf[4] !== 2 || elf[5] !== 1)
    throw unreadable('not a 64-bit little-endian ELF file', path);
  const arch = ARCHITECTURES[elf.readUInt16LE(18)];
  if (arch === undefined)
    throw new KernelError('debug-info-unreadable', 'input', {
      what: `machine ${elf.readUInt16LE(18)} is not one that is read`,
      where: path,
      remedy: 'kernels of x86-64 and arm64 are read',
    });
  const table = Number(elf.readBigUInt64LE(40));
  const first = await tablePart(handle, table, 1, fileSize, path);
  // With 65,280 sections or more the count and the index of the names stand in the first header (elf(5), e_shnum).
  const count = elf.readUInt16LE(60) || Number(first.readBigUInt64LE(32));
  const names = elf.readUInt16LE(62) === SHN_XINDEX ? first.readUInt32LE(40) : elf.readUInt16LE(62);
  if (elf.readUInt16LE(58) !== HEADER_BYTES || count > MAX_SECTIONS || names >= count)
    throw unreadable('the section table is not one of ELF', path);
  const headers = await tablePart(handle, table, count, fileSize, path);
  const raw = Array.from({ length: count }, (_, index) => rawHeader(headers, index));
  for (const { type, offset, size } of raw)
    if (type !== SHT_NOBITS && offset + size > fileSize) throw unreadable('a section lies outside the file', path);
  const text = await readAt(handle, raw[names]!.offset, raw[names]!.size, path);
  const sections = raw.map((header) => ({ ...header, name: textAt(text, header.nameAt) }));
  return { relocatable: elf.readUInt16LE(16) === 1, arch, sections, fileSize };
}

async function tablePart(
  handle: FileHandle,
  table: number,
  count: number,
  fileSize: number,
  path: string,
): Promise<Buffer> {
  if (table < HEADER_BYTES || table + count * HEADER_BYTES > fileSize)
    throw unreadable('the section table is cut off', path);
  return readAt(handle, table, count * HEADER_BYTES, path);
}

function rawHeader(table: Buffer, index: number): Omit<SectionHeader, 'name'> & { nameAt: number } {
  const at = index * HEADER_BYTES;
  return {
    index,
    nameAt: table.readUInt32LE(at),
    type: table.readUInt32LE(at + 4),
    flags: Number(table.readBigUInt64LE(at + 8) & 0xffffffffn),
    address: table.readBigUInt64LE(at + 16),
    offset: Number(table.readBigUInt64LE(at + 24)),
    size: Number(table.readBigUInt64LE(at + 32)),
    link: table.readUInt32LE(at + 40),
    info: table.readUInt32LE(at + 44),
  };
}

function textAt(table: Buffer, at: number): string {
  const end = table.indexOf(0, at);
  return at < table.length && end - at < 256 ? table.toString('latin1', at, end < 0 ? at : end) : '';
}
