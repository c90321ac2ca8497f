import { readdir, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { readLimited } from '#host';
import { FILES_AT_ONCE, MAX_MAKEFILE_BYTES } from './limits.ts';

/** Products of a build, as in a profile of one; they are not part of the source. */
const PRODUCT = /\.(?:o|a|ko|mod|mod\.c|cmd|d|order|symvers|so|dbg|tmp)$/;

/** What a source tree holds, by path relative to its root. */
export interface Listing {
  readonly root: string;
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlyMap<string, readonly string[]>;
  /** Symbolic links → the file of the tree that they point to, or an empty text. */
  readonly links: ReadonlyMap<string, string>;
}

/** Lists a tree; links are listed and not followed. */
export async function listSource(root: string): Promise<Listing> {
  const files = new Set<string>();
  const folders = new Map<string, readonly string[]>();
  const links = new Map<string, string>();
  let level = [''];
  while (level.length > 0) {
    const next: string[] = [];
    for (let start = 0; start < level.length; start += FILES_AT_ONCE) {
      const part = level.slice(start, start + FILES_AT_ONCE);
      const lists = await Promise.all(part.map((folder) => readdir(posix.join(root, folder), { withFileTypes: true })));
      for (const [i, entries] of lists.entries()) {
        const folder = part[i]!;
        const names: string[] = [];
        for (const entry of entries) {
          if (entry.name === '.git') continue;
          const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
          names.push(entry.name);
          if (entry.isDirectory()) next.push(path);
          else if (entry.isSymbolicLink()) links.set(path, '');
          else if (!entry.isFile()) continue;
          if (!entry.isDirectory() && !PRODUCT.test(entry.name)) files.add(path);
        }
        folders.set(folder, names);
      }
    }
    level = next;
  }
  for (const path of links.keys()) {
    const target = posix.join(posix.dirname(path), await readlink(posix.join(root, path)));
    if (files.has(target)) links.set(path, target);
  }
  return { root, files, folders, links };
}

/** Reads Makefiles once each; a link, a missing one and one that is too long are not read. */
export function makefileReader(listing: Listing): (path: string) => Promise<string | undefined> {
  const texts = new Map<string, Promise<string | undefined>>();
  return (given) => {
    const path = posix.normalize(given);
    const known = texts.get(path);
    if (known) return known;
    const safe = listing.files.has(path) && !listing.links.has(path);
    const text = safe
      ? readLimited(posix.join(listing.root, path), MAX_MAKEFILE_BYTES).then(
          (bytes) => bytes.toString('latin1'),
          () => undefined,
        )
      : Promise.resolve(undefined);
    texts.set(path, text);
    return text;
  };
}

/** Files and folders that match a pattern with `*` and `?`; undefined when it leaves the tree or only a build makes it. */
export function matching(listing: Listing, given: string, spend: (work: number) => boolean): string[] | undefined {
  const pattern = posix.normalize(given);
  if (pattern.startsWith('/') || pattern.startsWith('..') || /[[\]\\~]/.test(pattern)) return undefined;
  let found = [''];
  for (const part of pattern.split('/').filter((name) => name !== '' && name !== '.')) {
    const next: string[] = [];
    for (const folder of found) {
      const names = listing.folders.get(folder) ?? [];
      if (!spend(names.length + part.length)) return undefined;
      for (const name of /[*?]/.test(part) ? names : names.includes(part) ? [part] : []) {
        if (globMatches(part, name)) next.push(folder === '' ? name : `${folder}/${name}`);
      }
    }
    found = next;
  }
  if (found.length === 0 && PRODUCT.test(pattern)) return undefined;
  const prefix = given.startsWith('./') ? './' : '';
  return found.map((path) => prefix + path).sort();
}

/** `*` and `?` only, in time proportional to both lengths. */
function globMatches(pattern: string, text: string): boolean {
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t]) && pattern[p] !== '*') {
      p += 1;
      t += 1;
    } else if (pattern[p] === '*') {
      star = p;
      mark = t;
      p += 1;
    } else if (star >= 0) {
      p = star + 1;
      mark += 1;
      t = mark;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
