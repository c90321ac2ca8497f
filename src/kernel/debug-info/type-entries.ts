import { type Abbreviation, type Abbreviations, At } from './abbreviations.ts';
import { textOf, type UnitContext } from './entry.ts';
import { directForm, Form, numberOf, skipForm } from './forms.ts';
import { Tag } from './functions.ts';
import { MAX_DEPTH, unreadable } from './limits.ts';
import { Reader } from './reader.ts';

/** Tags of types and what stands in them (DWARF 5, 7.5.3, table 7.3). */
export const TypeTag = {
  array: 0x01,
  enumeration: Tag.enumeration,
  member: 0x0d,
  pointer: 0x0f,
  structure: Tag.structure,
  subroutine: 0x15,
  typedef: 0x16,
  union: Tag.union,
  subrange: 0x21,
  base: 0x24,
  const: 0x26,
  enumerator: 0x28,
  volatile: 0x35,
  restrict: 0x37,
  atomic: 0x47,
} as const;

/** The entry of a type, a member or an enumerator; numbers as they stand there. */
export interface TypeEntry {
  readonly tag: number;
  readonly name: string | undefined;
  readonly isDeclaration: boolean;
  /** Offset in the section of the entry of its own type. */
  readonly type: number | undefined;
  readonly numbers: ReadonlyMap<number, number>;
  readonly children: TypeEntry[];
}

const WANTED: ReadonlySet<number> = new Set(Object.values(TypeTag));
const WITH_CHILDREN: ReadonlySet<number> = new Set([
  TypeTag.array,
  TypeTag.enumeration,
  TypeTag.structure,
  TypeTag.union,
]);
const NUMBERS: ReadonlySet<number> = new Set([
  ...[At.byteSize, At.bitOffset, At.bitSize, At.constValue, At.upperBound, At.count, At.dataMemberLocation],
  At.dataBitOffset,
]);

/**
 * Every type of a unit outside its functions, by the offset of its entry; those inside a function never leave it in memory.
 * Errors: debug-info-unreadable.
 */
export function typeEntries(reader: Reader, shapes: Abbreviations, context: UnitContext): Map<number, TypeEntry> {
  const found = new Map<number, TypeEntry>();
  const open: (TypeEntry | undefined)[] = [undefined];
  while (open.length > 0 && reader.at < reader.end) {
    const at = reader.at;
    const code = reader.uleb();
    if (code === 0) {
      open.pop();
      continue;
    }
    const shape = shapes.get(code);
    if (shape === undefined) throw unreadable(`the entry at ${at} has no abbreviation`, reader.where);
    const parent = open.at(-1);
    if (!WANTED.has(shape.tag)) {
      pass(reader, shape, context, open);
      continue;
    }
    const entry = readTypeEntry(reader, shape, context);
    found.set(at, entry);
    if (parent !== undefined) parent.children.push(entry);
    if (shape.hasChildren) open.push(WITH_CHILDREN.has(shape.tag) ? entry : undefined);
    if (open.length > MAX_DEPTH) throw unreadable('entries are nested too deeply', reader.where);
  }
  return found;
}

/** Goes past an entry that is no type, and past what stands in it. */
function pass(reader: Reader, shape: Abbreviation, context: UnitContext, open: (TypeEntry | undefined)[]): void {
  const values = reader.at;
  if (shape.fixedBytes >= 0) reader.skip(shape.fixedBytes);
  else for (const { form } of shape.attributes) skipForm(reader, form, context.unit);
  if (!shape.hasChildren) return;
  if (shape.siblingAt < 0) {
    open.push(undefined);
    return;
  }
  const next = context.unit.start + reader.bytes.readUInt32LE(values + shape.siblingAt);
  if (next < reader.at || next > reader.end) throw unreadable('a sibling lies outside its unit', reader.where);
  reader.at = next;
}

function readTypeEntry(reader: Reader, shape: Abbreviation, context: UnitContext): TypeEntry {
  let name: string | undefined;
  let type: number | undefined;
  let isDeclaration = false;
  const numbers = new Map<number, number>();
  for (const attribute of shape.attributes) {
    const form = attribute.form === Form.indirect ? directForm(reader) : attribute.form;
    if (attribute.name === At.name) name = textOf(reader, form, context);
    else if (attribute.name === At.type) type = reference(reader, form, context);
    else if (attribute.name === At.declaration) isDeclaration = numberOf(reader, form, context.unit) !== 0;
    else if (NUMBERS.has(attribute.name)) {
      const value =
        form === Form.implicitConst
          ? attribute.constant
          : form === Form.sdata
            ? reader.sleb()
            : numberOf(reader, form, context.unit);
      if (value !== undefined) numbers.set(attribute.name, value);
    } else skipForm(reader, form, context.unit);
  }
  return { tag: shape.tag, name, isDeclaration, type, numbers, children: [] };
}

function reference(reader: Reader, form: number, { unit }: UnitContext): number | undefined {
  const value = numberOf(reader, form, unit);
  if (value === undefined) return undefined;
  if (form === Form.refAddr) return value;
  return form >= Form.ref1 && form <= Form.refUdata ? unit.start + value : undefined;
}
