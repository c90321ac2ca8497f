import type { Profile } from '#domain';
import { type KernelRow, openFiles, type Store } from '#store';
import { profileOf } from './kernel.ts';

/** A folder of the source: how many of its files are compiled into the kernel, and how many CVEs are open in them. */
export interface MapFolder {
  /** At most three parts; a folder counts what lies below it, too. */
  readonly path: string;
  readonly files: number;
  readonly affected: number;
  readonly open: number;
}

export interface KernelMap {
  /** By path. Null: the kernel has no profile. */
  readonly folders: readonly MapFolder[] | null;
  /** Open CVEs that are in none of the folders. */
  readonly elsewhere: number;
}

const DEPTH = 3;
const TOP = '(top)';

/** What is compiled into a kernel, by folder, with the open CVEs on it. */
export async function kernelMap({ db }: Store, kernel: KernelRow): Promise<KernelMap> {
  const [profile, cves] = await Promise.all([profileOf(db, kernel), openFiles(db, kernel.id)]);
  if (profile === null) return { folders: null, elsewhere: cves.length };
  const folders = new Map<string, { files: number; affected: number; open: number }>();
  for (const file of compiledFiles(profile))
    for (const path of foldersOf(file)) {
      const folder = folders.get(path) ?? { files: 0, affected: 0, open: 0 };
      folders.set(path, { ...folder, files: folder.files + 1 });
    }
  let elsewhere = 0;
  for (const { status, files } of cves) {
    const hit = new Set(files.flatMap(foldersOf).filter((path) => folders.has(path)));
    if (hit.size === 0) elsewhere += 1;
    for (const path of hit) folders.get(path)![status === 'affected' ? 'affected' : 'open'] += 1;
  }
  const sorted = [...folders].map(([path, counts]) => ({ path, ...counts }));
  return { folders: sorted.toSorted((a, b) => (a.path < b.path ? -1 : 1)), elsewhere };
}

/** Sources of code that runs with the kernel: not those of programs of the build. */
function compiledFiles({ objects }: Profile): ReadonlySet<string> {
  return new Set(objects.flatMap(({ source, target }) => (target === null ? [] : [source])));
}

/** `net`, `net/ipv4` of `net/ipv4/udp.c`. */
function foldersOf(file: string): string[] {
  const parts = file.split('/').slice(0, -1).slice(0, DEPTH);
  return parts.length === 0 ? [TOP] : parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
