import type { ElfFile } from './elf-file.ts';
import { MAX_KEPT, MAX_STRING_BYTES, unreadable } from './limits.ts';
import { Reader } from './reader.ts';
import { codeAddress, type FunctionSymbol, readSymbols, relocate, type Symbols } from './relocate.ts';

/** The debug sections of one file, ready to be read. */
export interface DebugSections {
  readonly where: string;
  /** More than one in a relocatable file whose type units stand in groups (-fdebug-types-section). */
  readonly infos: readonly Buffer[];
  readonly abbreviations: Buffer;
  readonly lines: Buffer;
  readonly strings: Strings;
  readonly lineStrings: Strings;
  readonly stringOffsets: Buffer;
  /** Functions of the symbol table; undefined: it has none. */
  readonly functionSymbols: readonly FunctionSymbol[] | undefined;
  /** Where .init.text and .exit.text lie, as `codeAddress` says it. */
  readonly initRanges: readonly (readonly [bigint, bigint])[];
}

const INIT_TEXT = /^\.(?:init|exit)\.text(?:\.|$)/;

/** A string section; a text that many entries share is made once. */
export class Strings {
  readonly #bytes: Buffer;
  readonly #where: string;
  readonly #known = new Map<number, string>();
  /** Texts share ends, but no compiler lets them overlap this much: hostile ones must not cost more than their size. */
  #left: number;

  constructor(bytes: Buffer, where: string) {
    this.#bytes = bytes;
    this.#where = where;
    this.#left = bytes.length * 8;
  }

  at(offset: number): string {
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    const reader = new Reader(this.#bytes, this.#where, offset, offset + MAX_STRING_BYTES);
    const text = reader.string();
    this.#left -= reader.at - offset;
    if (this.#left < 0) throw unreadable('texts overlap', this.#where);
    if (this.#known.size < MAX_KEPT) this.#known.set(offset, text);
    return text;
  }
}

/** Undefined: the file has no debug information (it is stripped). Errors: debug-info-unreadable. */
export async function readDebugSections(elf: ElfFile, where: string): Promise<DebugSections | undefined> {
  const infoHeaders = elf.named('.debug_info').filter(({ size }) => size > 0);
  if (infoHeaders.length === 0) return undefined;
  const symbols = await readSymbols(elf);
  const init = elf.sections.filter(({ name }) => INIT_TEXT.test(name));
  const infos: Buffer[] = [];
  for (const header of infoHeaders) {
    const bytes = await elf.read(header);
    await relocate(elf, symbols, header, bytes);
    infos.push(bytes);
  }
  return {
    where,
    infos,
    abbreviations: await single(elf, symbols, '.debug_abbrev', where),
    lines: await single(elf, symbols, '.debug_line', where),
    strings: new Strings(await single(elf, symbols, '.debug_str', where), `${where} .debug_str`),
    lineStrings: new Strings(await single(elf, symbols, '.debug_line_str', where), `${where} .debug_line_str`),
    stringOffsets: await single(elf, symbols, '.debug_str_offsets', where),
    functionSymbols: symbols?.functions,
    initRanges: init.map(({ index, address, size }) => {
      const start = codeAddress(elf, index, address);
      return [start, start + BigInt(size)];
    }),
  };
}

async function single(elf: ElfFile, symbols: Symbols | undefined, name: string, where: string): Promise<Buffer> {
  const [header, second] = elf.named(name);
  if (second !== undefined) throw unreadable(`there is more than one ${name}`, where);
  if (header === undefined) return Buffer.alloc(0);
  const bytes = await elf.read(header);
  await relocate(elf, symbols, header, bytes);
  return bytes;
}
