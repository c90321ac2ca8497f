import { hasCode } from '#domain';
import { CmdReader, type CmdText } from './cmd-reader.ts';
import { forKernel, isLink, linkedWords } from './command.ts';
import { FileReader } from './read-file.ts';

/** Made by make alone or by rules of modules: no compilation of the kernel's own code, and no generated file. */
const NOT_READ = /\.(?:mod|mod\.o|ko|a|order|symvers)\.cmd$/;

/** Worth reading: those below tools/ have another form and belong to programs of the build machine. */
export function isCommandFile(path: string): boolean {
  return !path.startsWith('tools/') && !NOT_READ.test(path);
}

/** One compilation, its paths as recorded. */
export interface Compilation {
  /** Path of its command file in the build tree. */
  readonly cmd: string;
  readonly object: string;
  readonly source: string;
  readonly forKernel: boolean;
  /** Its part of `dependencies`. */
  readonly from: number;
  readonly to: number;
}

/** What a command that compiles nothing makes: `said` are the objects and archives that a link names, or the whole command. */
export interface Made<Said> {
  readonly cmd: string;
  readonly target: string;
  readonly said: Said;
}

/** What some command files say, in the order they were read; paths as recorded. */
export interface SomeCommands<One extends Compilation> {
  readonly compilations: readonly One[];
  /** What they depend on: indexes into `recorded`. */
  readonly dependencies: Int32Array<ArrayBuffer>;
  /** Null for what is no path. */
  readonly recorded: readonly (string | null)[];
  readonly links: readonly Made<readonly string[]>[];
  readonly others: readonly Made<string>[];
  /** Paths of command files. */
  readonly unreadable: readonly string[];
}

/** Reads command files one after the other. A broken one is listed in `unreadable`; it never throws. */
export class CommandReader {
  readonly #build: string;
  readonly #files = new FileReader();
  readonly #reader = new CmdReader();
  readonly #links: Made<readonly string[]>[] = [];
  readonly #others: Made<string>[] = [];
  readonly #unreadable: string[] = [];

  constructor(build: string) {
    this.#build = build;
  }

  /** Reads one, by its path in the build tree; undefined when it is no compilation. */
  read(cmd: string): Compilation | undefined {
    const from = this.#reader.dependencies.length;
    const length = this.#files.read(`${this.#build}/${cmd}`);
    const text = length < 0 ? undefined : this.#parse(cmd, length);
    if (text === undefined) {
      this.#unreadable.push(cmd);
      return undefined;
    }
    const { target, command, source } = text;
    if (isLink(target) && (source === null || source.endsWith('.sh'))) {
      this.#links.push({ cmd, target, said: linkedWords(command).filter((word) => word !== target) });
      return undefined;
    }
    if (source === null) {
      this.#others.push({ cmd, target, said: command });
      return undefined;
    }
    return { cmd, object: target, source, forKernel: forKernel(command), from, to: this.#reader.dependencies.length };
  }

  #parse(cmd: string, length: number): CmdText | undefined {
    try {
      return this.#reader.read(this.#files.bytes, length, cmd);
    } catch (error) {
      if (!hasCode(error, 'cmd-unreadable')) throw error;
      return undefined;
    }
  }

  /** What was read, with these of its compilations. */
  commands<One extends Compilation>(compilations: readonly One[]): SomeCommands<One> {
    const { numbers, length } = this.#reader.dependencies;
    const dependencies = numbers.slice(0, length);
    const used = new Uint8Array(this.#reader.lines);
    for (let i = 0; i < length; i += 1) used[dependencies[i]!] = 1;
    return {
      compilations,
      dependencies,
      recorded: Array.from(used, (is, line) => (is === 1 ? this.#reader.pathOf(line) : null)),
      links: this.#links,
      others: this.#others,
      unreadable: this.#unreadable,
    };
  }
}
