import {
  bytesOf,
  ElfError,
  ElfNames,
  type ElfSection,
  readElf64,
  SHF_ALLOC,
  SHT_RELA,
  SHT_SYMTAB,
} from './elf-table.ts';
import { KernelError } from './error.ts';

const ALLOC = BigInt(SHF_ALLOC);
const SYMBOL_BYTES = 24;
const RELA_BYTES = 24;
const STT_SECTION = 3;

interface Section extends ElfSection {
  readonly content: Buffer;
}

/**
 * What an object holds, a word a section: name of each section that is loaded → its flags, bytes and relocations, by the
 * names they point to. Compiled with -ffunction-sections -fdata-sections, that is a word a function and variable.
 * Errors: object-unreadable.
 */
export function loadedContents(elf: Buffer, where: string): Map<string, string> {
  try {
    const table = readElf64(bytesOf(elf));
    return contentsOf(table.sections().map((section) => ({ ...section, content: table.content(section.index) })));
  } catch (cause) {
    if (!(cause instanceof ElfError)) throw cause;
    throw new KernelError('object-unreadable', 'kernel-source', { what: 'not an object file', where, cause });
  }
}

function contentsOf(sections: readonly Section[]): Map<string, string> {
  const symbols = symbolNames(sections);
  const contents = new Map<string, string[]>();
  const word = (index: number): string[] => {
    const { name } = sections[index]!;
    const found = contents.get(name) ?? [];
    contents.set(name, found);
    return found;
  };
  for (const [index, { flags, type, size, content }] of sections.entries())
    if ((flags & ALLOC) !== 0n && type !== SHT_RELA) word(index).push(`${flags} ${size} ${content.toString('base64')}`);
  for (const { type, info, content } of sections) {
    if (type !== SHT_RELA || sections[info] === undefined || (sections[info].flags & ALLOC) === 0n) continue;
    for (let at = 0; at + RELA_BYTES <= content.length; at += RELA_BYTES) {
      const kind = content.readUInt32LE(at + 8);
      const symbol = symbols[content.readUInt32LE(at + 12)] ?? '?';
      word(info).push(`${content.readBigUInt64LE(at)} ${kind} ${symbol} ${content.readBigInt64LE(at + 16)}`);
    }
  }
  return new Map([...contents].map(([name, words]) => [name, words.join('\n')]));
}

/** Names by symbol number; a symbol of a section has that section's name. */
function symbolNames(sections: readonly Section[]): string[] {
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  if (table === undefined) return [];
  const strings = sections[table.link]?.content;
  if (strings === undefined) throw new ElfError('the symbols have no names');
  const names = new ElfNames(strings);
  return Array.from({ length: Math.floor(table.content.length / SYMBOL_BYTES) }, (_, i) => {
    const at = i * SYMBOL_BYTES;
    const isSection = (table.content[at + 4]! & 15) === STT_SECTION;
    if (isSection) return sections[table.content.readUInt16LE(at + 6)]?.name ?? '?';
    return names.at(table.content.readUInt32LE(at));
  });
}
