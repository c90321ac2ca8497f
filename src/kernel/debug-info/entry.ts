import { type Abbreviation, At } from './abbreviations.ts';
import { directForm, Form, numberOf, skipForm } from './forms.ts';
import { unreadable } from './limits.ts';
import type { Reader } from './reader.ts';
import type { DebugSections } from './sections.ts';
import type { UnitHeader } from './units.ts';

/** Of a debugging information entry what a profile needs; undefined: it has no such attribute. */
export interface Entry {
  name?: string;
  /** The name stands in a file of its own (dwz, split DWARF), which is not read. */
  nameElsewhere?: boolean;
  compDir?: string;
  producer?: string;
  language?: number;
  stmtList?: number;
  /** Offset in the section at which the address of the code stands; -1 where it is an index into .debug_addr. */
  lowPcAt?: number;
  hasRanges?: boolean;
  isDeclaration?: boolean;
  /** Offset in the section of the entry that has the name. */
  origin?: number;
  originElsewhere?: boolean;
  dwoName?: string;
}

/** What reading the values of one unit takes. */
export interface UnitContext {
  readonly sections: DebugSections;
  readonly unit: UnitHeader;
  /** Where this unit's part of .debug_str_offsets begins. */
  stringOffsetsBase: number;
}

const TEXTS = { [At.name]: 'name', [At.compDir]: 'compDir', [At.producer]: 'producer' } as const;

/** Reads the values of an entry, whose code was read already. Errors: debug-info-unreadable. */
export function readEntry(reader: Reader, shape: Abbreviation, context: UnitContext): Entry {
  const entry: Entry = {};
  for (const { name, form, constant } of shape.attributes) {
    const direct = form === Form.indirect ? directForm(reader) : form;
    switch (name) {
      case At.name:
      case At.compDir:
      case At.producer: {
        const text = textOf(reader, direct, context);
        if (text !== undefined) entry[TEXTS[name]] = text;
        else if (name === At.name) entry.nameElsewhere = true;
        break;
      }
      case At.dwoName:
      case At.gnuDwoName:
        entry.dwoName = textOf(reader, direct, context) ?? '';
        break;
      case At.lowPc:
        entry.lowPcAt = direct === Form.addr ? reader.at : -1;
        skipForm(reader, direct, context.unit);
        break;
      case At.ranges:
        entry.hasRanges = true;
        skipForm(reader, direct, context.unit);
        break;
      case At.abstractOrigin:
      case At.specification:
        readOrigin(reader, direct, context.unit, entry);
        break;
      default:
        readNumber(reader, name, direct === Form.implicitConst ? constant : null, direct, { entry, context });
    }
  }
  return entry;
}

function readNumber(
  reader: Reader,
  name: number,
  constant: number | null,
  form: number,
  { entry, context }: { entry: Entry; context: UnitContext },
): void {
  if (!NUMBERS.has(name)) return skipForm(reader, form, context.unit);
  const value = constant ?? numberOf(reader, form, context.unit);
  if (value === undefined) return;
  if (name === At.language) entry.language = value;
  else if (name === At.stmtList) entry.stmtList = value;
  else if (name === At.declaration) entry.isDeclaration = value !== 0;
  else context.stringOffsetsBase = value;
}

const NUMBERS: ReadonlySet<number> = new Set([At.language, At.stmtList, At.declaration, At.strOffsetsBase]);

function readOrigin(reader: Reader, form: number, unit: UnitHeader, entry: Entry): void {
  const value = numberOf(reader, form, unit);
  if (form === Form.refAddr) entry.origin = value ?? -1;
  else if (form >= Form.ref1 && form <= Form.refUdata) entry.origin = unit.start + (value ?? -1);
  else entry.originElsewhere = true;
}

/** Undefined: the text stands in another file. Errors: debug-info-unreadable. */
export function textOf(
  reader: Reader,
  form: number,
  { sections, unit, stringOffsetsBase }: UnitContext,
): string | undefined {
  switch (form) {
    case Form.string:
      return reader.string();
    case Form.strp:
      return sections.strings.at(reader.offset(unit.offsetBytes));
    case Form.lineStrp:
      return sections.lineStrings.at(reader.offset(unit.offsetBytes));
    case Form.strx:
    case Form.strx1:
    case Form.strx2:
    case Form.strx3:
    case Form.strx4: {
      const index = form === Form.strx ? reader.uleb() : numberOf(reader, form, unit)!;
      const at = stringOffsetsBase + index * unit.offsetBytes;
      if (!(at + unit.offsetBytes <= sections.stringOffsets.length))
        throw unreadable('a text lies outside .debug_str_offsets', reader.where);
      const offset = sections.stringOffsets.readUInt32LE(at);
      return sections.strings.at(offset);
    }
    default:
      skipForm(reader, form, unit);
      return undefined;
  }
}
