import { KernelError } from '../error.ts';
import { LineTable } from './line-table.ts';

const LINE_FEED = 10;
/** So much of a text without a line is looked at to say what it is. */
const SHOWN = 4096;
const HEAD = /^(?:saved)?cmd_(\S+) := (.*)$/s;
/** A command whose dependencies fixdep must have written down (scripts/Kbuild.include, if_changed_dep). */
const WRITES_DEPENDENCIES = /-Wp,-MM?D,|--emit=dep-info/;

/** One command file, with its paths as they stand in it. */
export interface CmdText {
  /** What the command makes. */
  readonly target: string;
  readonly command: string;
  /** What `source_…` names; null when the command compiles nothing (linking, archiving, generating). */
  readonly source: string | null;
}

/** Reads command files one after the other; their dependency lines share one table. */
export class CmdReader {
  readonly table = new LineTable();
  /** Table numbers of the paths that the last file depends on: the first `dependencies` entries. */
  readonly lines: number[] = [];
  dependencies = 0;
  /** By line number: 1 a path, 2 something else, 0 not looked at. */
  #kinds = new Uint8Array(1 << 14);

  /**
   * Reads the first `length` bytes of `bytes` (scripts/basic/fixdep.c writes `source_`, `deps_` and the rule after them).
   * Errors: cmd-unreadable, for text that is none of Kbuild's, or is cut off.
   */
  read(bytes: Buffer, length: number, where: string): CmdText {
    this.dependencies = 0;
    const file = bytes.subarray(0, length);
    const headEnd = file.indexOf(LINE_FEED);
    const head = HEAD.exec(file.toString('utf8', 0, headEnd < 0 ? SHOWN : headEnd));
    if (head === null) throw unreadable('not a Kbuild command file', where);
    if (headEnd < 0) throw cutOff(where);
    const [, target, command] = head as unknown as [string, string, string];
    const sourceMark = `\nsource_${target} := `;
    const sourceAt = after(file, sourceMark, headEnd);
    if (sourceAt < 0) {
      if (WRITES_DEPENDENCIES.test(command)) throw cutOff(where);
      return { target, command, source: null };
    }
    const sourceEnd = file.indexOf(LINE_FEED, sourceAt);
    const source = file.toString('utf8', sourceAt, Math.max(sourceAt, sourceEnd)).trim();
    const depsAt = sourceEnd < 0 ? -1 : after(file, `\ndeps_${target} := \\\n`, sourceEnd);
    if (source === '' || depsAt < 0) throw cutOff(where);
    const end = this.#readDependencies(bytes, depsAt, length);
    const rule = `\n${target}: `;
    if (file.toString('utf8', end, end + Buffer.byteLength(rule)) !== rule) throw cutOff(where);
    return { target, command, source };
  }

  /** One path a line, each ending in ` \`; the block ends with a line that does not go on. Returns where that line ends. */
  #readDependencies(bytes: Buffer, start: number, length: number): number {
    const { table, lines } = this;
    table.read(bytes, length);
    let [at, previous] = [start, -1];
    while (at < length) {
      const line = table.lineAt(at, previous);
      if (line >= this.#kinds.length) this.#grow();
      let kind = this.#kinds[line]!;
      if (kind === 0) this.#kinds[line] = kind = kindOf(table, line);
      if (kind === EMPTY) return at;
      if ((kind & PATH) !== 0) lines[this.dependencies++] = line;
      at += table.lengthOf(line);
      if ((kind & LAST) !== 0) return at;
      previous = line;
    }
    return at;
  }

  #grow(): void {
    const old = this.#kinds;
    this.#kinds = new Uint8Array(old.length * 2);
    this.#kinds.set(old);
  }

  /** The path of a dependency line, as written. */
  pathOf(line: number): string {
    return this.table
      .textOf(line)
      .replace(/\s*\\?\n?$/, '')
      .trim();
  }
}

const PATH = 1;
const OTHER = 2;
const LAST = 4;
const EMPTY = 8;

/** `$(wildcard include/config/…)` and `$(wildcard include/ksym/…)` name symbols, not files. */
function kindOf(table: LineTable, line: number): number {
  const text = table.textOf(line).trim();
  if (text === '' || text === '\\') return table.continues(line) ? OTHER : EMPTY;
  return (text.startsWith('$(') ? OTHER : PATH) | (table.continues(line) ? 0 : LAST);
}

/** Where the text after `mark` starts, or -1. */
function after(file: Buffer, mark: string, from: number): number {
  const at = file.indexOf(mark, from, 'utf8');
  return at < 0 ? -1 : at + Buffer.byteLength(mark);
}

function cutOff(where: string): KernelError {
  return unreadable('the command file is cut off', where);
}

function unreadable(what: string, where: string): KernelError {
  return new KernelError('cmd-unreadable', 'kernel-source', { what, where, remedy: 'build the kernel again' });
}
