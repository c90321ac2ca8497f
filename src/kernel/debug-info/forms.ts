import { unreadable } from './limits.ts';
import type { Reader } from './reader.ts';

/** What the size of an attribute's value depends on (DWARF 5, 7.5.1). */
export interface Encoding {
  readonly version: number;
  readonly offsetBytes: number;
  readonly addressBytes: number;
}

/** Attribute forms (DWARF 5, 7.5.6, table 7.6; 0x1f..: GNU, binutils include/dwarf2.def). */
export const Form = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddrIndex: 0x1f01,
  gnuStrIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

const FIXED = new Map<number, number>([
  [Form.data1, 1],
  [Form.ref1, 1],
  [Form.flag, 1],
  [Form.strx1, 1],
  [Form.addrx1, 1],
  [Form.data2, 2],
  [Form.ref2, 2],
  [Form.strx2, 2],
  [Form.addrx2, 2],
  [Form.strx3, 3],
  [Form.addrx3, 3],
  [Form.data4, 4],
  [Form.ref4, 4],
  [Form.refSup4, 4],
  [Form.strx4, 4],
  [Form.addrx4, 4],
  [Form.data8, 8],
  [Form.ref8, 8],
  [Form.refSig8, 8],
  [Form.refSup8, 8],
  [Form.data16, 16],
  [Form.flagPresent, 0],
  [Form.implicitConst, 0],
]);
const OFFSETS: ReadonlySet<number> = new Set([
  Form.strp,
  Form.secOffset,
  Form.lineStrp,
  Form.strpSup,
  Form.gnuRefAlt,
  Form.gnuStrpAlt,
]);

/** Bytes of a value of this form, or -1 where only the value itself says. */
export function fixedSize(form: number, { version, offsetBytes, addressBytes }: Encoding): number {
  if (OFFSETS.has(form)) return offsetBytes;
  if (form === Form.addr) return addressBytes;
  // DWARF 2 has it as wide as an address (DWARF 3, 7.5.4).
  if (form === Form.refAddr) return version <= 2 ? addressBytes : offsetBytes;
  return FIXED.get(form) ?? -1;
}

/** Goes past a value. Errors: debug-info-unreadable, for a form that is not known, since its size is not. */
export function skipForm(reader: Reader, form: number, encoding: Encoding): void {
  const size = fixedSize(form, encoding);
  if (size >= 0) return reader.skip(size);
  switch (form) {
    case Form.string:
      return reader.skipString();
    case Form.sdata:
    case Form.udata:
    case Form.refUdata:
    case Form.strx:
    case Form.addrx:
    case Form.loclistx:
    case Form.rnglistx:
    case Form.gnuAddrIndex:
    case Form.gnuStrIndex:
      return reader.skipLeb();
    case Form.exprloc:
    case Form.block:
      return reader.skip(reader.uleb());
    case Form.block1:
      return reader.skip(reader.u8());
    case Form.block2:
      return reader.skip(reader.u16());
    case Form.block4:
      return reader.skip(reader.u32());
    case Form.indirect:
      return skipForm(reader, directForm(reader), encoding);
    default:
      throw unreadable(`values of form 0x${form.toString(16)} are not read`, reader.where);
  }
}

/** The form that stands before a value of DW_FORM_indirect; another indirection or a value of the abbreviation is refused. */
export function directForm(reader: Reader): number {
  const form = reader.uleb();
  if (form === Form.indirect || form === Form.implicitConst)
    throw unreadable('a value names no form of its own', reader.where);
  return form;
}

/** A number that stands in the value itself: constants, flags, offsets, references. Undefined: it is none. */
export function numberOf(reader: Reader, form: number, encoding: Encoding): number | undefined {
  if (form === Form.flagPresent) return 1;
  if (form === Form.udata || form === Form.refUdata) return reader.uleb();
  switch (fixedSize(form, encoding)) {
    case 1:
      return reader.u8();
    case 2:
      return reader.u16();
    case 3:
      return reader.u24();
    case 4:
      return reader.u32();
    case 8:
      return reader.u64();
    default:
      skipForm(reader, form, encoding);
      return undefined;
  }
}
