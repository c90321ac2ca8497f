import type { Commands } from './part.ts';
import { inTree, type RecordedRoots } from './recorded-paths.ts';

/**
 * Which compilations read which file, by paths in the tree. A large kernel has millions of such pairs: they lie in two rows of
 * numbers in the order they were read, each with the place of the pair before it of the same file.
 */
export class Readers {
  readonly paths: readonly string[];
  readonly #numberOf: ReadonlyMap<string, number>;
  /** By file: its last pair, or -1. */
  readonly #last: Int32Array;
  /** By pair: the pair of the same file before it, or -1. */
  readonly #before: Int32Array;
  /** By pair: the compilation. */
  readonly #compilation: Int32Array;

  constructor({ compilations, dependencies, recorded }: Commands, roots: RecordedRoots) {
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
    const last = new Int32Array(numbers.size).fill(-1);
    const before = new Int32Array(dependencies.length + compilations.length);
    const compilation = new Int32Array(before.length);
    let pairs = 0;
    const add = (file: number, index: number): void => {
      const there = last[file]!;
      // A file that one compilation reads under two names counts once.
      if (there >= 0 && compilation[there] === index) return;
      before[pairs] = there;
      compilation[pairs] = index;
      last[file] = pairs++;
    };
    for (const [index, { from, to }] of compilations.entries()) {
      add(sources[index]!, index);
      for (let at = from; at < to; at += 1) add(fileOf[dependencies[at]!]!, index);
    }
    [this.#last, this.#before, this.#compilation] = [last, before, compilation];
  }

  /** The list of `paths[number]`, rising. */
  list(number: number): number[] {
    const found: number[] = [];
    for (let pair = this.#last[number]!; pair >= 0; pair = this.#before[pair]!) found.push(this.#compilation[pair]!);
    return found.reverse();
  }

  of(path: string): number[] {
    const number = this.#numberOf.get(path);
    return number === undefined ? [] : this.list(number);
  }
}
