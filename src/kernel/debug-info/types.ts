import { At } from './abbreviations.ts';
import { ElfFile } from './elf-file.ts';
import { rootEntry } from './functions.ts';
import { unreadable } from './limits.ts';
import { Reader } from './reader.ts';
import { type DebugSections, readDebugSections } from './sections.ts';
import { type TypeEntry, TypeTag, typeEntries } from './type-entries.ts';
import { AbbreviationTables, readUnitHeaders, type UnitHeader } from './units.ts';

/** One member of a structure or union; members of unnamed structures in it are its own. */
export interface TypeMember {
  readonly name: string;
  /** Bits from the start of the outermost type. */
  readonly offset: number;
  /** Bits. */
  readonly size: number;
  /** As C writes it, `struct list_head` or `char [ 16 ]`. */
  readonly type: string;
}

export interface TypeLayout {
  readonly kind: 'struct' | 'union' | 'enum';
  /** `struct eventpoll`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Empty for an enumeration. */
  readonly members: readonly TypeMember[];
  /** Values of an enumeration, by name. */
  readonly values: ReadonlyMap<string, number>;
}

const KINDS: Readonly<Record<number, TypeLayout['kind']>> = {
  [TypeTag.structure]: 'struct',
  [TypeTag.union]: 'union',
  [TypeTag.enumeration]: 'enum',
};
/** Unnamed structures in each other, and types made of others; the kernel has some ten. */
const MAX_STEPS = 64;
const MAX_MEMBERS = 20_000;
const WORD_BYTES = 8;

/**
 * Every structure, union and enumeration with a name that the debug information of an object defines, by its name as C
 * writes it; unnamed ones by the typedef that names them. Null: it has no debug information. Errors: debug-info-unreadable.
 */
export async function readTypeLayouts(object: Buffer, where: string): Promise<Map<string, TypeLayout> | null> {
  await using elf = ElfFile.of(object, where);
  const sections = await readDebugSections(elf, where);
  if (sections === undefined) return null;
  const layouts = new Map<string, TypeLayout>();
  for (const info of sections.infos) {
    const { units, broken, foreign } = readUnitHeaders(info, where);
    const problem = broken ?? foreign[0];
    if (problem !== undefined) throw unreadable(problem, where);
    const tables = new AbbreviationTables(sections);
    for (const unit of units) addUnit(layouts, { sections, info, unit, tables });
  }
  return layouts;
}

interface Part {
  readonly sections: DebugSections;
  readonly info: Buffer;
  readonly unit: UnitHeader;
  readonly tables: AbbreviationTables;
}

function addUnit(layouts: Map<string, TypeLayout>, { sections, info, unit, tables }: Part): void {
  const context = { sections, unit, stringOffsetsBase: unit.offsetBytes * 2 };
  const shapes = tables.of(unit);
  const reader = new Reader(info, sections.where, unit.entries, unit.end);
  rootEntry(reader, shapes, context);
  const types = new Types(typeEntries(reader, shapes, context), sections.where);
  for (const layout of types.layouts()) if (!layouts.has(layout.name)) layouts.set(layout.name, layout);
}

class Types {
  readonly #entries: ReadonlyMap<number, TypeEntry>;
  readonly #where: string;

  constructor(entries: ReadonlyMap<number, TypeEntry>, where: string) {
    this.#entries = entries;
    this.#where = where;
  }

