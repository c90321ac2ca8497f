import { expand, splitArguments } from './expand.ts';
import { isKnown, wordsOf } from './marks.ts';
import type { Mode, Scope } from './scope.ts';

/** One branch of a conditional that a line stands in. */
export interface Guard {
  /** As written, e.g. `ifdef CONFIG_NET`; after `else` that of the branch before, with `else`. */
  readonly text: string;
  readonly mode: Mode;
  /** Conditions of the branches before this one, all of which have to fail for it. */
  readonly before: Mode;
}

/** Stack of the conditionals around a line (GNU make manual, chapter 7). */
export class Guards {
  #stack: Guard[] = [];

  get mode(): Mode {
    if (this.#stack.some(({ mode }) => mode === 'dead')) return 'dead';
    return this.#stack.some(({ mode }) => mode === 'maybe') ? 'maybe' : 'live';
  }

  get open(): readonly Guard[] {
    return this.#stack;
  }

  /** Reads a conditional line; undefined when the line is none, false when it is broken. */
  read(text: string, scope: Scope): boolean | undefined {
    const word = /^\s*(ifeq|ifneq|ifdef|ifndef|else|endif)(?![\w-])/.exec(text)?.[1];
    if (word === undefined) return undefined;
    const trimmed = text.trim();
    if (word === 'endif') return this.#pop();
    if (word !== 'else') return this.#push(trimmed, scope, this.#stack, 'dead');
    const last = this.#stack.at(-1);
    if (last === undefined) return false;
    const outer = this.#stack.slice(0, -1);
    const taken = either(last.before, last.mode);
    const condition = trimmed.slice('else'.length).trim();
    if (condition !== '') return this.#push(condition, scope, outer, taken);
    this.#stack = [...outer, { text: `else of ${last.text}`, mode: not(taken), before: taken }];
    return true;
  }

  #pop(): boolean {
    const had = this.#stack.length > 0;
    this.#stack = this.#stack.slice(0, -1);
    return had;
  }

  #push(text: string, scope: Scope, outer: readonly Guard[], before: Mode): boolean {
    const mode = holds(text, scope);
    if (mode === undefined) return false;
    this.#stack = [...outer, { text, mode: both(mode, not(before)), before }];
    return true;
  }
}

function not(mode: Mode): Mode {
  return mode === 'maybe' ? 'maybe' : mode === 'live' ? 'dead' : 'live';
}

function both(a: Mode, b: Mode): Mode {
  if (a === 'dead' || b === 'dead') return 'dead';
  return a === 'live' && b === 'live' ? 'live' : 'maybe';
}

function either(a: Mode, b: Mode): Mode {
  return not(both(not(a), not(b)));
}

/** `live` when the condition is true, `dead` when it is false; undefined when it is not written as make wants it. */
function holds(text: string, scope: Scope): Mode | undefined {
  const match = /^(ifeq|ifneq|ifdef|ifndef)\s*(.*)$/.exec(text);
  if (!match) return undefined;
  const [, word, argument] = match;
  const yes = word === 'ifdef' || word === 'ifndef' ? isDefined(argument!, scope) : areEqual(argument!, scope);
  return yes !== undefined && (word === 'ifneq' || word === 'ifndef') ? not(yes) : yes;
}

function isDefined(argument: string, scope: Scope): Mode {
  const name = expand(argument.trim(), scope);
  if (!isKnown(name)) return 'maybe';
  const { text, recursive } = scope.look(name);
  if (recursive) return text === '' ? 'dead' : 'live';
  if (isKnown(text)) return text === '' ? 'dead' : 'live';
  return 'maybe';
}

function areEqual(argument: string, scope: Scope): Mode | undefined {
  const sides = sidesOf(argument.trim());
  if (sides === undefined) return undefined;
  const [left, right] = sides.map((side) => expand(side, scope));
  if (isKnown(left!) && isKnown(right!)) return left === right ? 'live' : 'dead';
  const empty = (text: string): boolean => text === '';
  const holdsWord = (text: string): boolean => wordsOf(text).some(isKnown);
  const differ = (empty(left!) && holdsWord(right!)) || (empty(right!) && holdsWord(left!));
  return differ ? 'dead' : 'maybe';
}

/** `(a,b)`, `"a" "b"` or `'a' 'b'`. */
function sidesOf(argument: string): [string, string] | undefined {
  if (argument.startsWith('(') && argument.endsWith(')')) {
    const [left, ...others] = splitArguments(argument.slice(1, -1));
    return others.length === 0 ? undefined : [left!.trim(), others.join(',').trim()];
  }
  const quoted = /^(["'])(.*?)\1\s*(["'])(.*?)\3$/.exec(argument);
  return quoted ? [quoted[2]!, quoted[4]!] : undefined;
}
