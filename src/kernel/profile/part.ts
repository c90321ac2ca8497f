import { NOTHING, type ObjectFacts, readObject } from './object-facts.ts';
import { CommandReader, type Compilation, type Made, type SomeCommands } from './read-commands.ts';

/** A compilation, with what the object says that it made. */
export interface Compiled extends Compilation {
  readonly facts: ObjectFacts;
}

/** What some of the command files of a build say, and the objects of the kernel among theirs. */
export type Part = SomeCommands<Compiled>;

/** What all command files of a build say, in the order of their paths: who read which does not show. */
export interface Commands {
  readonly compilations: readonly Compiled[];
  /** What they depend on: indexes into `recorded`. */
  readonly dependencies: Int32Array;
  /** Paths as recorded; null for what is none. */
  readonly recorded: readonly (string | null)[];
  /** Links: what they make → objects and archives among their words. */
  readonly links: ReadonlyMap<string, readonly string[]>;
  /** Other commands, by what they make. */
  readonly others: ReadonlyMap<string, string>;
  readonly unreadable: readonly string[];
}

/** Reads a part of a build, some command files at a time. */
export class PartReader {
  readonly #build: string;
  readonly #commands: CommandReader;
  readonly #compiled: Compiled[] = [];

  constructor(build: string) {
    this.#build = build;
    this.#commands = new CommandReader(build);
  }

  /** Paths in the build tree. */
  read(cmds: readonly string[]): void {
    for (const cmd of cmds) {
      const compilation = this.#commands.read(cmd);
      if (compilation !== undefined) this.#compiled.push({ ...compilation, facts: this.#factsOf(compilation) });
    }
  }

  #factsOf({ object, source, forKernel }: Compilation): ObjectFacts {
    const looked = forKernel && object.endsWith('.o') && !object.startsWith('/') && !object.startsWith('../');
    return looked ? readObject(`${this.#build}/${object}`, source) : NOTHING;
  }

  part(): Part {
    return this.#commands.commands(this.#compiled);
  }
}

/** All parts there are as one. */
export function joined(...parts: readonly Part[]): Commands {
  const dependencies = new Int32Array(parts.reduce((sum, part) => sum + part.dependencies.length, 0));
  const recorded: (string | null)[] = [];
  const compilations: Compiled[] = [];
  let start = 0;
  for (const part of parts) {
    const paths = recorded.length;
    for (let i = 0; i < part.dependencies.length; i += 1) dependencies[start + i] = part.dependencies[i]! + paths;
    for (const one of part.compilations) compilations.push({ ...one, from: one.from + start, to: one.to + start });
    for (const path of part.recorded) recorded.push(path);
    start += part.dependencies.length;
  }
  return {
    compilations: compilations.toSorted(byCmd),
    dependencies,
    recorded,
    links: byTarget(parts.flatMap(({ links }) => links)),
    others: byTarget(parts.flatMap(({ others }) => others)),
    unreadable: parts.flatMap(({ unreadable }) => unreadable).toSorted(),
  };
}

interface FromCmd {
  readonly cmd: string;
}

function byCmd(a: FromCmd, b: FromCmd): number {
  return a.cmd < b.cmd ? -1 : 1;
}

function byTarget<Said>(made: readonly Made<Said>[]): Map<string, Said> {
  return new Map(made.toSorted(byCmd).map(({ target, said }) => [target, said]));
}
