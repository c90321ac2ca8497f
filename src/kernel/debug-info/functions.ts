import { type Abbreviations, At } from './abbreviations.ts';
import { type Entry, readEntry, type UnitContext } from './entry.ts';
import { skipForm } from './forms.ts';
import { MAX_DEPTH, unreadable } from './limits.ts';
import { Reader } from './reader.ts';

/** Tags (DWARF 5, 7.5.3, table 7.3). */
export const Tag = {
  compileUnit: 0x11,
  structure: 0x13,
  union: 0x17,
  module: 0x1e,
  subprogram: 0x2e,
  enumeration: 0x04,
  classType: 0x02,
  interfaceType: 0x38,
  namespace: 0x39,
  partialUnit: 0x3c,
  skeletonUnit: 0x4a,
} as const;

/** DW_LANG_* of C: nothing but the unit itself holds functions there, and the types need not be gone into. */
const C_LANGUAGES: ReadonlySet<number> = new Set([0x01, 0x02, 0x0c, 0x1d, 0x2c]);
const SCOPES: ReadonlySet<number> = new Set([Tag.module, Tag.namespace]);
const TYPES: ReadonlySet<number> = new Set([
  Tag.structure,
  Tag.union,
  Tag.enumeration,
  Tag.classType,
  Tag.interfaceType,
]);

/**
 * Every function of a unit that has code of its own, from its second entry on. What lies below other entries is passed
 * over: by DW_AT_sibling where the compiler wrote it (GCC does), else entry by entry.
 */
export function* functionEntries(
  reader: Reader,
  shapes: Abbreviations,
  context: UnitContext,
  language: number,
): Generator<Entry> {
  const entersTypes = !C_LANGUAGES.has(language);
  for (let depth = 1; depth > 0 && reader.at < reader.end; ) {
    const at = reader.at;
    const code = reader.uleb();
    if (code === 0) {
      depth -= 1;
      continue;
    }
    const shape = shapes.get(code);
    if (shape === undefined) throw unreadable(`the entry at ${at} has no abbreviation`, reader.where);
    const { tag, hasChildren, attributes, fixedBytes, siblingAt } = shape;
    const values = reader.at;
    if (tag === Tag.subprogram) {
      const entry = readEntry(reader, shape, context);
      const hasCode = entry.lowPcAt !== undefined || entry.hasRanges === true;
      if (hasCode && entry.isDeclaration !== true) yield entry;
    } else if (fixedBytes >= 0) reader.skip(fixedBytes);
    else for (const { form } of attributes) skipForm(reader, form, context.unit);
    if (!hasChildren) continue;
    if (siblingAt >= 0 && !SCOPES.has(tag) && !(entersTypes && TYPES.has(tag)))
      reader.at = sibling(reader, values + siblingAt, context);
    else depth += 1;
    if (depth > MAX_DEPTH) throw unreadable('entries are nested too deeply', reader.where);
  }
}

/** Siblings only lie ahead: one that does not would be a circle. */
function sibling(reader: Reader, at: number, { unit }: UnitContext): number {
  const next = unit.start + reader.bytes.readUInt32LE(at);
  if (next < reader.at || next > reader.end)
    throw unreadable(`the entry at ${at} has a sibling before itself or outside its unit`, reader.where);
  return next;
}

/** The first entry of a unit. Errors: debug-info-unreadable. */
export function rootEntry(reader: Reader, shapes: Abbreviations, context: UnitContext): { tag: number; entry: Entry } {
  const shape = shapes.get(reader.uleb());
  if (shape === undefined) throw unreadable('a unit begins with no entry', reader.where);
  // Its own texts may be indexes that count from an attribute that stands behind them.
  const start = reader.at;
  if (shape.attributes.some(({ name }) => name === At.strOffsetsBase)) {
    const ahead = new Reader(reader.bytes, reader.where, start, reader.end);
    for (const attribute of shape.attributes) {
      if (attribute.name === At.strOffsetsBase) context.stringOffsetsBase = ahead.offset(context.unit.offsetBytes);
      else skipForm(ahead, attribute.form, context.unit);
    }
  }
  return { tag: shape.tag, entry: readEntry(reader, shape, context) };
}
