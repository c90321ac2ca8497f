import { type Dirent, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { KernelError } from '../error.ts';
import { knownFiles, knownInputs } from './known-inputs.ts';
import { namesText, PathSet } from './path-set.ts';

/** Folders listed before others get their turn: listing is synchronous, because that is three times as fast. */
const FOLDERS_AT_ONCE = 128;
/** Of a tree; the kernel's has 100,000, a built one 200,000. */
export const MAX_FILES = 4_000_000;

/** Files that only a build makes (the kernel's own .gitignore and `make clean`), by name. */
const PRODUCT =
  /\.(?:o|a|ko|mod|mod\.c|cmd|d|order|symvers|so|dbg|tmp|bc|ll|dtb|dtbo|dtb\.S|rmeta|gcno|su|i|elf)$|^(?:vmlinux|System\.map|Module\.symvers|modules\.(?:order|builtin\S*)|\.config(?:\.old)?|\.version|\.vmlinux\S*|\.tmp_\S*|bzImage)$/;
/** Kept in the source although the name is that of a product. */
const KEPT = /^(?:timeconst\.bc|\S*\.(?:c|h|S)_shipped)$/;
/** Folders that only a build makes. */
const PRODUCT_FOLDER = /^(?:(?:arch\/[^/]+\/)?include\/generated|include\/config|\.tmp_versions|\.git)$/;

/** One tree of files; paths are relative to its root. */
export interface Listing {
  /** Files that no build made: neither by their name and folder, nor by a command file beside them. */
  readonly sources: PathSet;
  /** What a build made, without those named below. */
  readonly products: PathSet;
  readonly mods: readonly string[];
  readonly archives: readonly string[];
}

export interface ListOptions {
  /** Folders that are left out. */
  readonly skip?: (folder: string) => boolean;
  /** Told of every command file as it is found. */
  readonly onCmd?: (path: string) => void;
}

/** Lists a tree. Symbolic links are files and are not followed. Errors: source-not-a-kernel, for a tree that cannot be read. */
export async function listTree(root: string, { skip, onCmd }: ListOptions = {}): Promise<Listing> {
  const [sources, products] = [new Folders(), new Folders()];
  const [mods, archives]: [string[], string[]] = [[], []];
  const folders = [''];
  let count = 0;
  for (let next = 0; next < folders.length; next += 1) {
    if (next % FOLDERS_AT_ONCE === FOLDERS_AT_ONCE - 1) await setImmediate();
    const directory = folders[next]!;
    const made = inProductFolder(directory) ? 'all' : new Set<string>();
    const plain: string[] = [];
    const entries = entriesOf(root, directory);
    count += entries.length;
    if (count > MAX_FILES) throw unlisted(root, `it holds more than ${MAX_FILES} files`);
    for (const entry of entries) {
      const { name } = entry;
      if (entry.isFile()) {
        if (isCmd(name)) {
          onCmd?.(directory + name);
          if (made !== 'all') made.add(name.slice(1, -'.cmd'.length));
        } else if (name.endsWith('.mod')) mods.push(directory + name);
        else if (name.endsWith('.a')) archives.push(directory + name);
        else plain.push(name);
      } else if (entry.isSymbolicLink()) {
        // Kbuild leaves no link: it is told of, and cannot be read.
        if (isCmd(name)) onCmd?.(directory + name);
        plain.push(name);
      } else if (entry.isDirectory() && name !== '.git' && skip?.(directory + name) !== true)
        folders.push(`${directory}${name}/`);
    }
    const isProduct = (name: string): boolean => isMade(name, made);
    sources.add(directory, isBuiltIn(directory, made) ? plain.filter((name) => !isProduct(name)) : plain);
    if (isBuiltIn(directory, made)) products.add(directory, plain.filter(isProduct));
  }
  return { sources: sources.paths(), products: products.paths(), mods, archives };
}

function isCmd(name: string): boolean {
  return name.endsWith('.cmd') && name.startsWith('.');
}

/** Paths that are gathered folder by folder. */
class Folders {
  readonly #names = new Map<string, string>();
  size = 0;

  /** Names that are new to the folder. */
  add(folder: string, names: readonly string[]): void {
    if (names.length === 0) return;
    this.#names.set(folder, namesText(names));
    this.size += names.length;
  }

  paths(): PathSet {
    return new PathSet(this.#names, this.size);
  }
}

/** Names that a command file of their folder makes; or everything there. */
type MadeThere = ReadonlySet<string> | 'all';

/** Kbuild leaves a command file in every folder that it builds something in; elsewhere no name is looked at. */
function isBuiltIn(directory: string, made: MadeThere): boolean {
  return made === 'all' || made.size > 0 || directory === '';
}

function isMade(name: string, made: MadeThere): boolean {
  if (made === 'all') return true;
  if (made.has(name)) return true;
  const isText = name.endsWith('.h') || (name.endsWith('.c') && !name.endsWith('.mod.c'));
  return !isText && PRODUCT.test(name) && !KEPT.test(name);
}

function inProductFolder(directory: string): boolean {
  if (!directory.includes('include/') && !directory.startsWith('.')) return false;
  const parts = directory.split('/');
  return parts.some((_, i) => PRODUCT_FOLDER.test(parts.slice(0, i + 1).join('/')));
}

function entriesOf(root: string, directory: string): Dirent[] {
  try {
    return readdirSync(`${root}/${directory}`, { withFileTypes: true });
  } catch (cause) {
    throw unlisted(root, `its folder "${directory}" cannot be listed`, cause);
  }
}

function unlisted(root: string, why: string, cause?: unknown): KernelError {
  return new KernelError('source-not-a-kernel', 'input', {
    what: `the tree cannot be listed: ${why}`,
    where: root,
    remedy: 'give the folder that holds the top Makefile of the kernel, readable for this user',
    cause,
  });
}

/** The sources of a listed tree, without what is made from them by rules that leave no command file. */
export function sourcesOf({ sources }: Listing): PathSet {
  return sources.without(knownFiles(sources).filter((path) => knownInputs(path)!.some((input) => sources.has(input))));
}

/**
 * Paths of the files of a source tree, relative to it; what a build left in it (objects, command files and what stands
 * beside one, generated headers) is left out.
 * Errors: source-not-a-kernel, for a folder that cannot be listed.
 */
export async function sourceFiles(directory: string): Promise<PathSet> {
  return sourcesOf(await listTree(directory));
}
