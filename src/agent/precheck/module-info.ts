/** What a module file says of itself: `.modinfo`, `key=value` with a zero behind each (kernel/module/main.c, get_modinfo). */
export interface ModuleInfo {
  /** e_machine of the ELF header. */
  readonly machine: number;
  readonly fields: ReadonlyMap<string, string>;
  /** Ends with the mark of an appended signature (kernel/module/signing.c). */
  readonly signed: boolean;
}

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const MAX_SECTIONS = 100_000;
const SIGNATURE_MARK = '~Module signature appended~\n';

/** Reads a 64-bit little-endian ELF file; undefined where it is none, or has no `.modinfo`. */
export function readModuleInfo(module: Buffer): ModuleInfo | undefined {
  if (module.length < HEADER_BYTES || module.readUInt32BE(0) !== 0x7f454c46) return undefined;
  if (module[4] !== 2 || module[5] !== 1) return undefined;
  const info = sectionOf(module, '.modinfo');
  if (info === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const entry of info.toString('latin1').split('\0')) {
    const at = entry.indexOf('=');
    if (at > 0 && !fields.has(entry.slice(0, at))) fields.set(entry.slice(0, at), entry.slice(at + 1));
  }
  const signed = module.subarray(-SIGNATURE_MARK.length).toString('latin1') === SIGNATURE_MARK;
  return { machine: module.readUInt16LE(18), fields, signed };
}

function sectionOf(elf: Buffer, wanted: string): Buffer | undefined {
  const table = Number(elf.readBigUInt64LE(40));
  const size = elf.readUInt16LE(58);
  if (size !== SECTION_BYTES || table + SECTION_BYTES > elf.length) return undefined;
  const at = (index: number): number => table + index * SECTION_BYTES;
  // elf(5): with 65,280 sections and more the numbers stand in the first section header.
  const count = elf.readUInt16LE(60) || Number(elf.readBigUInt64LE(at(0) + 32));
  const given = elf.readUInt16LE(62);
  const namesIndex = given === 0xffff ? elf.readUInt32LE(at(0) + 40) : given;
  if (count > MAX_SECTIONS || at(count) > elf.length || namesIndex >= count) return undefined;
  const content = (index: number): Buffer => {
    const start = Number(elf.readBigUInt64LE(at(index) + 24));
    return elf.subarray(start, start + Number(elf.readBigUInt64LE(at(index) + 32)));
  };
  const names = content(namesIndex);
  for (let i = 1; i < count; i += 1) {
    const start = elf.readUInt32LE(at(i));
    if (names.subarray(start, start + wanted.length + 1).toString('latin1') === `${wanted}\0`) return content(i);
  }
  return undefined;
}
