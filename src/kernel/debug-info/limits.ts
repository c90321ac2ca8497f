import { KernelError } from '../error.ts';

/** A debug package is hostile input: every size in it is held against one of these before anything is made of it. */
/** Bytes of one section, after decompression; the largest .debug_info seen in an all-modules kernel is below 1 GiB. */
export const MAX_SECTION_BYTES = 2 ** 31;
/** Bytes of one compressed module, after decompression. */
export const MAX_MODULE_BYTES = 2 ** 30;
/** Entries of the folder that is searched; a full debug package has some 5,000. */
export const MAX_FOLDER_ENTRIES = 200_000;
export const MAX_UNITS = 200_000;
export const MAX_ABBREVIATIONS = 100_000;
export const MAX_ATTRIBUTES = 1_000;
/** Entries of all line tables of one file together; a Debian vmlinux has some 330,000. */
export const MAX_LINE_FILES = 10_000_000;
/** Entries of one line table; the largest of a Debian kernel has some 1,000. */
export const MAX_TABLE_FILES = 1_000_000;
/** Names of functions of one file, one a unit that has it; a Debian vmlinux has some 150,000. */
export const MAX_FUNCTIONS = 10_000_000;
/** What is kept so as not to be made twice; beyond that it is made again. */
export const MAX_KEPT = 1_000_000;
/** Different files of a profile; the source of a kernel has some 80,000. */
export const MAX_FILES = 2_000_000;
/** What is listed as unreadable of one vmlinux or module; the rest is counted. */
export const MAX_LISTED = 50;
export const MAX_STRING_BYTES = 16_384;
/** Steps from an entry to the one that names it (DW_AT_abstract_origin, DW_AT_specification); compilers make two. */
export const MAX_ORIGIN_STEPS = 8;
export const MAX_DEPTH = 10_000;

export function unreadable(what: string, where: string, cause?: unknown): KernelError {
  return new KernelError('debug-info-unreadable', 'input', {
    what,
    where,
    remedy: 'get the debug package again; it must be the unpacked package of one x86-64 or arm64 kernel',
    cause,
  });
}
