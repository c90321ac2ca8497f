import { type FileHandle, open } from 'node:fs/promises';
import { openedBytes } from '../elf-bytes.ts';
import { bytesOf, ElfError, type ElfSection, type ElfTable, readElf64, SHT_NOBITS } from '../elf-table.ts';
import { KernelError } from '../error.ts';
import { type ByteSource, inMemory } from './byte-source.ts';
import { inflateSection } from './inflate.ts';
import { MAX_SECTION_BYTES, unreadable } from './limits.ts';

const ET_REL = 1;
const SHF_COMPRESSED = 0x800n;
const MAX_READ = 1 << 30;
const ARCHITECTURES: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'aarch64' };

/** A 64-bit little-endian ELF file of x86-64 or arm64 whose sections are read one by one: it may be larger than memory. */
export class ElfFile implements AsyncDisposable {
  readonly path: string;
  /** ET_REL: addresses and offsets are not final, relocations must be applied. */
  readonly relocatable: boolean;
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly sections: readonly ElfSection[];
  readonly #handle: ByteSource;
  /** Bytes that may still be read: each section is read once, and sections do not overlap. */
  #left: number;

  private constructor(handle: ByteSource, path: string, { table, fileSize }: { table: ElfTable; fileSize: number }) {
    this.#handle = handle;
    this.path = path;
    this.relocatable = table.type === ET_REL;
    this.arch = archOf(table, path);
    this.sections = table.sections();
    this.#left = fileSize * 2;
  }

  /** Errors: debug-info-unreadable. */
  static async open(path: string): Promise<ElfFile> {
    const handle = await open(path, 'r');
    try {
      return new ElfFile(handle, path, await readTable(handle));
    } catch (error) {
      await handle.close();
      throw error instanceof ElfError ? unreadable(error.message, path, error) : error;
    }
  }

  /** A file that is in memory as a whole; `path` is what errors name. Errors: debug-info-unreadable. */
  static of(bytes: Buffer, path: string): ElfFile {
    try {
      return new ElfFile(inMemory(bytes), path, { table: readElf64(bytesOf(bytes)), fileSize: bytes.length });
    } catch (error) {
      throw error instanceof ElfError ? unreadable(error.message, path, error) : error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  /** All sections of a name; `.debug_x` also finds `.zdebug_x`. Sections without bytes in the file are left out. */
  named(name: string): ElfSection[] {
    const legacy = name.startsWith('.debug_') ? `.z${name.slice(1)}` : name;
    return this.sections.filter(
      (section) => (section.name === name || section.name === legacy) && section.type !== SHT_NOBITS,
    );
  }

  /** The bytes of a section, decompressed. Errors: debug-info-unreadable. */
  async read(section: ElfSection): Promise<Buffer> {
    this.#left -= section.size;
    if (this.#left < 0) throw unreadable('sections overlap', this.path);
    const compressed = (section.flags & SHF_COMPRESSED) !== 0n;
    const where = `${this.path} ${section.name}`;
    if (section.size > MAX_SECTION_BYTES) throw unreadable('a section is larger than any kernel has', where);
    if (compressed || section.name.startsWith('.zdebug_'))
      return inflateSection(this.#handle, section, compressed, where);
    return readAt(this.#handle, section.offset, section.size, where);
  }
}

async function readAt(handle: ByteSource, offset: number, size: number, where: string): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(MAX_READ, size - at), offset + at);
    if (bytesRead === 0) throw unreadable('the file is cut off', where);
    at += bytesRead;
  }
  return bytes;
}

/** The headers are small, and read at once. */
async function readTable(handle: FileHandle): Promise<{ table: ElfTable; fileSize: number }> {
  const { size: fileSize } = await handle.stat();
  return { table: readElf64(openedBytes(handle.fd, fileSize)), fileSize };
}

function archOf({ machine }: ElfTable, path: string): string {
  const arch = ARCHITECTURES[machine];
  if (arch !== undefined) return arch;
  throw new KernelError('debug-info-unreadable', 'input', {
    what: `machine ${machine} is not one that is read`,
    where: path,
    remedy: 'kernels of x86-64 and arm64 are read',
  });
}
