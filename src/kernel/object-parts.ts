import { createHash } from 'node:crypto';
import { bytesOf, ElfError, type ElfSection, readElf64 } from './elf-table.ts';
import { KernelError } from './error.ts';
import { isLoaded, ObjectFile, type ObjectSymbol, plainName, type Relocation } from './object-symbols.ts';

const STT_OBJECT = 1;
const STT_FUNC = 2;
const SHF_WRITE = 1n;
const SHF_EXECINSTR = 4n;
const TRACER = /^(?:__fentry__|_?mcount)$/;
const TRACER_LISTS = /^(?:__mcount_loc|__patchable_function_entries)$/;
/** The call stands behind an endbr64; patchable entries may stand as far before the function. */
const ENTRY_BYTES = 16;

export interface ObjectPart {
  /** As the symbol table has it. */
  readonly name: string;
  readonly section: string;
  readonly size: number;
  /** A word for its bytes and where its relocations lead to; the same in two compilations that mean the same. */
  readonly digest: string;
}

export interface ObjectCode extends ObjectPart {
  /** It calls the function tracer at its start, or is listed as able to. */
  readonly isTraced: boolean;
}

export interface ObjectData extends ObjectPart {
  readonly isWritable: boolean;
  /** A static variable of a function: its symbol ends with a number. */
  readonly isInFunction: boolean;
}

export interface ObjectParts {
  readonly functions: readonly ObjectCode[];
  readonly data: readonly ObjectData[];
}

/** The functions and the data of a relocatable object, one by one. Errors: object-unreadable. */
export function objectParts(elf: Buffer, where: string): ObjectParts {
  try {
    const file = new ObjectFile(readElf64(bytesOf(elf)));
    const traced = tracedPlaces(file);
    const functions: ObjectCode[] = [];
    const data: ObjectData[] = [];
    for (const symbol of file.symbols) {
      const { section, name, size, type } = symbol;
      if (section === undefined || size === 0 || !isLoaded(section)) continue;
      const part = { name, section: section.name, size, digest: digestOf(file, symbol, section) };
      const isCode = (section.flags & SHF_EXECINSTR) !== 0n;
      if (type === STT_FUNC && isCode) functions.push({ ...part, isTraced: isTraced(file, symbol, section, traced) });
      else if (type === STT_OBJECT && !isCode)
        data.push({
          ...part,
          isWritable: (section.flags & SHF_WRITE) !== 0n && !section.name.startsWith('.data.rel.ro'),
          isInFunction: symbol.isLocal && plainName(name) !== name,
        });
    }
    return { functions, data };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const what = `not an object file: ${cause.message}`;
    throw new KernelError('object-unreadable', 'kernel-source', { what, where, cause });
  }
}

function digestOf(file: ObjectFile, symbol: ObjectSymbol, section: ElfSection): string {
  const { value, size } = symbol;
  const content = file.contentOf(section);
  const hash = createHash('sha256').update(`${size} `);
  // A section without bytes in the file is all zero.
  if (content.length > 0) {
    if (value + size > content.length) throw new ElfError('a symbol lies outside its section');
    hash.update(content.subarray(value, value + size));
  }
  for (const one of within(file.relocationsOf(section), value, value + size))
    hash.update(`\n${one.offset - value} ${one.type} ${file.targetOf(one)}`);
  return hash.digest('base64');
}

/** Relocations between two places; they are in order. */
function within(all: readonly Relocation[], from: number, to: number): readonly Relocation[] {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle]!.offset < from) low = middle + 1;
    else high = middle;
  }
  const found: Relocation[] = [];
  for (let at = low; at < all.length && all[at]!.offset < to; at += 1) found.push(all[at]!);
  return found;
}

/** Places that the lists of tracer calls name, by the index of the section. */
function tracedPlaces(file: ObjectFile): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (const section of file.sections.filter(({ name }) => TRACER_LISTS.test(name)))
    for (const { symbol, addend } of file.relocationsOf(section)) {
      if (symbol.section === undefined) continue;
      const found = places.get(symbol.section.index) ?? [];
      found.push(symbol.value + addend);
      places.set(symbol.section.index, found);
    }
  return places;
}

function isTraced(
  file: ObjectFile,
  { value }: ObjectSymbol,
  section: ElfSection,
  traced: ReadonlyMap<number, readonly number[]>,
): boolean {
  const calls = within(file.relocationsOf(section), value, value + ENTRY_BYTES);
  if (calls.some(({ symbol }) => TRACER.test(symbol.name))) return true;
  return (traced.get(section.index) ?? []).some((at) => at >= value - ENTRY_BYTES && at < value + ENTRY_BYTES);
}
