import { KernelError } from '../error.ts';
import { Growing } from './growing.ts';
import { LineTable, lineKinds } from './line-table.ts';

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
  readonly #table = new LineTable(kindOf);
  /** Table numbers of the paths that the files read so far depend on, one file after the other. */
  readonly dependencies = new Growing();

  /** How many different lines were read. */
  get lines(): number {
    return this.#table.count;
  }

  /**
   * Reads the first `length` bytes of `bytes` (scripts/basic/fixdep.c writes `source_`, `deps_` and the rule after them).
   * Errors: cmd-unreadable, for text that is none of Kbuild's, or is cut off.
   */
  read(bytes: Buffer, length: number, where: string): CmdText {
    const file = bytes.subarray(0, length);
    if (file.includes(0)) throw unreadable('it holds a zero byte', where);
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
    const before = this.dependencies.length;
    const end = this.#table.read(bytes, depsAt, length, this.dependencies);
    const rule = `\n${target}: `;
    if (file.toString('utf8', end, end + Buffer.byteLength(rule)) !== rule) {
      this.dependencies.length = before;
      throw cutOff(where);
    }
    return { target, command, source };
  }

  /** The path of a dependency line, as written. */
  pathOf(line: number): string {
    return this.#table.textOf(line).replace(CONTINUED, '').trim();
  }
}

const CONTINUED = /\\?\n?$/;

/** `$(wildcard include/config/…)` and `$(wildcard include/ksym/…)` name symbols, not files; an empty line ends the list. */
function kindOf(line: string): number {
  const continued = line.endsWith('\\\n');
  const text = line.replace(CONTINUED, '').trim();
  if (text === '') return continued ? lineKinds.other : lineKinds.end;
  return (text.startsWith('$(') ? lineKinds.other : lineKinds.item) | (continued ? 0 : lineKinds.last);
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