  *layouts(): Generator<TypeLayout> {
    for (const entry of this.#entries.values()) {
      const named = entry.tag === TypeTag.typedef ? this.#at(entry.type) : entry;
      const kind = named === undefined ? undefined : KINDS[named.tag];
      if (named === undefined || kind === undefined || named.isDeclaration || entry.name === undefined) continue;
      if (entry.tag === TypeTag.typedef && named.name !== undefined) continue;
      const name = entry.tag === TypeTag.typedef ? entry.name : `${kind} ${entry.name}`;
      yield { kind, name, size: named.numbers.get(At.byteSize) ?? 0, ...this.#content(named, kind) };
    }
  }

  #content(entry: TypeEntry, kind: TypeLayout['kind']): Pick<TypeLayout, 'members' | 'values'> {
    if (kind !== 'enum') return { members: this.#members(entry, 0, 0), values: new Map() };
    const names = entry.children.filter(({ tag }) => tag === TypeTag.enumerator);
    return { members: [], values: new Map(names.map((one) => [one.name ?? '', one.numbers.get(At.constValue) ?? 0])) };
  }

  #members(entry: TypeEntry, start: number, steps: number): TypeMember[] {
    if (steps > MAX_STEPS) throw unreadable('structures are nested too deeply', this.#where);
    const found: TypeMember[] = [];
    for (const member of entry.children) {
      if (member.tag !== TypeTag.member) continue;
      const offset = start + this.#offset(member);
      const inner = member.name === undefined ? this.#at(member.type) : undefined;
      if (inner !== undefined) found.push(...this.#members(inner, offset, steps + 1));
      else found.push({ name: member.name ?? '', offset, size: this.#bits(member), type: this.#name(member.type, 0) });
      if (found.length > MAX_MEMBERS) throw unreadable('a structure has too many members', this.#where);
    }
    return found;
  }

  /** Bits; before DWARF 4 a bit field counts from the highest bit of its storage (DWARF 3, 5.6.6). */
  #offset({ numbers, type }: TypeEntry): number {
    const bits = numbers.get(At.dataBitOffset);
    if (bits !== undefined) return bits;
    const start = (numbers.get(At.dataMemberLocation) ?? 0) * 8;
    const fromTop = numbers.get(At.bitOffset);
    if (fromTop === undefined) return start;
    const storage = (numbers.get(At.byteSize) ?? this.#size(type, 0)) * 8;
    return start + storage - fromTop - (numbers.get(At.bitSize) ?? 0);
  }

  #bits({ numbers, type }: TypeEntry): number {
    return numbers.get(At.bitSize) ?? this.#size(type, 0) * 8;
  }

  #at(offset: number | undefined): TypeEntry | undefined {
    return offset === undefined ? undefined : this.#entries.get(offset);
  }

  /** Bytes. */
  #size(offset: number | undefined, steps: number): number {
    const entry = this.#at(offset);
    if (entry === undefined || steps > MAX_STEPS) return 0;
    const own = entry.numbers.get(At.byteSize);
    if (own !== undefined) return own;
    if (entry.tag === TypeTag.pointer) return WORD_BYTES;
    const one = this.#size(entry.type, steps + 1);
    return entry.tag === TypeTag.array ? one * counts(entry).reduce((all, count) => all * count, 1) : one;
  }

  #name(offset: number | undefined, steps: number): string {
    const entry = this.#at(offset);
    if (entry === undefined) return offset === undefined ? 'void' : '?';
    if (steps > MAX_STEPS) return '?';
    const kind = KINDS[entry.tag];
    if (kind !== undefined) return `${kind} ${entry.name ?? '(unnamed)'}`;
    if (entry.name !== undefined) return entry.name;
    const inner = this.#name(entry.type, steps + 1);
    if (entry.tag === TypeTag.pointer) return `${inner} *`;
    if (entry.tag === TypeTag.array)
      return `${inner} ${counts(entry)
        .map((count) => `[${count}]`)
        .join('')}`;
    return entry.tag === TypeTag.subroutine ? `${inner} ()` : inner;
  }
}

/** Elements in each direction of an array; 0 where the size is not known (a flexible one). */
function counts({ children }: TypeEntry): number[] {
  const ranges = children.filter(({ tag }) => tag === TypeTag.subrange);
  return ranges.map(({ numbers }) => numbers.get(At.count) ?? (numbers.get(At.upperBound) ?? -1) + 1);
}
