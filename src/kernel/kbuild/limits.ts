/** Limits on Makefiles of a source that nobody vouches for; beyond each the answer is "unknown", never "left out". */

/** The greatest Makefile of Linux 6.1 outside tools/ has 80 KiB. */
export const MAX_MAKEFILE_BYTES = 1 << 20;
/** Files that one folder's Makefile may include, at any depth, and how deep. */
export const MAX_INCLUDES = 256;
export const MAX_INCLUDE_DEPTH = 16;
/** Longest text of one expansion, in characters. */
export const MAX_EXPANSION = 1 << 18;
/** Nested references, calls and self-reference: deeper ones are unknown. */
export const MAX_DEPTH = 64;
/** Work of the whole evaluation, in characters produced or compared; a server's Linux 6.1 needs a sixtieth. */
export const MAX_WORK = 1 << 26;
/** Parts within parts of an object. */
export const MAX_NESTED_OBJECTS = 8;
/** Source files read while looking for one that includes another `.c`; greater ones are taken as including anything. */
export const MAX_SOURCE_BYTES = 64 << 20;
export const FILES_AT_ONCE = 32;
