import type { Block } from '../split.ts';

/** What one line of the input says, or one fragment of it. */
export interface Decoded {
  /** May hold line feeds: a record of several lines. */
  readonly text: string;
  /** As those of LogLine. */
  readonly time: number | null;
  readonly level: number | null;
  readonly caller: string | null;
  readonly fromKernel: boolean;
  /**
   * Letters before the text; 0: the line has no prefix. dmesg and journalctl indent the further lines of a record by as
   * many spaces.
   */
  readonly width: number;
  /** A further line of the record before it, as that of LogLine. */
  readonly rest: boolean;
  /** A fragment of a record: which record, and whether it is its first or last fragment; null: the record is whole. */
  readonly part: { readonly of: string; readonly first: boolean; readonly last: boolean } | null;
}

/** Puts entries that the journal writes over several lines together, each to a block of one line for the decoder. */
export interface EntryJoiner {
  /** The entries that end within the block, each to be read before the next is asked for. */
  push(block: Block): Iterable<Block>;
  /** The entry that is open, as far as it came. */
  end(): Iterable<Block>;
}

/** The entry with this message has to be read. */
export type IsWanted = (message: Uint8Array) => boolean;

/** Reads lines of one transport. */
export interface LineDecoder {
  /** Records of several lines are written with indented lines (dmesg, journalctl). */
  readonly indents: boolean;
  /** Why a line may not be believed, in words. */
  readonly distrust: string;
  /** A line without controls; undefined: it is no line of a log (a key of a record, a heading). */
  decode(line: string): Decoded | undefined;
  /** The text of a record from its fragments, which `decode` leaves as they are; absent where there are none. */
  whole?(fragments: string): string;
  /** Puts entries of several lines into one, before they are decoded; absent where an entry is a line. */
  readonly joiner?: (isWanted: IsWanted) => EntryJoiner;
}

/** A whole record. */
export function record(text: string, rest: Partial<Omit<Decoded, 'text' | 'rest'>> = {}): Decoded {
  const { time = null, level = null, caller = null, fromKernel = true, width = 0, part = null } = rest;
  return { text, time, level, caller, fromKernel: fromKernel && !isProgram(text), width, rest: false, part };
}

/**
 * `systemd[1]: Started x`: a program that wrote to /dev/kmsg, in its customary form, or the kernel speaking of a task
 * (`a.out[12]: segfault at 0`, arch/x86/mm/fault.c), whose name of 15 bytes may be anything: `BUG: KASAN[12]: segfault`.
 * Neither is of a report, and plain dmesg cannot tell them apart.
 */
const PROGRAM = /^(?!INFO: task .{1,15}:-?\d+ blocked )(?:[^\s:[\]]{1,64}|.{1,15})\[\d{1,10}\]: /;

export function isProgram(text: string): boolean {
  return text.includes(']: ') && PROGRAM.test(text);
}

/** Facility and level in one number, as `<30>` (RFC 3164 section 4.1.1): the kernel's own facility is 0. */
export function priority(value: number): { level: number; fromKernel: boolean } {
  return { level: value & 7, fromKernel: value >> 3 === 0 };
}
