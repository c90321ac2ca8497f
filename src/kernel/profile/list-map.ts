/** Paths and a list of numbers of each; a list is made when it is asked for, and kept: most are never asked for. */
export class ListMap implements ReadonlyMap<string, readonly number[]> {
  /** By path: the list, or its number. */
  readonly #lists = new Map<string, readonly number[] | number>();
  readonly #list: (index: number) => number[];

  /** `list` makes the list of `paths[index]`; those of `more` are ready, and stand for any other of their path. */
  constructor(
    paths: readonly string[],
    list: (index: number) => number[],
    more: ReadonlyMap<string, readonly number[]> = new Map(),
  ) {
    this.#list = list;
    for (const [index, path] of paths.entries()) this.#lists.set(path, index);
    for (const [path, numbers] of more) this.#lists.set(path, numbers);
  }

  get size(): number {
    return this.#lists.size;
  }

  has(path: string): boolean {
    return this.#lists.has(path);
  }

  get(path: string): readonly number[] | undefined {
    const list = this.#lists.get(path);
    if (typeof list !== 'number') return list;
    const numbers = this.#list(list);
    this.#lists.set(path, numbers);
    return numbers;
  }

  keys(): MapIterator<string> {
    return this.#lists.keys();
  }

  *values(): MapIterator<readonly number[]> {
    for (const path of this.#lists.keys()) yield this.get(path)!;
  }

  *entries(): MapIterator<[string, readonly number[]]> {
    for (const path of this.#lists.keys()) yield [path, this.get(path)!];
  }

  [Symbol.iterator](): MapIterator<[string, readonly number[]]> {
    return this.entries();
  }

  forEach(body: (value: readonly number[], key: string, map: ReadonlyMap<string, readonly number[]>) => void): void {
    for (const [path, numbers] of this.entries()) body(numbers, path, this);
  }
}
