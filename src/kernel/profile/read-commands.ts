import { setImmediate } from 'node:timers/promises';
import { hasCode } from '#domain';
import { CmdReader, type CmdText } from './cmd-reader.ts';
import { forKernel, isLink, linkedWords } from './command.ts';
import type { Listing } from './list.ts';
import { FileReader } from './read-file.ts';

/** Files read before others get their turn: each takes some 20 microseconds. */
const FILES_AT_ONCE = 256;
/** Made by make alone or by rules of modules: no compilation of the kernel's own code, and no generated file. */
const NOT_READ = /\.(?:mod|mod\.o|ko|a|order|symvers)\.cmd$/;

/** One compilation, its paths as recorded. */
export interface Compilation {
  readonly object: string;
  readonly source: string;
  readonly forKernel: boolean;
}

/** Everything that the command files of a tree say, its paths as recorded. */
export interface Commands {
  readonly compilations: readonly Compilation[];
  /** What they depend on, one after the other: indexes into `recorded`. */
  readonly dependencies: Int32Array;
  /** By compilation: where its part of `dependencies` ends. */
  readonly ends: readonly number[];
  /** Paths as recorded; null for what is none. */
  readonly recorded: readonly (string | null)[];
  /** Links: what they make → objects and archives among their words. */
  readonly links: ReadonlyMap<string, readonly string[]>;
  /** Other commands, by what they make. */
  readonly others: ReadonlyMap<string, string>;
  readonly unreadable: readonly string[];
}

/** Command files to read, in order. Those below tools/ have another form and belong to programs of the build machine. */
export function commandFiles({ cmds }: Listing): string[] {
  return cmds.filter((path) => !path.startsWith('tools/') && !NOT_READ.test(path)).toSorted();
}

/** Reads command files, given by their paths in the build tree. A broken one is listed in `unreadable`; it never throws. */
export async function readCommands(build: string, paths: readonly string[]): Promise<Commands> {
  const gathered = new Gathered();
  const files = new FileReader();
  for (const [i, path] of paths.entries()) {
    if (i % FILES_AT_ONCE === FILES_AT_ONCE - 1) await setImmediate();
    gathered.read(path, files.read(`${build}/${path}`), files);
  }
  return gathered.commands();
}

class Gathered {
  readonly #reader = new CmdReader();
  readonly #compilations: Compilation[] = [];
  readonly #ends: number[] = [];
  readonly #links = new Map<string, readonly string[]>();
  readonly #others = new Map<string, string>();
  readonly #unreadable: string[] = [];

  read(path: string, length: number, files: FileReader): void {
    const cmd = length < 0 ? undefined : this.#parse(path, length, files);
    if (cmd === undefined) this.#unreadable.push(path);
    else this.#take(cmd);
  }

  #parse(path: string, length: number, files: FileReader): CmdText | undefined {
    try {
      return this.#reader.read(files.bytes, length, path);
    } catch (error) {
      if (!hasCode(error, 'cmd-unreadable')) throw error;
      return undefined;
    }
  }

  #take({ target, command, source }: CmdText): void {
    if (isLink(target) && (source === null || source.endsWith('.sh'))) {
      this.#links.set(
        target,
        linkedWords(command).filter((word) => word !== target),
      );
      return;
    }
    if (source === null) {
      this.#others.set(target, command);
      return;
    }
    this.#compilations.push({ object: target, source, forKernel: forKernel(command) });
    this.#ends.push(this.#reader.dependencies.length);
  }

  commands(): Commands {
    const { numbers, length } = this.#reader.dependencies;
    const dependencies = numbers.subarray(0, length);
    const used = new Uint8Array(this.#reader.lines);
    for (let i = 0; i < length; i += 1) used[dependencies[i]!] = 1;
    return {
      compilations: this.#compilations,
      dependencies,
      ends: this.#ends,
      recorded: Array.from(used, (is, line) => (is === 1 ? this.#reader.pathOf(line) : null)),
      links: this.#links,
      others: this.#others,
      unreadable: this.#unreadable,
    };
  }
}
