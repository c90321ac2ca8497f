import { posix } from 'node:path';
import { MAX_KEPT } from './limits.ts';

/** Sources whose place gives the root away when no list of sources is given: every kernel has some of these. */
const LANDMARKS: ReadonlySet<string> = new Set([
  'init/main.c',
  'kernel/fork.c',
  'mm/memory.c',
  'arch/x86/kernel/head_64.S',
  'arch/arm64/kernel/head.S',
]);
/** A root that fewer than one in this many units lie under is chance: `drivers/x/init/main.c` is not the kernel's. */
const MIN_SHARE = 200;

export interface NamedUnit {
  readonly name: string;
  readonly compDir: string;
}

export interface PlacedPath {
  /** Relative to the source root; below a build folder of its own (O=) relative to that; else as written. */
  readonly path: string;
  /** False: it lies neither below the source root nor below a build folder. */
  readonly placed: boolean;
}

/**
 * Turns paths of debug information into paths of the source. Builds differ in what they write: absolute paths, paths
 * relative to the folder the compiler ran in, `../` out of a build folder, and with -ffile-prefix-map paths that begin at
 * the source root although the folder they name is another. So each path is read in both ways, below each root that the
 * names of the units vote for, and the first that is a file of the source wins.
 */
export class SourcePaths {
  readonly #sources: ReadonlySet<string>;
  /** Longest first; each ends in "/", or is the empty text for paths that begin at the source root. */
  readonly #roots: readonly string[];
  readonly #known = new Map<string, Map<string, PlacedPath>>();

  constructor(units: readonly NamedUnit[], sources: ReadonlySet<string>) {
    this.#sources = sources;
    const roots = sources.size > 0 ? votedRoots(units, (path) => sources.has(path)) : [];
    const found = roots.length > 0 ? roots : votedRoots(units, (path) => LANDMARKS.has(path));
    const buildFolders = new Set(units.map(({ compDir }) => below(compDir)));
    this.#roots = [...new Set([...found, ...buildFolders])].filter((root) => root !== '/').toSorted(longestFirst);
  }

  /** `name` as a unit or its line table has it, relative to `directory`, which is itself relative to `compDir`. */
  place(compDir: string, directory: string, name: string): PlacedPath {
    const key = `${compDir}\n${directory}`;
    const known = this.#known.get(key) ?? new Map<string, PlacedPath>();
    this.#known.set(key, known);
    const found = known.get(name) ?? this.#find(compDir, posix.join(directory, name));
    if (known.size < MAX_KEPT) known.set(name, found);
    return found;
  }

  #find(compDir: string, written: string): PlacedPath {
    const readings = readingsOf(compDir, written);
    for (const reading of readings)
      for (const root of this.#roots) {
        const path = under(reading, root);
        if (path !== undefined && this.#sources.has(path)) return { path, placed: true };
      }
    // A file that the build made. The full reading comes first: it is the one that says which folder it was made in.
    for (const reading of readings.toReversed())
      for (const root of this.#roots) {
        const path = under(reading, root);
        if (path !== undefined) return { path, placed: true };
      }
    return { path: readings[0]!, placed: false };
  }
}

/** As written, and below the folder the compiler ran in. */
function readingsOf(compDir: string, written: string): string[] {
  const plain = posix.normalize(written);
  return posix.isAbsolute(plain) ? [plain] : [plain, posix.join(compDir, plain)];
}

function under(path: string, root: string): string | undefined {
  if (root === '') return posix.isAbsolute(path) || path.startsWith('../') ? undefined : path;
  return path.startsWith(root) ? path.slice(root.length) : undefined;
}

function below(directory: string): string {
  const plain = posix.normalize(directory);
  return plain === '.' ? '' : plain.endsWith('/') ? plain : `${plain}/`;
}

/** Roots below which files of the source lie, by how many units say so; chance hits are left out. */
function votedRoots(units: readonly NamedUnit[], isSource: (path: string) => boolean): string[] {
  const votes = new Map<string, number>();
  for (const { name, compDir } of units) {
    for (const reading of readingsOf(compDir, name)) {
      const root = rootOf(reading, isSource);
      if (root !== undefined) votes.set(root, (votes.get(root) ?? 0) + 1);
    }
  }
  const most = Math.max(0, ...votes.values());
  return [...votes].filter(([, count]) => count * MIN_SHARE >= most).map(([root]) => root);
}

/** What stands before the longest end of a path that is a file of the source. */
function rootOf(path: string, isSource: (path: string) => boolean): string | undefined {
  for (let at = 0; at >= 0; ) {
    if (isSource(path.slice(at))) return path.slice(0, at);
    const slash = path.indexOf('/', at);
    at = slash < 0 ? -1 : slash + 1;
  }
  return undefined;
}

function longestFirst(a: string, b: string): number {
  return b.length - a.length;
}
