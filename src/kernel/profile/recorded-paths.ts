import { normalize } from 'node:path';
import { IN_TREE } from '../sandbox.ts';

/** Read for every object of a kernel since 3.x (scripts/Makefile.lib, c_flags and a_flags): what stands before it is the source root. */
const ROOT_MARK = 'include/linux/kconfig.h';

/** Where the trees were when the kernel was built, as the command files write it. */
export interface RecordedRoots {
  /** Each ends in a slash: `../`, `/usr/src/linux/`. */
  readonly roots: readonly string[];
}

/**
 * The source roots that recorded paths show: of a build inside its source none, else what Kbuild had in `srctree`
 * (`..`, or an absolute path). `known` are further absolute folders that stand for the tree.
 */
export function recordedRoots(paths: Iterable<string | null>, known: readonly string[] = []): RecordedRoots {
  const roots = new Set([`${IN_TREE}/`, ...known.map((folder) => `${folder.replace(/\/+$/, '')}/`)]);
  for (const path of paths) {
    if (path === null || !path.endsWith(`/${ROOT_MARK}`)) continue;
    const root = normalize(path.slice(0, -ROOT_MARK.length));
    // tools/include has a copy of its own.
    if (root !== './' && root !== '/' && !/(?:^|\/)tools\/$/.test(root)) roots.add(root);
  }
  return { roots: [...roots].toSorted((a, b) => b.length - a.length) };
}

const DTC_PREFIXES = 'scripts/dtc/include-prefixes/';
const PREFIXED = /scripts\/dtc\/include-prefixes\/([^/]+)\//;

/** Links of the source tree: `dt-bindings` to include/, and an architecture's name to its device trees. */
function withoutPrefix(_whole: string, name: string): string {
  return name === 'dt-bindings' ? 'include/dt-bindings/' : `arch/${name}/boot/dts/`;
}

/** A path relative to the tree, or absolute when it lies outside (the compiler's own headers). */
export function inTree(path: string, { roots }: RecordedRoots): string {
  if (path.includes(DTC_PREFIXES) && PREFIXED.test(path))
    return inTree(path.replace(PREFIXED, withoutPrefix), { roots });
  const usual = path[0] !== '.' && path[0] !== '/' && !path.includes('/.') && !path.includes('//');
  if (usual) return path;
  const clean = normalize(path);
  const root = roots.find((start) => clean.startsWith(start));
  return root === undefined ? clean : clean.slice(root.length);
}
