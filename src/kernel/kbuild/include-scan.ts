import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { MAX_SOURCE_BYTES } from './limits.ts';
import type { Listing } from './listing.ts';

const READ = /\.(?:c|h|S|inc|dts|dtsi|dtso|cpp|tmpl)$/;
/** Programs of the build machine: what they include does not come into a kernel that way. */
const OUTSIDE = /^(?:tools|scripts|Documentation)\//;
const ENDS = ['.c"', '.c>', '.S"', '.S>', '.dts"', '.c)', '.S)'].map((text) => Buffer.from(text));
const YIELD_EVERY = 256;
/** Bytes of a directive that are looked at, with its continued lines, and of a path in it. */
const MAX_DIRECTIVE = 2048;
const MAX_NAME = 512;

/** Source file → the files that include it, or may. */
export type Includers = ReadonlyMap<string, ReadonlySet<string>>;

export interface IncludeScan {
  readonly includers: Includers;
  /** Files that could not be looked at: they may include anything. */
  readonly unread: readonly string[];
}

/**
 * Looks through all sources and headers for the inclusion of a file that could also be compiled by itself, also by way of
 * a macro. A path that is not found beside its includer means every file of the tree that it could mean.
 */
export async function scanIncludes(listing: Listing): Promise<IncludeScan> {
  const unread: string[] = [];
  const byName = sourcesByName(listing.files);
  const includers = new Map<string, Set<string>>();
  const add = (file: string, by: string): void => {
    const known = includers.get(file);
    if (known) known.add(by);
    else includers.set(file, new Set([by]));
  };
  for (const [link, target] of listing.links) if (target !== '') add(target, link);
  let buffer = Buffer.allocUnsafe(1 << 20);
  let count = 0;
  for (const file of listing.files) {
    if (!READ.test(file) || OUTSIDE.test(file) || listing.links.has(file)) continue;
    count += 1;
    if (count % YIELD_EVERY === 0) await new Promise(setImmediate);
    const path = posix.join(listing.root, file);
    const content = readInto(path, buffer);
    if (content === undefined) {
      unread.push(file);
      continue;
    }
    if (content.length > buffer.length) buffer = content as Buffer<ArrayBuffer>;
    for (const named of namedIn(content))
      for (const target of meant(named, file, listing.files, byName)) add(target, file);
  }
  return { includers, unread };
}

/** The content, in the buffer when it fits; undefined for a file that went away or is beyond all sense. */
function readInto(path: string, buffer: Buffer): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    if (size > MAX_SOURCE_BYTES) return undefined;
    const target = size <= buffer.length ? buffer : Buffer.allocUnsafe(size);
    let length = 0;
    while (length < size) {
      const read = readSync(fd, target, length, size - length, length);
      if (read === 0) break;
      length += read;
    }
    return target.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Paths of sources that directives of the text name. */
function namedIn(content: Buffer): Set<string> {
  const found = new Set<string>();
  for (const end of ENDS) {
    for (let at = content.indexOf(end); at >= 0; at = content.indexOf(end, at + 1)) {
      const before = content.toString('latin1', Math.max(0, at - MAX_DIRECTIVE), at + end.length - 1);
      if (!isDirective(before)) continue;
      const name = /[^"<(\s]+$/.exec(before.slice(-MAX_NAME))?.[0];
      if (name !== undefined) found.add(name);
    }
  }
  return found;
}

/** Is the end of this text within a directive? Beyond what was looked at it is taken for one. */
function isDirective(before: string): boolean {
  let start = before.lastIndexOf('\n') + 1;
  while (start > 1 && before[start - 2] === '\\') start = before.lastIndexOf('\n', start - 2) + 1;
  if (start === 0 && before.length >= MAX_DIRECTIVE) return true;
  return /^\s*(?:#|\/include\/)/.test(before.slice(start));
}

function meant(
  named: string,
  by: string,
  files: ReadonlySet<string>,
  byName: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const beside = posix.normalize(posix.join(posix.dirname(by), named));
  if (files.has(beside)) return [beside];
  const tail = named.replace(/^(?:\.{1,2}\/)+/, '');
  const all = byName.get(posix.basename(tail)) ?? [];
  return all.filter((file) => file === tail || file.endsWith(`/${posix.normalize(tail)}`));
}

export function sourcesByName(files: ReadonlySet<string>): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const file of files) {
    if (!/\.(?:c|S|dts|rs|dtso)$/.test(file)) continue;
    const name = file.slice(file.lastIndexOf('/') + 1);
    const same = byName.get(name);
    if (same) same.push(file);
    else byName.set(name, [file]);
  }
  return byName;
}
