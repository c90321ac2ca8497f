import { setImmediate } from 'node:timers/promises';
import { hasCode } from '#domain';
import { type Entry, readEntry, type UnitContext } from './entry.ts';
import { functionEntries, rootEntry, Tag } from './functions.ts';
import { MAX_FUNCTIONS, MAX_LINE_FILES, MAX_ORIGIN_STEPS, unreadable } from './limits.ts';
import { type LineFile, readLineFiles } from './line-table.ts';
import { Reader } from './reader.ts';
import type { DebugSections } from './sections.ts';
import { addSymbolNames } from './symbol-names.ts';
import { AbbreviationTables, readUnitHeaders, type UnitHeader, UnitType } from './units.ts';

const DW_LANG_MIPS_ASSEMBLER = 0x8001;
const DW_LANG_ASSEMBLY = 0x003d;
/** What GCC calls the units that link-time optimisation makes of many sources. */
const ARTIFICIAL = '<artificial>';
/** Those of a vmlinux take seconds; after so many, timers and Ctrl-C have their turn. */
const UNITS_A_TURN = 16;

/** One compilation unit as its debug information tells it; texts as the compiler wrote them. */
export interface RawUnit {
  readonly name: string;
  readonly compDir: string;
  readonly producer: string;
  readonly files: readonly LineFile[];
  /** Functions with code of their own; empty for assembly, whose labels need not be functions, and where one has no name. */
  readonly functions: ReadonlySet<string>;
  /** All functions lie in .init.text or .exit.text; null: it has none, or where one lies is not known. */
  readonly initOnly: boolean | null;
}

export interface RawUnits {
  readonly units: readonly RawUnit[];
  /** What could not be read, one sentence a unit. */
  readonly unreadable: readonly string[];
}

interface Found {
  readonly name: string;
  readonly compDir: string;
  readonly producer: string;
  readonly files: readonly LineFile[];
  readonly functions: Set<string>;
  namesKnown: boolean;
  inInit: number;
  outsideInit: number;
  unplaced: number;
}

/** Reads every compilation unit of a file. A unit that cannot be read is listed; the others are still read. */
export async function readUnits(sections: DebugSections, signal?: AbortSignal): Promise<RawUnits> {
  const found: Found[] = [];
  const unreadable: string[] = [];
  const codeAt = new Map<bigint, Found>();
  for (const info of sections.infos) {
    const part = await new InfoReader(sections, info, codeAt).read(signal);
    for (const unit of part.found) found.push(unit);
    for (const text of part.unreadable) unreadable.push(text);
  }
  const { functionSymbols } = sections;
  if (functionSymbols !== undefined) addSymbolNames(functionSymbols, codeAt);
  // Without symbols it is not known which functions were folded into others: no list is full.
  else for (const unit of found) unit.namesKnown = false;
  return { units: found.map(finish), unreadable };
}

class InfoReader {
  readonly #sections: DebugSections;
  readonly #info: Buffer;
  readonly #codeAt: Map<bigint, Found>;
  readonly #tables: AbbreviationTables;
  readonly #units: UnitHeader[];
  readonly #found = new Map<UnitHeader, Found>();
  readonly #lineFiles = new Map<number, readonly LineFile[]>();
  readonly #unreadable: string[];
  /** What the tables may take together: no two share bytes. */
  #lineBytes: number;
  #files = 0;
  #functions = 0;

  constructor(sections: DebugSections, info: Buffer, codeAt: Map<bigint, Found>) {
    this.#sections = sections;
    this.#info = info;
    this.#codeAt = codeAt;
    this.#tables = new AbbreviationTables(sections);
    this.#lineBytes = sections.lines.length;
    const { units, broken, foreign } = readUnitHeaders(info, sections.where);
    this.#units = units;
    this.#unreadable = broken === null ? foreign : [...foreign, broken];
  }

