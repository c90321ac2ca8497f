import { MAX_WORK } from './limits.ts';
import { doubted, HOLE } from './marks.ts';

/** Whether a line of a Makefile takes effect. */
export type Mode = 'live' | 'maybe' | 'dead';

export interface Variable {
  readonly text: string;
  /** Made by `=` or `define`: expanded when used. */
  readonly recursive: boolean;
}

/** Work that may still be done; shared by all Makefiles of one prediction, so that hostile ones end. */
export class Budget {
  left = MAX_WORK;

  /** False when there is nothing left. */
  spend(amount: number): boolean {
    this.left -= amount;
    return this.left > 0;
  }
}

/** What Makefiles can ask of the world: the configuration, the files of the tree, and what make was started with. */
export interface Surroundings {
  readonly config: (symbol: string) => string;
  /** Existing files and folders that match, or undefined when that cannot be said. */
  readonly wildcard: (pattern: string) => readonly string[] | undefined;
  readonly exported: ReadonlyMap<string, string>;
  readonly budget: Budget;
}

const AUTOMATIC = /^[@<^*+?|%][DF]?$/;
/** What the environment or the caller may set unseen; make's own and Kbuild's lists are in lower case. */
const FROM_OUTSIDE = /^[A-Z_][A-Z0-9_]*$/;

/** The variables of one Makefile while it is read. */
export class Scope {
  readonly surroundings: Surroundings;
  readonly exports = new Set<string>();
  readonly #variables = new Map<string, Variable>();
  /** Variables set in branches that are not taken: only to read the rest of those branches. */
  readonly #untaken = new Map<string, Variable>();
  readonly #locals: Map<string, string>[] = [];
  /** Assignments to a variable of partly unknown name, by what is known of its start. */
  readonly #unnamed: { readonly prefix: string; readonly text: string; readonly adds: boolean }[] = [];
  /** Variables that keep their value whatever a Makefile assigns, as those on make's command line do. */
  readonly fixed: ReadonlySet<string>;
  /** Variables whose reference is being expanded: one that refers to itself is an error of make. */
  readonly expanding = new Set<string>();
  /** While a branch that is not taken is read. */
  dead = false;

  constructor(surroundings: Surroundings, fixed: ReadonlyMap<string, string> = new Map()) {
    this.surroundings = surroundings;
    for (const [name, text] of fixed) this.#variables.set(name, { text, recursive: false });
    this.fixed = new Set(fixed.keys());
  }

  find(name: string): Variable | undefined {
    for (let i = this.#locals.length - 1; i >= 0; i -= 1) {
      const text = this.#locals[i]!.get(name);
      if (text !== undefined) return { text, recursive: false };
    }
    return (this.dead ? this.#untaken.get(name) : undefined) ?? this.#variables.get(name);
  }

  /** The variable as `$(name)` sees it: always something, a hole where nothing is known. */
  look(name: string): Variable {
    const found = this.find(name) ?? { text: this.#fallback(name), recursive: false };
    const unnamed = this.#unnamed.filter(({ prefix }) => name.startsWith(prefix));
    if (unnamed.length === 0) return found;
    const more = unnamed.map(({ text }) => doubted(text)).join(' ');
    // What is only added takes nothing away; other assignments may have replaced all.
    if (unnamed.every(({ adds }) => adds)) {
      return {
        text: `${found.text} ${found.recursive ? more.replaceAll('$', '$$$$') : more}`,
        recursive: found.recursive,
      };
    }
    return { text: found.recursive ? HOLE : `${doubted(found.text)} ${more}`, recursive: false };
  }

  #fallback(name: string): string {
    if (name.startsWith('CONFIG_')) return this.surroundings.config(name.slice('CONFIG_'.length));
    const exported = this.surroundings.exported.get(name);
    if (exported !== undefined) return exported;
    if (AUTOMATIC.test(name)) return HOLE;
    return FROM_OUTSIDE.test(name) && !this.#untaken.has(name) ? HOLE : '';
  }

  set(name: string, variable: Variable, mode: Mode): void {
    if (this.fixed.has(name)) return;
    if (mode === 'dead') this.#untaken.set(name, variable);
    else this.#variables.set(name, variable);
  }

  setUnnamed(prefix: string, text: string, adds: boolean): void {
    this.#unnamed.push({ prefix, text, adds });
  }

  within<T>(locals: Map<string, string>, body: () => T): T {
    this.#locals.push(locals);
    try {
      return body();
    } finally {
      this.#locals.pop();
    }
  }
}
