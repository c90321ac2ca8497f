import { posix } from 'node:path';
import { type Contents, contentsOf, type Item } from './contents.ts';
import { type EvaluateOptions, evaluateMakefile } from './evaluate.ts';
import type { Facts } from './facts.ts';
import type { Listing } from './listing.ts';

/** How Kbuild comes into a folder. */
export interface Visit {
  readonly sure: boolean;
  readonly builtin: boolean;
  readonly modules: boolean;
}

export interface Folder {
  readonly facts: Facts;
  readonly contents: Contents;
  /** Path of the Makefile that was read. */
  readonly makefile: string;
  visit: Visit;
}

/** A folder that was to be visited and whose Makefile is not there. */
export interface Walked {
  readonly folders: ReadonlyMap<string, Folder>;
  readonly missing: ReadonlySet<string>;
}

export type FolderOptions = Omit<EvaluateOptions, 'folder' | 'makefile'>;

/** Lists that Kbuild empties before it reads a folder's Makefile (scripts/Makefile.build). */
const LISTS = ['obj-y', 'obj-m', 'lib-y', 'lib-m', 'always-y', 'always-m', 'targets', 'subdir-y', 'subdir-m'];

/** Variables of every folder's Makefile (scripts/Kbuild.include, scripts/Makefile.build). */
export function presetOf(folder: string): Map<string, string> {
  const preset = new Map(LISTS.map((name) => [name, '']));
  const here = folder === '' ? '.' : folder;
  for (const name of ['obj', 'src', 'kbuild-dir']) preset.set(name, here);
  for (const name of ['srctree', 'objtree', 'srcroot']) preset.set(name, '.');
  preset.set('comma', ',').set('quote', '"').set('squote', "'").set('empty', '').set('space', ' ').set('pound', '#');
  return preset.set('build', '-f ./scripts/Makefile.build obj');
}

/** Goes from the root's folders down, each read once; a folder reached in a second way is passed on again. */
export async function walk(roots: readonly Folder[], listing: Listing, options: FolderOptions): Promise<Walked> {
  const folders = new Map<string, Folder>();
  const missing = new Set<string>();
  let level = roots.flatMap((root) => visitsFrom(root));
  // The root has two Makefiles; both are kept, under names that no folder has.
  for (const root of roots) folders.set(root.facts.folder === '' ? `./${root.makefile}` : root.facts.folder, root);
  while (level.length > 0) {
    const next: [string, Visit][] = [];
    for (const [path, visit] of level) {
      if (path === '') continue;
      const known = folders.get(path);
      if (known) {
        const merged = merge(known.visit, visit);
        if (same(merged, known.visit)) continue;
        known.visit = merged;
        next.push(...visitsFrom(known));
        continue;
      }
      const makefile = ['Kbuild', 'Makefile']
        .map((name) => posix.join(path, name))
        .find((name) => listing.files.has(name));
      if (makefile === undefined || path.startsWith('..')) {
        missing.add(path);
        continue;
      }
      const facts = await evaluateMakefile({ ...options, folder: path, makefile, preset: presetOf(path) });
      const folder: Folder = { facts, contents: contentsOf(facts, false), makefile, visit };
      folders.set(path, folder);
      next.push(...visitsFrom(folder));
    }
    level = next;
  }
  return { folders, missing };
}

function visitsFrom({ facts, contents, visit }: Folder): [string, Visit][] {
  const below = contents.folders.map((item): [string, Visit] => [item.path, visitOf(item, visit)]);
  for (const entered of facts.entered) {
    below.push([clean(posix.normalize(entered)), { sure: false, builtin: true, modules: true }]);
  }
  return below;
}

function visitOf(item: Item, above: Visit): Visit {
  const sure = item.sure && above.sure;
  if (item.needs === 'any') return { sure, builtin: false, modules: false };
  return { sure, builtin: item.needs === 'builtin' && above.builtin, modules: above.modules };
}

/** Lists of built-in code count where the folder is visited for it, lists of modules where it is visited for them. */
export function isReached(item: Item, visit: Visit): boolean {
  if (!item.sure || !visit.sure) return false;
  return item.needs === 'any' || (item.needs === 'builtin' ? visit.builtin : visit.modules);
}

function merge(a: Visit, b: Visit): Visit {
  // A doubtful visit adds nothing to a sure one.
  if (a.sure !== b.sure) return a.sure ? a : b;
  return { sure: a.sure, builtin: a.builtin || b.builtin, modules: a.modules || b.modules };
}

function same(a: Visit, b: Visit): boolean {
  return a.sure === b.sure && a.builtin === b.builtin && a.modules === b.modules;
}

function clean(path: string): string {
  const short = path.replace(/\/+$/, '');
  return short === '.' ? '' : short;
}
