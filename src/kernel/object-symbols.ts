import {
  ElfError,
  ElfNames,
  type ElfSection,
  type ElfTable,
  SHF_ALLOC,
  SHT_NOBITS,
  SHT_RELA,
  SHT_SYMTAB,
} from './elf-table.ts';

const SYMBOL_BYTES = 24;
const RELA_BYTES = 24;
const SHN_LORESERVE = 0xff00;
const STT_SECTION = 3;
const SHF_MERGE = 0x10n;
const SHF_STRINGS = 0x20n;
/** Relocations that count from the end of the four bytes they fill (psABI of x86-64: PC32, PLT32). */
const FROM_END: ReadonlySet<number> = new Set([2, 4]);
const MAX_TEXT = 4_096;

export interface ObjectSymbol {
  readonly name: string;
  /** STT_*: 1 is an object, 2 a function. */
  readonly type: number;
  readonly isLocal: boolean;
  /** Undefined: it lies in no section of this object. */
  readonly section: ElfSection | undefined;
  readonly value: number;
  readonly size: number;
}

export interface Relocation {
  readonly offset: number;
  readonly type: number;
  readonly symbol: ObjectSymbol;
  readonly addend: number;
}

/** Sections, symbols and relocations of a relocatable object of 64 bits, elf(5). Errors of all members: ElfError. */
export class ObjectFile {
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ObjectSymbol[];
  readonly #table: ElfTable;
  readonly #relocations = new Map<number, readonly Relocation[]>();
  readonly #contents = new Map<number, Buffer>();

  constructor(table: ElfTable) {
    this.#table = table;
    this.sections = table.sections();
    this.symbols = this.#readSymbols();
    for (const list of this.sections) {
      const of = this.sections[list.info];
      if (list.type !== SHT_RELA || of === undefined || !isLoaded(of)) continue;
      // A livepatch has two lists for a section: that of the module loader and that of the livepatch core.
      const all = [...(this.#relocations.get(list.info) ?? []), ...this.#read(list)];
      this.#relocations.set(
        list.info,
        all.toSorted((a, b) => a.offset - b.offset),
      );
    }
  }

  /** In the order of their places. */
  relocationsOf(section: ElfSection): readonly Relocation[] {
    return this.#relocations.get(section.index) ?? [];
  }

  contentOf(section: ElfSection): Buffer {
    const known = this.#contents.get(section.index);
    if (known !== undefined) return known;
    const content = section.type === SHT_NOBITS ? Buffer.alloc(0) : this.#table.content(section.index);
    this.#contents.set(section.index, content);
    return content;
  }

  /**
   * Where a relocation leads to, so that two compilations say the same: a string by its text, what has a name by the name
   * without the numbers that the compiler gave it.
   */
  targetOf({ symbol, addend, type }: Relocation): string {
    const { section } = symbol;
    const at = symbol.value + addend + (FROM_END.has(type) ? 4 : 0);
    if (section !== undefined && (section.flags & SHF_MERGE) !== 0n && at >= 0) {
      const bytes = this.contentOf(section).subarray(at, at + MAX_TEXT);
      if ((section.flags & SHF_STRINGS) === 0n)
        return `constant ${bytes.toString('hex', 0, constantBytes(section.name))}`;
      const end = bytes.indexOf(0);
      return `text ${bytes.toString('latin1', 0, end < 0 ? bytes.length : end)}`;
    }
    const name = symbol.type === STT_SECTION ? (section?.name ?? '?') : symbol.name;
    if (name.startsWith('.L') && section !== undefined) return `${plainName(section.name)}+${at}`;
    return `${plainName(name)}+${addend}`;
  }

  #readSymbols(): ObjectSymbol[] {
    const table = this.sections.find(({ type }) => type === SHT_SYMTAB);
    const names = table === undefined ? undefined : this.sections[table.link];
    if (table === undefined || names === undefined) throw new ElfError('the object has no symbols');
    const bytes = this.#table.content(table.index);
    const texts = new ElfNames(this.#table.content(names.index));
    return Array.from({ length: Math.floor(bytes.length / SYMBOL_BYTES) }, (_, index) => {
      const at = index * SYMBOL_BYTES;
      const info = bytes[at + 4]!;
      const home = bytes.readUInt16LE(at + 6);
      return {
        name: texts.at(bytes.readUInt32LE(at)),
        type: info & 15,
        isLocal: info >> 4 === 0,
        section: home === 0 || home >= SHN_LORESERVE ? undefined : this.sections[home],
        value: Number(bytes.readBigUInt64LE(at + 8)),
        size: Number(bytes.readBigUInt64LE(at + 16)),
      };
    });
  }

  #read(list: ElfSection): Relocation[] {
    const bytes = this.#table.content(list.index);
    const found: Relocation[] = [];
    for (let at = 0; at + RELA_BYTES <= bytes.length; at += RELA_BYTES) {
      const symbol = this.symbols[bytes.readUInt32LE(at + 12)];
      if (symbol === undefined) throw new ElfError('a relocation names a symbol that is not there');
      const type = bytes.readUInt32LE(at + 8);
      const addend = Number(bytes.readBigInt64LE(at + 16));
      found.push({ offset: Number(bytes.readBigUInt64LE(at)), type, symbol, addend });
    }
    return found;
  }
}

export function isLoaded({ flags }: ElfSection): boolean {
  return (flags & BigInt(SHF_ALLOC)) !== 0n;
}

/** A name without the number that tells static variables of one name apart, or that __UNIQUE_ID() counts. */
export function plainName(name: string): string {
  const unique = name.replace(/(__UNIQUE_ID_[A-Za-z_]+?)_?\d+/g, '$1');
  return /\.(?:constprop|isra|part|cold)\b/.test(unique) ? unique : unique.replace(/\.\d+$/, '');
}

/** `.rodata.cst16` */
function constantBytes(section: string): number {
  return Number(/cst(\d+)$/.exec(section)?.[1] ?? 8);
}
