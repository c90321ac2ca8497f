import { type Abbreviations, readAbbreviations } from './abbreviations.ts';
import type { Encoding } from './forms.ts';
import { MAX_UNITS, unreadable } from './limits.ts';
import { Reader } from './reader.ts';
import type { DebugSections } from './sections.ts';

/** Header of one unit of .debug_info (DWARF 5, 7.5.1; DWARF 2 to 4: 7.5.1.1). */
export interface UnitHeader extends Encoding {
  /** Offset of the unit: what references within it count from. */
  readonly start: number;
  /** Offset of its first entry. */
  readonly entries: number;
  readonly end: number;
  /** DW_UT_*; before DWARF 5 always DW_UT_compile, also for partial units. */
  readonly type: number;
  readonly abbreviationsAt: number;
}

export const UnitType = { compile: 1, type: 2, partial: 3, skeleton: 4, splitCompile: 5, splitType: 6 } as const;

/**
 * The units of a .debug_info section, in order. A unit whose header cannot be believed ends the list, since where the next
 * one begins is then not known; `broken` says why. Units of a version that is not read are in `foreign`.
 */
export function readUnitHeaders(
  info: Buffer,
  where: string,
): { units: UnitHeader[]; broken: string | null; foreign: string[] } {
  const units: UnitHeader[] = [];
  const foreign: string[] = [];
  for (let start = 0; start < info.length; ) {
    try {
      if (units.length + foreign.length >= MAX_UNITS) throw unreadable('the file has too many units', where);
      const unit = readUnitHeader(info, start, where);
      if (typeof unit === 'number') foreign.push(`unit at ${start}: its version of DWARF is not read`);
      else units.push(unit);
      start = typeof unit === 'number' ? unit : unit.end;
    } catch (error) {
      return { units, broken: `unit at ${start}: ${(error as Error).message}`, foreign };
    }
  }
  return { units, broken: null, foreign };
}

/** A number instead of a header: where the next unit begins, when this one is of a version that is not read. */
function readUnitHeader(info: Buffer, start: number, where: string): UnitHeader | number {
  const reader = new Reader(info, where, start);
  const { length, offsetBytes } = reader.initialLength();
  const end = reader.at + length;
  if (!(end <= info.length)) throw unreadable('its length lies outside the section', where);
  const version = reader.u16();
  if (version < 2 || version > 5) return end;
  let type: number = UnitType.compile;
  let addressBytes: number;
  let abbreviationsAt: number;
  if (version >= 5) {
    type = reader.u8();
    addressBytes = reader.u8();
    abbreviationsAt = reader.offset(offsetBytes);
    if (type === UnitType.skeleton || type === UnitType.splitCompile) reader.skip(8);
    if (type === UnitType.type || type === UnitType.splitType) reader.skip(8 + offsetBytes);
  } else {
    abbreviationsAt = reader.offset(offsetBytes);
    addressBytes = reader.u8();
  }
  if (addressBytes !== 8) throw unreadable(`addresses of ${addressBytes} bytes`, where);
  if (reader.at > end) throw unreadable('its header is longer than itself', where);
  return { start, entries: reader.at, end, type, abbreviationsAt, version, offsetBytes, addressBytes };
}

/**
 * Abbreviation tables by offset, each read once. Tables that overlap would let a small file ask for unbounded work: what is
 * read in all may not be much more than the section. Errors: debug-info-unreadable.
 */
export class AbbreviationTables {
  readonly #sections: DebugSections;
  readonly #known = new Map<string, Abbreviations>();
  #left: number;

  constructor(sections: DebugSections) {
    this.#sections = sections;
    this.#left = sections.abbreviations.length * 4;
  }

  of(unit: UnitHeader): Abbreviations {
    const key = `${unit.abbreviationsAt} ${unit.version <= 2} ${unit.offsetBytes} ${unit.addressBytes}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { abbreviations, where } = this.#sections;
    if (this.#left < 0) throw unreadable('abbreviation tables overlap', where);
    const reader = new Reader(abbreviations, where, unit.abbreviationsAt);
    try {
      const table = readAbbreviations(reader, unit);
      this.#known.set(key, table);
      return table;
    } finally {
      this.#left -= reader.at - unit.abbreviationsAt;
    }
  }
}
