/**
 * A set of paths that is kept as text: folder by folder, with the names of a folder in one string. The 80,000 paths of a kernel
 * source are then read in a few milliseconds, and one is looked up in its folder's text.
 */
export class PathSet implements ReadonlySet<string> {
  readonly #folders: ReadonlyMap<string, string>;
  readonly size: number;

  /** `text` as `pathText` writes it. Errors: TypeError, for any other. */
  constructor(text: string, size: number) {
    const parts = text === '' ? [] : text.split('\0');
    if (parts.length % 2 !== 0) throw new TypeError('the list of paths is cut off');
    const folders = new Map<string, string>();
    for (let i = 0; i < parts.length; i += 2) folders.set(parts[i]!, parts[i + 1]!);
    this.#folders = folders;
    this.size = size;
  }

  has(path: string): boolean {
    const slash = path.lastIndexOf('/');
    const names = this.#folders.get(path.slice(0, slash + 1));
    return names?.includes(`/${path.slice(slash + 1)}/`) ?? false;
  }

  *values(): SetIterator<string> {
    for (const [folder, names] of this.#folders) for (const name of names.slice(1, -1).split('/')) yield folder + name;
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

/** Folder (with its slash) and `/name/name/` in turn, between zero bytes, which no path has; folders and names sorted. */
export function pathText(paths: Iterable<string>): string {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const slash = path.lastIndexOf('/');
    const folder = path.slice(0, slash + 1);
    const names = folders.get(folder);
    if (names === undefined) folders.set(folder, [path.slice(slash + 1)]);
    else names.push(path.slice(slash + 1));
  }
  const sorted = [...folders].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([folder, names]) => `${folder}\0/${names.toSorted().join('/')}/`).join('\0');
}
