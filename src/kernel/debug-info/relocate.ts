import type { ElfFile, SectionHeader } from './elf-file.ts';
import { MAX_FUNCTIONS, unreadable } from './limits.ts';

const SHT_SYMTAB = 2;
const SHT_RELA = 4;
const RELA_BYTES = 24;
const SYMBOL_BYTES = 24;
/** Types that put symbol + addend into 4 or 8 bytes (psABI of x86-64, table 4.9; ELF for the Arm 64-bit architecture, 5.7.5). */
const WORD_BYTES: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  x86_64: { 1: 8, 10: 4, 11: 4 },
  aarch64: { 257: 8, 258: 4 },
};

/** The symbols of a relocatable file, as far as relocations of debug information need them. */
export interface Symbols {
  readonly values: Float64Array;
  /** Index of the section each symbol lies in. */
  readonly sections: Uint16Array;
}

/** Undefined where there is nothing to apply: a linked file, also one that kept its relocations (`--emit-relocs`). */
export async function readSymbols(elf: ElfFile): Promise<Symbols | undefined> {
  const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  if (!elf.relocatable || table === undefined) return undefined;
  const bytes = await elf.read(table);
  const count = Math.floor(bytes.length / SYMBOL_BYTES);
  const [values, sections] = [new Float64Array(count), new Uint16Array(count)];
  for (let i = 0; i < count; i += 1) {
    const at = i * SYMBOL_BYTES;
    values[i] = bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * 2 ** 32;
    sections[i] = bytes.readUInt16LE(at + 6);
  }
  return { values, sections };
}

/**
 * Applies the relocations of a section to its bytes. Returns the offsets at which an address of one of the sections
 * `marked` was put. Errors: debug-info-unreadable, for one of a type that is not known to stand in debug information.
 */
export async function relocate(
  elf: ElfFile,
  symbols: Symbols | undefined,
  section: SectionHeader,
  bytes: Buffer,
  marked: ReadonlySet<number> = new Set(),
): Promise<Set<number>> {
  const found = new Set<number>();
  if (symbols === undefined) return found;
  const words = WORD_BYTES[elf.arch]!;
  for (const list of elf.sections) {
    if (list.type !== SHT_RELA || list.info !== section.index) continue;
    const entries = await elf.read(list);
    for (let at = 0; at + RELA_BYTES <= entries.length; at += RELA_BYTES) {
      const type = entries.readUInt32LE(at + 8);
      if (type === 0) continue;
      const place = entries.readUInt32LE(at);
      const symbol = entries.readUInt32LE(at + 12);
      const size = words[type];
      if (size === undefined || place + size > bytes.length || symbol >= symbols.values.length)
        throw unreadable(`a relocation of type ${type} at ${place} cannot be applied`, `${elf.path} ${section.name}`);
      const value = symbols.values[symbol]! + entries.readInt32LE(at + 16);
      bytes.writeUInt32LE(value >>> 0, place);
      if (size === 8) bytes.writeUInt32LE(Math.floor(value / 2 ** 32) >>> 0, place + 4);
      if (marked.size > 0 && marked.has(symbols.sections[symbol]!) && found.size < MAX_FUNCTIONS) found.add(place);
    }
  }
  return found;
}
