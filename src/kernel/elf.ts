import { KernelError } from './error.ts';

const ELF_MAGIC = 0x464c457f;
const SHT_SYMTAB = 2;
const SHT_RELA = 4;
const SHT_NOBITS = 8;
const SHF_ALLOC = 2n;
const SYMBOL_BYTES = 24;
const RELA_BYTES = 24;
const STT_SECTION = 3;

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly size: number;
  readonly content: Buffer;
  /** Index of the section that this one belongs to (for relocations: the one they change). */
  readonly info: number;
  readonly link: number;
}

/** Sections of a 64-bit little-endian ELF file (elf(5)). Errors: object-unreadable. */
export function readSections(elf: Buffer, where: string): ElfSection[] {
  try {
    if (elf.readUInt32LE(0) !== ELF_MAGIC || elf[4] !== 2 || elf[5] !== 1)
      throw new RangeError('no 64-bit little-endian ELF file');
    const table = Number(elf.readBigUInt64LE(40));
    const bytes = elf.readUInt16LE(58);
    // With 65,280 sections or more the count stands in the first header (elf(5), e_shnum).
    const count = elf.readUInt16LE(60) || Number(elf.readBigUInt64LE(table + 32));
    const names = elf.readUInt16LE(62) === 0xffff ? elf.readUInt32LE(table + 40) : elf.readUInt16LE(62);
    const sections = Array.from({ length: count }, (_, i) => headerAt(elf, table + i * bytes));
    const text = sections[names]!.content;
    return sections.map(({ nameAt, ...section }) => ({ ...section, name: stringAt(text, nameAt) }));
  } catch (cause) {
    throw new KernelError('object-unreadable', 'kernel-source', { what: 'not an object file', where, cause });
  }
}

function headerAt(elf: Buffer, at: number): Omit<ElfSection, 'name'> & { nameAt: number } {
  const type = elf.readUInt32LE(at + 4);
  const [offset, size] = [Number(elf.readBigUInt64LE(at + 24)), Number(elf.readBigUInt64LE(at + 32))];
  return {
    nameAt: elf.readUInt32LE(at),
    type,
    flags: elf.readBigUInt64LE(at + 8),
    size,
    content: type === SHT_NOBITS ? elf.subarray(0, 0) : elf.subarray(offset, offset + size),
    link: elf.readUInt32LE(at + 40),
    info: elf.readUInt32LE(at + 44),
  };
}

function stringAt(table: Buffer, at: number): string {
  return table.toString('latin1', at, table.indexOf(0, at));
}

/**
 * What an object holds, a word a section: name of each section that is loaded → its flags, bytes and relocations, by the
 * names they point to. Compiled with -ffunction-sections -fdata-sections, that is a word a function and variable.
 */
export function loadedContents(elf: Buffer, where: string): Map<string, string> {
  const sections = readSections(elf, where);
  const symbols = symbolNames(sections);
  const contents = new Map<string, string[]>();
  const word = (index: number): string[] => {
    const { name } = sections[index]!;
    const found = contents.get(name) ?? [];
    contents.set(name, found);
    return found;
  };
  for (const [index, { flags, type, size, content }] of sections.entries())
    if ((flags & SHF_ALLOC) !== 0n && type !== SHT_RELA)
      word(index).push(`${flags} ${size} ${content.toString('base64')}`);
  for (const { type, info, content } of sections) {
    if (type !== SHT_RELA || sections[info] === undefined || (sections[info].flags & SHF_ALLOC) === 0n) continue;
    for (let at = 0; at + RELA_BYTES <= content.length; at += RELA_BYTES) {
      const kind = content.readUInt32LE(at + 8);
      const symbol = symbols[content.readUInt32LE(at + 12)] ?? '?';
      word(info).push(`${content.readBigUInt64LE(at)} ${kind} ${symbol} ${content.readBigInt64LE(at + 16)}`);
    }
  }
  return new Map([...contents].map(([name, words]) => [name, words.join('\n')]));
}

/** Names by symbol number; a symbol of a section has that section's name. */
function symbolNames(sections: readonly ElfSection[]): string[] {
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  if (table === undefined) return [];
  const strings = sections[table.link]!.content;
  return Array.from({ length: Math.floor(table.content.length / SYMBOL_BYTES) }, (_, i) => {
    const at = i * SYMBOL_BYTES;
    const isSection = (table.content[at + 4]! & 15) === STT_SECTION;
    if (isSection) return sections[table.content.readUInt16LE(at + 6)]?.name ?? '?';
    return stringAt(strings, table.content.readUInt32LE(at));
  });
}
