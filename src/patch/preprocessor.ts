import { type ConditionSetting, evaluate } from './config-expression.ts';
import { type LogicalLine, logicalLines } from './logical-lines.ts';

/** One branch of an `#if … #endif` around a line. */
export interface Branch {
  /** As a person reads it: `defined(CONFIG_X)`; after other branches `!(CONFIG_A > 1) && defined(CONFIG_X)`. */
  readonly text: string;
  /** Is what stands in it compiled? Null: that depends on more than the configuration. */
  readonly value: boolean | null;
  /** Line of the directive that opens it, from 1. */
  readonly line: number;
}

/** What the preprocessor makes of a text. */
export interface Preprocessed {
  /** By line, from 1: the branches around it, from the outside in. The guard of a header is none. */
  readonly around: readonly (readonly Branch[])[];
  /** Lines that belong to a directive. */
  readonly directives: ReadonlySet<number>;
  /** Lines with something on them that is neither blank nor comment. */
  readonly solid: ReadonlySet<number>;
  /** What is left without comments, blank lines and the branches that are known to be left out. */
  readonly visible: readonly string[];
}

/** An open `#if`. `taken`: was one of its branches so far compiled? */
interface Frame {
  readonly branch: Branch;
  readonly taken: boolean | null;
  readonly before: readonly string[];
  readonly isGuard: boolean;
}

const MAX_NESTING = 200;
const DIRECTIVE = /^\s*#\s*(\w*)\s*([\s\S]*)$/;
const OPENS: ReadonlySet<string> = new Set(['if', 'ifdef', 'ifndef']);
const FOLLOWS: ReadonlySet<string> = new Set(['elif', 'elifdef', 'elifndef', 'else']);

/**
 * Reads the conditional directives of a C or assembly text (C11 6.10.1) with three values. Null for a text it cannot
 * follow: raw strings, digraphs, an `#if` without its end.
 */
export function preprocess(text: string, setting: ConditionSetting): Preprocessed | null {
  const lines = logicalLines(text);
  if (lines === null) return null;
  const guard = guardOf(lines);
  const around: (readonly Branch[])[] = [];
  const [directives, solid] = [new Set<number>(), new Set<number>()];
  const visible: string[] = [];
  let frames: readonly Frame[] = [];
  for (const line of lines) {
    const match = DIRECTIVE.exec(line.text);
    const next = match === null ? frames : after(frames, match, setting, line, line === guard);
    if (next === null || next.length > MAX_NESTING) return null;
    // An `#else` or `#endif` is read where its `#if` is read.
    const outer = next === frames || next.length > frames.length ? frames : frames.slice(0, -1);
    const branches = outer.filter(({ isGuard }) => !isGuard).map(({ branch }) => branch);
    for (let at = line.first; at <= line.last; at += 1) {
      around[at] ??= branches;
      if (match !== null) directives.add(at);
    }
    for (const at of line.solid) solid.add(at);
    const code = line.text.trim();
    if (code !== '' && branches.every(({ value }) => value !== false)) visible.push(code);
    frames = next;
  }
  return frames.length === 0 ? { around, directives, solid, visible } : null;
}

/** The open branches after a directive; the same ones when it is no condition; null when it has no `#if`. */
function after(
  frames: readonly Frame[],
  [, name = '', rest = '']: RegExpExecArray,
  setting: ConditionSetting,
  { first }: LogicalLine,
  isGuard: boolean,
): readonly Frame[] | null {
  if (OPENS.has(name)) return [...frames, frameOf(conditionOf(name, rest), [], false, setting, first, isGuard)];
  if (!FOLLOWS.has(name) && name !== 'endif') return frames;
  const open = frames.at(-1);
  if (open === undefined) return null;
  const outer = frames.slice(0, -1);
  if (name === 'endif') return outer;
  const taken = open.isGuard ? null : open.taken;
  const condition = name === 'else' ? '' : conditionOf(name.replace(/^el/, ''), rest);
  return [...outer, frameOf(condition, open.before, taken, setting, first, false)];
}

function frameOf(
  condition: string,
  before: readonly string[],
  taken: boolean | null,
  setting: ConditionSetting,
  line: number,
  isGuard: boolean,
): Frame {
  const own = condition === '' ? true : evaluate(condition, setting);
  const value = taken === true || own === false ? false : taken === null || own === null ? null : true;
  const parts = [...before.map((text) => `!(${text})`), ...(condition === '' ? [] : [condition])];
  return {
    branch: { text: parts.join(' && '), value, line },
    taken: taken === true || own === true ? true : taken === null || own === null ? null : false,
    before: condition === '' ? before : [...before, condition],
    isGuard,
  };
}

function conditionOf(name: string, rest: string): string {
  const text = rest.replace(/\s+/g, ' ').trim();
  if (name === 'if') return text === '' ? '?' : text;
  // gcc warns of more words behind the name, and takes the first.
  const symbol = /^\w+/.exec(text)?.[0] ?? '?';
  return name === 'ifdef' ? `defined(${symbol})` : `!defined(${symbol})`;
}

/** The `#ifndef NAME` at the top that the next line defines: true the first time a file is read, and never looked at. */
function guardOf(lines: readonly LogicalLine[]): LogicalLine | undefined {
  const [first, second] = lines.filter(({ text }) => text.trim() !== '');
  const name = /^\s*#\s*(?:ifndef\s+|if\s+!\s*defined\s*\(?\s*)(\w+)\)?\s*$/.exec(first?.text ?? '')?.[1];
  if (name === undefined || name.startsWith('CONFIG_')) return undefined;
  return new RegExp(`^\\s*#\\s*define\\s+${name}\\b`).test(second?.text ?? '') ? first : undefined;
}
