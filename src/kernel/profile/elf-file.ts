import { readSync } from 'node:fs';
import { type ElfBytes, ElfError, ElfNames, type ElfTable, SHF_ALLOC, SHT_SYMTAB } from '../elf-table.ts';

const MAX_TABLE_BYTES = 128 << 20;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const SHN_UNDEF = 0;
/** More is slower: the kernel copies what is not needed. */
const WINDOW_BYTES = 8 << 10;

const window = Buffer.allocUnsafeSlow(WINDOW_BYTES);

/**
 * The bytes of an open file, by place: objects carry debug information. Assemblers write the section headers last and names
 * and symbols next to them, so one read has most of it. What it gave is overwritten when the next file is read.
 */
export class ObjectBytes implements ElfBytes {
  readonly size: number;
  readonly #file: number;
  #start = 0;
  #end = 0;

  constructor(file: number, size: number) {
    this.#file = file;
    this.size = size;
  }

  read(offset: number, size: number): Buffer {
    if (this.#end === 0 && size <= WINDOW_BYTES && (offset > 0 || this.size <= WINDOW_BYTES)) {
      const end = offset > 0 ? offset + size : this.size;
      this.#start = Math.max(0, end - WINDOW_BYTES);
      this.#fill(window, end - this.#start, this.#start);
      this.#end = end;
    }
    if (offset >= this.#start && offset + size <= this.#end)
      return window.subarray(offset - this.#start, offset - this.#start + size);
    if (size > MAX_TABLE_BYTES) throw new ElfError('a table is too large');
    const bytes = Buffer.allocUnsafe(size);
    this.#fill(bytes, size, offset);
    return bytes;
  }

  #fill(bytes: Buffer, size: number, offset: number): void {
    if (size > 0 && readSync(this.#file, bytes, 0, size, offset) !== size) throw new ElfError('the file is cut off');
  }
}

/** What is looked at of one section header. */
export interface SectionHeader {
  readonly name: string;
  readonly flags: number;
  readonly size: number;
}

/** The sections that are loaded and not empty. */
export function* loadedSections(elf: ElfTable): Generator<SectionHeader> {
  for (let i = 0; i < elf.count; i += 1) {
    const flags = elf.flagsOf(i);
    if ((flags & SHF_ALLOC) === 0) continue;
    const size = elf.sizeOf(i);
    if (size > 0) yield { name: elf.nameOf(i), flags, size };
  }
}

/** Names of the functions that are defined here, as the symbol table has them; undefined without a symbol table. */
export function functionNames(elf: ElfTable): string[] | undefined {
  let table = 0;
  while (table < elf.count && elf.typeOf(table) !== SHT_SYMTAB) table += 1;
  if (table === elf.count || elf.linkOf(table) >= elf.count) return undefined;
  const [bytes, strings] = symbolsOf(elf, table);
  const symbols = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [entry, infoAt, sectionAt] = elf.wide ? [24, 4, 6] : [16, 12, 14];
  const nameTable = new ElfNames(strings);
  const names: string[] = [];
  for (let at = 0; at + entry <= symbols.byteLength; at += entry) {
    const type = symbols.getUint8(at + infoAt) & 15;
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC) continue;
    if (symbols.getUint16(at + sectionAt, elf.little) === SHN_UNDEF) continue;
    names.push(nameTable.at(symbols.getUint32(at, elf.little)));
  }
  return names;
}

/** Symbols and their names: one read where the names come next. */
function symbolsOf(elf: ElfTable, table: number): [Buffer, Buffer] {
  const names = elf.linkOf(table);
  const [start, size] = [elf.offsetOf(table), elf.sizeOf(table)];
  if (elf.offsetOf(names) !== start + size) return [elf.content(table), elf.content(names)];
  const both = elf.read(start, size + elf.sizeOf(names));
  return [both.subarray(0, size), both.subarray(size)];
}
