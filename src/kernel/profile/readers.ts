import type { Commands } from './read-commands.ts';
import { inTree, type RecordedRoots } from './recorded-paths.ts';

/**
 * Which compilations read which file, by paths in the tree: the lists lie one after the other in one row of numbers, because
 * a large kernel has millions of entries.
 */
export class Readers {
  readonly paths: readonly string[];
  readonly #numberOf: ReadonlyMap<string, number>;
  readonly #starts: Int32Array;
  readonly #indexes: Int32Array;

  constructor({ compilations, dependencies, ends, recorded }: Commands, roots: RecordedRoots) {
    const numbers = new Map<string, number>();
    const numbered = (path: string): number => {
      const clean = inTree(path, roots);
      let number = numbers.get(clean);
      if (number === undefined) numbers.set(clean, (number = numbers.size));
      return number;
    };
    const fileOf = Int32Array.from(recorded, (path) => (path === null ? -1 : numbered(path)));
    const sources = Int32Array.from(compilations, ({ source }) => numbered(source));
    this.paths = [...numbers.keys()];
    this.#numberOf = numbers;
    this.#starts = new Int32Array(numbers.size + 1);
    // Twice over the same entries: to count, and to write each at its place. A file that is read under two names counts once.
    const each = (take: (file: number, index: number) => void): void => {
      const last = new Int32Array(numbers.size).fill(-1);
      for (let index = 0, at = 0; index < compilations.length; index += 1) {
        const source = sources[index]!;
        last[source] = index;
        take(source, index);
        for (const end = ends[index]!; at < end; at += 1) {
          const file = fileOf[dependencies[at]!]!;
          if (last[file] === index) continue;
          last[file] = index;
          take(file, index);
        }
      }
    };
    each((file) => {
      this.#starts[file + 1]! += 1;
    });
    for (let file = 0; file < numbers.size; file += 1) this.#starts[file + 1]! += this.#starts[file]!;
    this.#indexes = new Int32Array(this.#starts[numbers.size]!);
    const next = this.#starts.slice();
    each((file, index) => {
      this.#indexes[next[file]!++] = index;
    });
  }

  /** The list of `paths[number]`, rising. */
  list(number: number): number[] {
    return Array.from(this.#indexes.subarray(this.#starts[number], this.#starts[number + 1]));
  }

  of(path: string): number[] {
    const number = this.#numberOf.get(path);
    return number === undefined ? [] : this.list(number);
  }
}
