import { LivepatchError } from './error.ts';

const ELF_MAGIC = 0x464c457f;
const HEADER_BYTES = 64;
const MAX_SECTIONS = 100_000;

export interface Section {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Sections of a 64-bit little-endian ELF file (elf(5)). Errors: module-unreadable; nothing is read outside the buffer. */
export function elfSections(elf: Buffer, where: string): Section[] {
  const bad = (what: string): LivepatchError => new LivepatchError('module-unreadable', 'us', { what, where });
  if (elf.length < HEADER_BYTES || elf.readUInt32LE(0) !== ELF_MAGIC || elf[4] !== 2 || elf[5] !== 1)
    throw bad('not a 64-bit little-endian ELF file');
  const table = Number(elf.readBigUInt64LE(40));
  const [entrySize, count, namesIndex] = [elf.readUInt16LE(58), elf.readUInt16LE(60), elf.readUInt16LE(62)];
  if (entrySize < HEADER_BYTES || count > MAX_SECTIONS || table + entrySize * count > elf.length || namesIndex >= count)
    throw bad('the section table is cut off');
  const raw = Array.from({ length: count }, (_, i) => {
    const at = table + i * entrySize;
    return {
      name: elf.readUInt32LE(at),
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
    };
  });
  const names = raw[namesIndex]!;
  return raw.map(({ name, type, offset, size }) => {
    const hasBytes = type !== 8; // SHT_NOBITS
    if (hasBytes && offset + size > elf.length) throw bad('a section lies outside the file');
    const start = names.offset + name;
    const end = elf.indexOf(0, start);
    return { name: elf.toString('latin1', start, end < 0 ? start : end), offset, size };
  });
}

/** The `.modinfo` section: key → values (a key such as `alias` may stand several times). */
export function modinfo(elf: Buffer, where: string): Map<string, string[]> {
  const section = elfSections(elf, where).find(({ name }) => name === '.modinfo');
  if (!section)
    throw new LivepatchError('module-unreadable', 'us', {
      what: 'the file is no kernel module: it has no .modinfo',
      where,
    });
  const found = new Map<string, string[]>();
  for (const entry of elf.toString('utf8', section.offset, section.offset + section.size).split('\0')) {
    const equals = entry.indexOf('=');
    if (equals < 0) continue;
    const [key, value] = [entry.slice(0, equals), entry.slice(equals + 1)];
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}
