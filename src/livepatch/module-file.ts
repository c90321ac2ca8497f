import { bytesOf, ElfError, readElf64 } from '#kernel';
import { LivepatchError } from './error.ts';

type ElfTable = ReturnType<typeof readElf64>;

const SHT_SYMTAB = 2;
const SHT_RELA = 4;
const SYMBOL_BYTES = 24;
const RELA_BYTES = 24;
const MAX_SYMBOLS = 1 << 20;
const MAX_RELOCATIONS = 1 << 20;
/** SHN_LIVEPATCH (include/uapi/linux/elf.h): the livepatch core resolves the symbol, not the module loader. */
export const SHN_LIVEPATCH = 0xff20;
export const SHN_UNDEF = 0;
/** SHF_RELA_LIVEPATCH of the same. */
export const SHF_RELA_LIVEPATCH = 0x00100000n;

export interface ModuleSymbol {
  readonly index: number;
  readonly name: string;
  /** STT_NOTYPE 0, STT_OBJECT 1, STT_FUNC 2, STT_SECTION 3, STT_FILE 4. */
  readonly type: number;
  readonly isWeak: boolean;
  readonly section: number;
  readonly size: number;
}

export interface ModuleSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly size: number;
  readonly info: number;
}

export interface ModuleRelocations {
  readonly section: ModuleSection;
  /** Index of the symbol of each relocation that does something: type 0 is R_*_NONE. */
  readonly symbols: readonly number[];
}

/** What the checks need of a module: sections, symbols, and which symbols each relocation section uses. */
export interface ModuleFile {
  readonly sections: readonly ModuleSection[];
  readonly symbols: readonly ModuleSymbol[];
  readonly relocations: readonly ModuleRelocations[];
  content(section: ModuleSection): Buffer;
}

/** Reads a relocatable file of x86-64 or arm64, elf(5). Errors: module-unreadable. */
export function readModule(elf: Buffer, where: string): ModuleFile {
  try {
    const table = readElf64(bytesOf(elf));
    const sections = table.sections();
    const symtab = sections.find(({ type }) => type === SHT_SYMTAB);
    const symbols = symtab === undefined ? [] : symbolsOf(table, symtab.index, symtab.link);
    const relocations = sections
      .filter(({ type }) => type === SHT_RELA)
      .map((section) => ({ section, symbols: usedIn(table.content(section.index)) }));
    return { sections, symbols, relocations, content: ({ index }) => table.content(index) };
  } catch (cause) {
    if (!(cause instanceof ElfError)) throw cause;
    throw new LivepatchError('module-unreadable', 'us', { what: cause.message, where, cause });
  }
}

function symbolsOf(table: ElfTable, section: number, names: number): ModuleSymbol[] {
  const bytes = table.content(section);
  const strings = table.content(names);
  const count = Math.floor(bytes.length / SYMBOL_BYTES);
  if (count > MAX_SYMBOLS) throw new ElfError('the symbol table is too long');
  return Array.from({ length: count }, (_, index) => {
    const at = index * SYMBOL_BYTES;
    return {
      index,
      name: nameAt(strings, bytes.readUInt32LE(at)),
      type: bytes[at + 4]! & 0xf,
      isWeak: bytes[at + 4]! >> 4 === 2,
      section: bytes.readUInt16LE(at + 6),
      size: Number(bytes.readBigUInt64LE(at + 16)),
    };
  });
}

function nameAt(strings: Buffer, start: number): string {
  if (start >= strings.length) throw new ElfError('the name of a symbol lies outside');
  const end = strings.indexOf(0, start);
  return strings.toString('latin1', start, end < 0 ? strings.length : Math.min(end, start + 1_024));
}

function usedIn(bytes: Buffer): number[] {
  const count = Math.floor(bytes.length / RELA_BYTES);
  if (count > MAX_RELOCATIONS) throw new ElfError('a relocation section is too long');
  const at = Array.from({ length: count }, (_, i) => i * RELA_BYTES);
  return at.filter((start) => bytes.readUInt32LE(start + 8) !== 0).map((start) => bytes.readUInt32LE(start + 12));
}
