import { type Encoding, Form, fixedSize } from './forms.ts';
import { MAX_ABBREVIATIONS, MAX_ATTRIBUTES, unreadable } from './limits.ts';
import type { Reader } from './reader.ts';

export const At = {
  sibling: 0x01,
  name: 0x03,
  byteSize: 0x0b,
  bitOffset: 0x0c,
  bitSize: 0x0d,
  stmtList: 0x10,
  lowPc: 0x11,
  language: 0x13,
  compDir: 0x1b,
  constValue: 0x1c,
  producer: 0x25,
  upperBound: 0x2f,
  abstractOrigin: 0x31,
  count: 0x37,
  dataMemberLocation: 0x38,
  declaration: 0x3c,
  specification: 0x47,
  type: 0x49,
  ranges: 0x55,
  dataBitOffset: 0x6b,
  strOffsetsBase: 0x72,
  dwoName: 0x76,
  gnuDwoName: 0x2130,
} as const;

export interface Attribute {
  readonly name: number;
  readonly form: number;
  /** The value, where the form is DW_FORM_implicit_const. */
  readonly constant: number;
}

/** The shape that many entries share (DWARF 5, 7.5.3), with what is needed to go past one quickly. */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly Attribute[];
  /** Bytes of all values when none of them varies, else -1. */
  readonly fixedBytes: number;
  /** Where in the values a 4-byte DW_AT_sibling stands, else -1. */
  readonly siblingAt: number;
}

export type Abbreviations = ReadonlyMap<number, Abbreviation>;

/** The table of .debug_abbrev where the reader stands. Errors: debug-info-unreadable. */
export function readAbbreviations(reader: Reader, encoding: Encoding): Abbreviations {
  const table = new Map<number, Abbreviation>();
  for (;;) {
    const code = reader.uleb();
    if (code === 0) return table;
    if (table.size >= MAX_ABBREVIATIONS) throw unreadable('a unit has too many abbreviations', reader.where);
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    table.set(code, { tag, hasChildren, ...layout(readAttributes(reader), encoding) });
  }
}

function readAttributes(reader: Reader): Attribute[] {
  const attributes: Attribute[] = [];
  for (;;) {
    const name = reader.uleb();
    const form = reader.uleb();
    const constant = form === Form.implicitConst ? reader.sleb() : 0;
    if (name === 0 && form === 0) return attributes;
    if (attributes.length >= MAX_ATTRIBUTES) throw unreadable('an abbreviation has too many attributes', reader.where);
    attributes.push({ name, form, constant });
  }
}

function layout(
  attributes: readonly Attribute[],
  encoding: Encoding,
): Pick<Abbreviation, 'attributes' | 'fixedBytes' | 'siblingAt'> {
  let fixedBytes = 0;
  let siblingAt = -1;
  for (const { name, form } of attributes) {
    if (fixedBytes >= 0 && name === At.sibling && form === Form.ref4) siblingAt = fixedBytes;
    const size = fixedSize(form, encoding);
    fixedBytes = fixedBytes < 0 || size < 0 ? -1 : fixedBytes + size;
  }
  return { attributes, fixedBytes, siblingAt };
}
