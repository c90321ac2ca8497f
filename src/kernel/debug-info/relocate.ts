import { type ElfSection, SHF_ALLOC, SHT_RELA, SHT_SYMTAB } from '../elf-table.ts';
import type { ElfFile } from './elf-file.ts';
import { unreadable } from './limits.ts';

const ALLOC = BigInt(SHF_ALLOC);
const STT_FUNC = 2;
const RELA_BYTES = 24;
const SYMBOL_BYTES = 24;
/** Above are no sections but special values (elf(5), SHN_LORESERVE). */
const MAX_SECTION_INDEX = 0xff00;
const MAX_NAME_BYTES = 1_024;
/** Types that put symbol + addend into 4 or 8 bytes (psABI of x86-64, table 4.9; ELF for the Arm 64-bit architecture, 5.7.5). */
const WORD_BYTES: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  x86_64: { 1: 8, 10: 4, 11: 4 },
  aarch64: { 257: 8, 258: 4 },
};

export interface FunctionSymbol {
  readonly name: string;
  readonly address: bigint;
}

export interface Symbols {
  readonly values: Float64Array;
  /** Index of the section each symbol lies in. */
  readonly sections: Uint16Array;
  readonly functions: readonly FunctionSymbol[];
}

/**
 * Where a byte of code lies: in a linked file its address; in a relocatable one, whose sections all begin at zero, the index
 * of its section in the upper and its offset there in the lower half.
 */
export function codeAddress(elf: ElfFile, section: number, value: bigint): bigint {
  return elf.relocatable ? (BigInt(section) << 32n) | (value & 0xffffffffn) : value;
}

/** Undefined: the file has no symbol table. */
export async function readSymbols(elf: ElfFile): Promise<Symbols | undefined> {
  const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  const names = table === undefined ? undefined : elf.sections[table.link];
  if (table === undefined || names === undefined) return undefined;
  const [bytes, texts] = [await elf.read(table), await elf.read(names)];
  const count = Math.floor(bytes.length / SYMBOL_BYTES);
  const [values, sections] = [new Float64Array(count), new Uint16Array(count)];
  const functions: FunctionSymbol[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = i * SYMBOL_BYTES;
    const section = bytes.readUInt16LE(at + 6);
    values[i] = bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * 2 ** 32;
    sections[i] = section;
    if ((bytes[at + 4]! & 15) !== STT_FUNC || section === 0 || section >= MAX_SECTION_INDEX) continue;
    const name = symbolName(texts, bytes.readUInt32LE(at));
    functions.push({ name, address: codeAddress(elf, section, bytes.readBigUInt64LE(at + 8)) });
  }
  return { values, sections, functions };
}

function symbolName(texts: Buffer, at: number): string {
  const end = texts.subarray(at, at + MAX_NAME_BYTES).indexOf(0);
  return texts.toString('latin1', at, at + Math.max(0, end));
}

/**
 * Applies the relocations of a section of a relocatable file to its bytes, an address of code in the form of `codeAddress`.
 * A linked file needs none, also one that kept them (`--emit-relocs`). Errors: debug-info-unreadable, for a type that is not
 * known to stand in debug information.
 */
export async function relocate(
  elf: ElfFile,
  symbols: Symbols | undefined,
  section: ElfSection,
  bytes: Buffer,
): Promise<void> {
  if (!elf.relocatable) return;
  const words = WORD_BYTES[elf.arch]!;
  const loaded = new Set(elf.sections.filter(({ flags }) => (flags & ALLOC) !== 0n).map(({ index }) => index));
  for (const list of elf.sections) {
    if (list.type !== SHT_RELA || list.info !== section.index) continue;
    const entries = await elf.read(list);
    for (let at = 0; at + RELA_BYTES <= entries.length; at += RELA_BYTES) {
      const type = entries.readUInt32LE(at + 8);
      if (type === 0) continue;
      const place = entries.readUInt32LE(at);
      const symbol = entries.readUInt32LE(at + 12);
      const size = words[type];
      if (symbols === undefined || size === undefined || place + size > bytes.length || symbol >= symbols.values.length)
        throw unreadable(`a relocation of type ${type} at ${place} cannot be applied`, `${elf.path} ${section.name}`);
      const value = symbols.values[symbol]! + entries.readInt32LE(at + 16);
      bytes.writeUInt32LE(value >>> 0, place);
      if (size !== 8) continue;
      const home = symbols.sections[symbol]!;
      bytes.writeUInt32LE(loaded.has(home) ? home : Math.floor(value / 2 ** 32) >>> 0, place + 4);
    }
  }
}
