import { knownInputs } from './known-inputs.ts';
import { inTree, type RecordedRoots } from './recorded-paths.ts';

const MAX_DEPTH = 32;
/** What separates the words of a saved shell command. */
const BETWEEN_WORDS = /[\s;|&<>()'"=]+/;
/** Programs and rules of the build machine: they shape generated files, and are never what one is made from. */
const OF_THE_MACHINE = /^(?:scripts|tools)\/|\.sh$|(?:^|\/)(?:Makefile|Kbuild|Kconfig)[^/]*$/;
/** What made one file of the build tree. */
export type Maker =
  /** A compilation: its source and the other files it reads that are no headers. */
  | { readonly kind: 'compile'; readonly inputs: readonly string[]; readonly host: boolean }
  | { readonly kind: 'command'; readonly command: string };

export interface TraceInput {
  readonly makers: ReadonlyMap<string, Maker>;
  readonly sources: ReadonlySet<string>;
  readonly roots: RecordedRoots;
}

/**
 * Traces files that a build made to the files of the source tree that they are made from: through the words of saved commands
 * that name files, again and again. What cannot be traced has no inputs. Programs of the build machine are none.
 */
export class Tracer {
  readonly #given: TraceInput;
  readonly #words = new Map<string, readonly string[]>();
  /** File → commands that name it, for files that a command makes beside its own (`x.asn1.h` with `x.asn1.c`). */
  #named: Map<string, string[]> | undefined;
  /** Name of a generated header without its suffix → the assembly text it is read from (bounds, asm-offsets; top Kbuild). */
  readonly #offsets = new Map<string, string[]>();

  constructor(given: TraceInput) {
    this.#given = given;
    for (const [made, maker] of given.makers) {
      if (maker.kind !== 'compile' || !made.endsWith('.s')) continue;
      const stem = made.slice(made.lastIndexOf('/') + 1, -'.s'.length);
      this.#offsets.set(stem, [...(this.#offsets.get(stem) ?? []), made]);
    }
  }

  /** Paths of source files, sorted. */
  inputsOf(path: string): string[] {
    const inputs = new Set<string>();
    const seen = new Set<string>([path]);
    let open = this.#inputsOf(path);
    for (let depth = 0; open.length > 0 && depth < MAX_DEPTH; depth += 1) {
      const next: string[] = [];
      for (const word of open) {
        if (seen.has(word)) continue;
        seen.add(word);
        if (!this.#given.sources.has(word)) next.push(...this.#inputsOf(word));
        else if (!OF_THE_MACHINE.test(word)) inputs.add(word);
      }
      open = next;
    }
    return [...inputs].toSorted();
  }

  #inputsOf(path: string): readonly string[] {
    return [...(knownInputs(path) ?? []), ...this.#madeFrom(path)];
  }

  #madeFrom(path: string): readonly string[] {
    const maker = this.#given.makers.get(path);
    if (maker?.kind === 'compile') return maker.host ? [] : maker.inputs;
    if (maker?.kind === 'command') return this.#wordsOf(path, maker.command);
    const stem = /(?:^|\/)include\/generated\/(?:.*\/)?([^/]+)\.h$/.exec(path)?.[1];
    const texts = stem === undefined ? undefined : this.#offsets.get(stem);
    return texts ?? this.#makersNaming(path).flatMap((made) => this.#madeFrom(made));
  }

  #wordsOf(made: string, command: string): readonly string[] {
    let words = this.#words.get(made);
    if (words === undefined) {
      words = command
        .split(BETWEEN_WORDS)
        .filter((word) => word.includes('.') && !word.startsWith('-'))
        .map((word) => inTree(word, this.#given.roots))
        .filter((word) => word !== made);
      this.#words.set(made, words);
    }
    return words;
  }

  #makersNaming(path: string): readonly string[] {
    if (this.#named === undefined) {
      this.#named = new Map();
      for (const [made, maker] of this.#given.makers) {
        if (maker.kind !== 'command' || !/\.(?:[chS]|rs|tab\.c)$/.test(made)) continue;
        for (const word of new Set(this.#wordsOf(made, maker.command)))
          this.#named.set(word, [...(this.#named.get(word) ?? []), made]);
      }
    }
    return this.#named.get(path) ?? [];
  }
}
