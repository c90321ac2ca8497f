import type { TraceFrame } from '../report.ts';

/** `net/core/dev.c:12 (discriminator 3)`, as addr2line prints it; `??:?` and `file.c:?` where it knows less. */
const PLACE = /^ ?([\w./+~@-]+\.(?:[chSs]|rs)|\?\?):(\d+|\?)(?: \(discriminator \d+\))?/;
/** `foo (lib/x.c:12 include/y.h:3) module (P)`: scripts/decode_stacktrace.sh, which takes the offset away. */
const DECODED = /^([A-Za-z_$][^\s+()]*|<.{1,200}?>[^\s+()]*) \((?=[^\s()]+:[\d?])/;
const OWNER = /^\)(?: \[?([\w-]+)(?: [0-9a-f]+)?\]?)?(?: \((?:[A-Z]{1,3}|unreliable)\))?\s*$/;
/** `(inlined by) foo at lib/x.c:12`: addr2line -p, scripts/faddr2line. In older logs ` [<     inline     >] foo lib/x.c:12`. */
const INLINED =
  /^(?:\(inlined by\) ([A-Za-z_<][^\s+()]*) at |\[< +inline +>\] ([A-Za-z_<][^\s+()]*) |([A-Za-z_<][^\s+()]*) at )(?=[\w./+~@-]+:\d)/;
const PLACES_MAX = 32;

export interface Places {
  /** The place of the function itself; null where it is not known. */
  readonly file: string | null;
  /** Letters that they take. */
  readonly length: number;
}

/**
 * The places behind a symbol, in parentheses or not. `addr2line -i` names first the innermost of the functions that were
 * inlined, and last the one that was compiled, which is the one the symbol names.
 */
export function placesOf(text: string): Places | null {
  const open = /^\s*\(/.exec(text)?.[0].length ?? 0;
  let at = open;
  let file: string | null = null;
  for (let i = 0; i < PLACES_MAX; i += 1) {
    const found = PLACE.exec(text.slice(at));
    if (found === null) break;
    if (found[1] !== '??' && found[2] !== '?') file = `${found[1]}:${found[2]}`;
    at += found[0].length;
  }
  if (at === open) return null;
  return { file, length: at + (open > 0 && text[at] === ')' ? 1 : 0) };
}

/** A frame whose offset was replaced by its place in the source; null where the text is none. */
export function parseDecoded(text: string, unsure: boolean): TraceFrame | null {
  if (!text.includes(' (')) return null;
  const found = DECODED.exec(text);
  if (found === null) return null;
  const rest = text.slice(found[0].length);
  const places = placesOf(rest);
  const owner = places === null ? null : OWNER.exec(rest.slice(places.length));
  if (places === null || owner === null) return null;
  return { ...frame(found[1]!, places.file), module: owner[1] ?? null, unsure };
}

/** A function that was inlined, in a line of its own; null where the line is none. */
export function parseInlined(text: string): TraceFrame | null {
  const found = INLINED.exec(text);
  if (found === null) return null;
  const rest = text.slice(found[0].length);
  const places = placesOf(rest);
  if (places === null || rest.slice(places.length).trim() !== '') return null;
  return { ...frame(found.slice(1).find(Boolean)!, places.file), inline: true };
}

function frame(name: string, file: string | null): TraceFrame {
  return { function: name, offset: null, size: null, module: null, unsure: false, inline: false, file };
}
