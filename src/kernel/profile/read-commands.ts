import { setImmediate } from 'node:timers/promises';
import { hasCode } from '#domain';
import { CmdReader, type CmdText } from './cmd-reader.ts';
import { forKernel, isLink, linkedWords } from './command.ts';
import type { Listing } from './list.ts';
import type { FileReader } from './read-file.ts';

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
  /** Recorded path → rising indexes into `compilations`. */
  readonly readers: ReadonlyMap<string, number[]>;
  /** Links: what they make → objects and archives among their words. */
  readonly links: ReadonlyMap<string, readonly string[]>;
  /** Other commands, by what they make. */
  readonly others: ReadonlyMap<string, string>;
  readonly unreadable: readonly string[];
}

/** Command files below tools/ have another form and belong to programs of the build machine. */
function isRead(path: string): boolean {
  return !path.startsWith('tools/') && !NOT_READ.test(path);
}

/** Reads the command files of a listed build tree. A broken one is listed in `unreadable`; it never throws. */
export async function readCommands(build: string, listing: Listing, files: FileReader): Promise<Commands> {
  const gathered = new Gathered();
  for (const [i, path] of listing.cmds.filter(isRead).toSorted().entries()) {
    if (i % FILES_AT_ONCE === FILES_AT_ONCE - 1) await setImmediate();
    gathered.read(path, files.read(`${build}/${path}`), files);
  }
  return gathered.commands();
}

class Gathered {
  readonly #reader = new CmdReader();
  readonly #compilations: Compilation[] = [];
  /** By line number of the reader's table. */
  readonly #readers: (number[] | undefined)[] = [];
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
    const index = this.#compilations.length;
    this.#compilations.push({ object: target, source, forKernel: forKernel(command) });
    const { lines, dependencies } = this.#reader;
    for (let i = 0; i < dependencies; i += 1) {
      const line = lines[i]!;
      const readers = this.#readers[line];
      if (readers === undefined) this.#readers[line] = [index];
      else if (readers[readers.length - 1] !== index) readers.push(index);
    }
  }

  commands(): Commands {
    const readers = new Map<string, number[]>();
    for (const [line, indexes] of this.#readers.entries())
      if (indexes !== undefined) addReaders(readers, this.#reader.pathOf(line), indexes);
    for (const [index, { source }] of this.#compilations.entries()) addReaders(readers, source, [index]);
    return {
      compilations: this.#compilations,
      readers,
      links: this.#links,
      others: this.#others,
      unreadable: this.#unreadable,
    };
  }
}

/** Puts rising indexes to those that are there; both stay rising, each index once. */
export function addReaders(readers: Map<string, number[]>, path: string, indexes: readonly number[]): void {
  const there = readers.get(path);
  if (there === undefined) readers.set(path, indexes as number[]);
  else if (there.at(-1)! < indexes[0]!) readers.set(path, [...there, ...indexes]);
  else
    readers.set(
      path,
      [...new Set([...there, ...indexes])].toSorted((a, b) => a - b),
    );
}
