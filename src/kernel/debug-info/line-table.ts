import { type Encoding, Form, numberOf, skipForm } from './forms.ts';
import { MAX_TABLE_FILES, unreadable } from './limits.ts';
import { Reader } from './reader.ts';
import type { Strings } from './sections.ts';

const DW_LNCT_PATH = 1;
const DW_LNCT_DIRECTORY = 2;

export interface LineFile {
  /** The directory as written, or the empty text for the directory the compiler ran in. */
  readonly directory: string;
  readonly name: string;
}

interface LineStrings {
  readonly strings: Strings;
  readonly lineStrings: Strings;
}

/**
 * The files of a line table's header (DWARF 2 to 4: 6.2.4; DWARF 5: 6.2.4.1). The program behind it is not run: only
 * DW_LNE_define_file, which no compiler writes, could add a file. Errors: debug-info-unreadable.
 */
export function readLineFiles(section: Buffer, offset: number, texts: LineStrings, where: string): LineFile[] {
  const outer = new Reader(section, where, offset);
  const { length, offsetBytes } = outer.initialLength();
  if (!(outer.at + length <= section.length)) throw unreadable('a line table lies outside its section', where);
  const reader = new Reader(section, where, outer.at, outer.at + length);
  const version = reader.u16();
  if (version < 2 || version > 5) throw unreadable(`line tables of version ${version} are not read`, where);
  const addressBytes = version >= 5 ? reader.u8() : 8;
  if (version >= 5) reader.skip(1);
  const headerBytes = reader.offset(offsetBytes);
  const program = reader.at + headerBytes;
  if (!(program <= reader.end)) throw unreadable('the header of a line table is longer than the table', where);
  // minimum_instruction_length, maximum_operations_per_instruction (from version 4), default_is_stmt, line_base, line_range
  reader.skip(version >= 4 ? 5 : 4);
  reader.skip(Math.max(0, reader.u8() - 1));
  const header = new Reader(section, where, reader.at, program);
  if (version < 5) return readOldTable(header);
  const encoding = { version, offsetBytes, addressBytes };
  const directories = readEntries(header, encoding, texts).map(({ name }) => name);
  return readEntries(header, encoding, texts).map(({ name, directory }) => {
    const found = directories[directory];
    if (found === undefined) throw unreadable('a line table names a directory that it has not', where);
    return { directory: directory === 0 ? '' : found, name };
  });
}

function readOldTable(reader: Reader): LineFile[] {
  const directories = [''];
  for (let name = reader.string(); name !== ''; name = reader.string()) directories.push(name);
  const files: LineFile[] = [];
  for (let name = reader.string(); name !== ''; name = reader.string()) {
    const directory = directories[reader.uleb()];
    reader.skipLeb();
    reader.skipLeb();
    if (directory === undefined) throw unreadable('a line table names a directory that it has not', reader.where);
    files.push({ directory, name });
    if (files.length > MAX_TABLE_FILES) throw unreadable('a line table has too many files', reader.where);
  }
  return files;
}

/** A list that says first which parts an entry has and in which form (DWARF 5, 6.2.4.1). */
function readEntries(reader: Reader, encoding: Encoding, texts: LineStrings): { name: string; directory: number }[] {
  const format = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb(), form: reader.uleb() }));
  const count = reader.uleb();
  // Every entry takes a byte at least: a count that cannot fit is not believed.
  if (
    count > Math.min(reader.end - reader.at, MAX_TABLE_FILES) ||
    (count > 0 && !format.some(({ content }) => content === DW_LNCT_PATH))
  )
    throw unreadable('a line table has a list of files that cannot be', reader.where);
  return Array.from({ length: count }, () => {
    const entry = { name: '', directory: 0 };
    for (const { content, form } of format) {
      if (content === DW_LNCT_PATH) entry.name = textOf(reader, form, encoding, texts);
      else if (content === DW_LNCT_DIRECTORY) entry.directory = numberOf(reader, form, encoding) ?? Infinity;
      else skipForm(reader, form, encoding);
    }
    return entry;
  });
}

function textOf(reader: Reader, form: number, { offsetBytes }: Encoding, texts: LineStrings): string {
  if (form === Form.string) return reader.string();
  if (form === Form.lineStrp) return texts.lineStrings.at(reader.offset(offsetBytes));
  if (form === Form.strp) return texts.strings.at(reader.offset(offsetBytes));
  throw unreadable(`a line table has names of form 0x${form.toString(16)}, which is not read`, reader.where);
}