  async read(signal: AbortSignal | undefined): Promise<{ found: Found[]; unreadable: readonly string[] }> {
    const walks: [UnitHeader, Found, () => void][] = [];
    for (const [count, unit] of this.#units.entries()) {
      if (count % UNITS_A_TURN === 0) await setImmediate(null, { signal });
      this.#try(unit, () => this.#readRoot(unit, walks));
    }
    for (const [count, [unit, found, walk]] of walks.entries()) {
      if (count % UNITS_A_TURN === 0) await setImmediate(null, { signal });
      const read = this.#try(unit, walk);
      // What was read of it stays: names that are there are right; but it is no full list.
      if (!read) found.namesKnown = false;
    }
    return { found: [...this.#found.values()], unreadable: this.#unreadable };
  }

  #try(unit: UnitHeader, body: () => void): boolean {
    try {
      body();
      return true;
    } catch (error) {
      if (!hasCode(error, 'debug-info-unreadable')) throw error;
      this.#unreadable.push(`unit at ${unit.start}: ${error.message}`);
      return false;
    }
  }

  #readRoot(unit: UnitHeader, walks: [UnitHeader, Found, () => void][]): void {
    if (unit.type === UnitType.type || unit.type === UnitType.splitType) return;
    const context = this.#context(unit);
    const shapes = this.#tables.of(unit);
    const reader = new Reader(this.#info, this.#sections.where, unit.entries, unit.end);
    const { tag, entry } = rootEntry(reader, shapes, context);
    // Parts that dwz moved out of units: what they hold is found from the units that name it.
    if (tag === Tag.partialUnit) return;
    if (tag !== Tag.compileUnit && tag !== Tag.skeletonUnit)
      throw unreadable(`a unit with tag 0x${tag.toString(16)} is not read`, this.#sections.where);
    if (entry.dwoName !== undefined)
      throw unreadable(`its debug information is in a file of its own (split DWARF): ${entry.dwoName}`, reader.where);
    if (entry.name === undefined)
      throw unreadable(
        entry.nameElsewhere === true ? 'its name is in another file (dwz)' : 'it has no name',
        reader.where,
      );
    const found = this.#begin(entry, entry.name);
    if (entry.name !== ARTIFICIAL) this.#found.set(unit, found);
    const language = entry.language ?? 0;
    if (language === DW_LANG_MIPS_ASSEMBLER || language === DW_LANG_ASSEMBLY) found.namesKnown = false;
    walks.push([
      unit,
      found,
      () => {
        for (const each of functionEntries(reader, shapes, context, language)) this.#addFunction(unit, found, each);
      },
    ]);
  }

  #begin({ compDir = '', producer = '', stmtList }: Entry, name: string): Found {
    const files = stmtList === undefined ? [] : this.#filesAt(stmtList);
    this.#files += files.length;
    if (this.#files > MAX_LINE_FILES) throw unreadable('line tables have too many files', this.#sections.where);
    return {
      name,
      compDir,
      producer,
      files,
      functions: new Set(),
      namesKnown: true,
      inInit: 0,
      outsideInit: 0,
      unplaced: 0,
    };
  }

  #filesAt(offset: number): readonly LineFile[] {
    const known = this.#lineFiles.get(offset);
    if (known !== undefined) return known;
    const { lines, where } = this.#sections;
    this.#lineBytes -= new Reader(lines, where, offset).initialLength().length;
    if (!(this.#lineBytes >= 0)) throw unreadable('line tables overlap', where);
    const files = readLineFiles(lines, offset, this.#sections, `${where} .debug_line`);
    this.#lineFiles.set(offset, files);
    return files;
  }

  #addFunction(unit: UnitHeader, found: Found, entry: Entry): void {
    this.#functions += 1;
    if (this.#functions > MAX_FUNCTIONS) throw unreadable('there are too many functions', this.#sections.where);
    const { name, home } = this.#nameOf(unit, entry);
    // With link-time optimisation the code stands in one unit and its source is another.
    const homes = home === unit ? [found] : [found, this.#found.get(home)];
    for (const each of homes) {
      if (each === undefined) continue;
      if (name === undefined) each.namesKnown = false;
      else each.functions.add(name);
      this.#place(each, entry);
    }
  }

  #place(found: Found, { lowPcAt = -1 }: Entry): void {
    if (lowPcAt < 0) {
      found.unplaced += 1;
      return;
    }
    const address = this.#info.readBigUInt64LE(lowPcAt);
    if (this.#codeAt.size < MAX_FUNCTIONS) this.#codeAt.set(address, found);
    if (this.#sections.initRanges.some(([from, to]) => address >= from && address < to)) found.inInit += 1;
    else found.outsideInit += 1;
  }

  /** The name of a function, its own or that of the entry it is an instance of, and the unit where that entry stands. */
  #nameOf(unit: UnitHeader, first: Entry): { name: string | undefined; home: UnitHeader } {
    let [entry, home] = [first, unit];
    for (let step = 0; step < MAX_ORIGIN_STEPS; step += 1) {
      if (entry.name !== undefined) return { name: entry.name, home };
      const { origin } = entry;
      const next = origin === undefined ? undefined : this.#unitAt(origin, home);
      if (origin === undefined || next === undefined) break;
      home = next;
      const reader = new Reader(this.#info, this.#sections.where, origin, home.end);
      const shape = this.#tables.of(home).get(reader.uleb());
      if (shape === undefined) break;
      entry = readEntry(reader, shape, this.#context(home));
    }
    return { name: undefined, home };
  }

  #unitAt(offset: number, near: UnitHeader): UnitHeader | undefined {
    if (offset >= near.entries && offset < near.end) return near;
    // Offsets in one of several sections cannot be told apart once they are applied.
    if (this.#sections.infos.length > 1) return undefined;
    let [low, high] = [0, this.#units.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#units[middle]!.end <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.#units[low];
    return unit !== undefined && offset >= unit.entries ? unit : undefined;
  }

  #context(unit: UnitHeader): UnitContext {
    // The header of .debug_str_offsets is as long as two offsets (DWARF 5, 7.26); a unit says if it begins elsewhere.
    return { sections: this.#sections, unit, stringOffsetsBase: unit.offsetBytes * 2 };
  }
}

function finish(found: Found): RawUnit {
  const { name, compDir, producer, files, inInit, outsideInit, unplaced } = found;
  const functions = found.namesKnown ? found.functions : new Set<string>();
  const initOnly = outsideInit > 0 ? false : inInit > 0 && unplaced === 0 && found.namesKnown ? true : null;
  return { name, compDir, producer, files, functions, initOnly };
}
