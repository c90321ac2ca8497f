/**
 * A set of paths that is kept as text: folder by folder, with the names of a folder in one string. The 80,000 paths of a kernel
 * source are then listed and read in a few milliseconds, and one is looked up in its folder's text.
 */
export class PathSet implements ReadonlySet<string> {
  readonly #folders: ReadonlyMap<string, string>;
  readonly size: number;

  /** Folder, with its slash unless it is the root → its names, as `namesText` writes them; how many names there are. */
  constructor(folders: ReadonlyMap<string, string>, size: number) {
    this.#folders = folders;
    this.size = size;
  }

  /** Reads what `pathText` writes. Errors: TypeError, for anything else. */
  static fromText(text: string, size: number): PathSet {
    const parts = text === '' ? [] : text.split('\0');
    if (parts.length % 2 !== 0) throw new TypeError('the list of paths is cut off');
    const folders = new Map<string, string>();
    for (let i = 0; i < parts.length; i += 2) folders.set(parts[i]!, parts[i + 1]!);
    return new PathSet(folders, size);
  }

  /** Without these, each of which is in it. */
  without(paths: readonly string[]): PathSet {
    const folders = new Map(this.#folders);
    for (const path of paths) {
      const [folder, name] = split(path);
      folders.set(folder, folders.get(folder)!.replace(`/${name}/`, '/'));
    }
    return new PathSet(folders, this.size - paths.length);
  }

  /** Paths whose names end so: `ends` is one name's end, and has no `^` and `$`. */
  ending(ends: RegExp): string[] {
    const names = new RegExp(`/([^/]*(?:${ends.source}))(?=/)`, 'g');
    const found: string[] = [];
    for (const [folder, text] of this.#folders)
      for (const [, name] of ends.test(text) ? text.matchAll(names) : []) found.push(folder + name!);
    return found;
  }

  has(path: string): boolean {
    const [folder, name] = split(path);
    return this.#folders.get(folder)?.includes(`/${name}/`) ?? false;
  }

  *values(): SetIterator<string> {
    for (const [folder, names] of this.#folders)
      for (const name of names.split('/')) if (name !== '') yield folder + name;
  }

  keys(): SetIterator<string> {
    return this.values();
  }

  *entries(): SetIterator<[string, string]> {
    for (const path of this.values()) yield [path, path];
  }

  [Symbol.iterator](): SetIterator<string> {
    return this.values();
  }

  forEach(body: (value: string, key: string, set: ReadonlySet<string>) => void): void {
    for (const path of this.values()) body(path, path, this);
  }
}

/** The names of a folder: `/name/name/`. */
export function namesText(names: readonly string[]): string {
  return `/${names.join('/')}/`;
}

/** Folder and names in turn, between zero bytes, which no path has; both sorted. */
export function pathText(paths: Iterable<string>): string {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const [folder, name] = split(path);
    const names = folders.get(folder);
    if (names === undefined) folders.set(folder, [name]);
    else names.push(name);
  }
  const sorted = [...folders].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([folder, names]) => `${folder}\0${namesText(names.toSorted())}`).join('\0');
}

function split(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, slash + 1), path.slice(slash + 1)];
}
