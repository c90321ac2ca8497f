import { functions } from './functions.ts';
import { MAX_DEPTH, MAX_EXPANSION } from './limits.ts';
import { HOLE, isKnown, joinPieces } from './marks.ts';
import type { Scope } from './scope.ts';
import { substitute } from './word-functions.ts';

/** Expands the references of a text (GNU make manual, 6.1 "Basics of Variable References"). Always ends. */
export function expand(text: string, scope: Scope, depth = 0): string {
  if (!text.includes('$')) return text;
  if (depth > MAX_DEPTH || !scope.surroundings.budget.spend(64 + text.length)) return HOLE;
  const pieces: string[] = [];
  let length = 0;
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar === text.length - 1) {
      pieces.push(text.slice(at));
      break;
    }
    pieces.push(text.slice(at, dollar));
    const reference = referenceAt(text, dollar + 1);
    const piece = reference === undefined ? HOLE : valueOf(reference, scope, depth + 1);
    length += piece.length;
    if (length > MAX_EXPANSION || !scope.surroundings.budget.spend(piece.length)) return HOLE;
    pieces.push(piece);
    at = reference === undefined ? text.length : reference.end;
  }
  return joinPieces(pieces);
}

interface Reference {
  readonly body: string;
  readonly end: number;
  /** `$$`. */
  readonly dollar: boolean;
}

/** The reference whose `$` stands before `at`; undefined when its parenthesis is not closed. */
function referenceAt(text: string, at: number): Reference | undefined {
  const open = text[at]!;
  if (open !== '(' && open !== '{') return { body: open, end: at + 1, dollar: open === '$' };
  const close = closing(text, at);
  return close < 0 ? undefined : { body: text.slice(at + 1, close), end: close + 1, dollar: false };
}

function closing(text: string, at: number): number {
  const [open, close] = text[at] === '(' ? [40, 41] : [123, 125];
  let depth = 0;
  for (let i = at; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === open) depth += 1;
    else if (code === close) {
      depth -= 1;
      if (depth === 0) return i;
    }
  }
  return -1;
}

function valueOf({ body, dollar }: Reference, scope: Scope, depth: number): string {
  if (dollar) return '$';
  const call = /^([a-z-]+)[ \t]+/.exec(body);
  if (call) {
    const run = functions.get(call[1]!);
    const inner = (text: string): string => expand(text, scope, depth);
    return run === undefined ? HOLE : run(splitArguments(body.slice(call[0].length)), inner, scope);
  }
  return variable(expand(body, scope, depth), scope, depth);
}

function variable(name: string, scope: Scope, depth: number): string {
  const reference = /^([^:=\s]+):([^=]*)=(.*)$/.exec(name);
  if (reference) {
    const [, base, from, to] = reference;
    return substitute(valueOfVariable(base!, scope, depth), from!, to!);
  }
  return valueOfVariable(name, scope, depth);
}

export function valueOfVariable(given: string, scope: Scope, depth = 0): string {
  if (!isKnown(given)) return HOLE;
  const name = given.trim();
  const { text, recursive } = scope.look(name);
  if (!recursive) return text;
  if (scope.expanding.has(name)) return HOLE;
  scope.expanding.add(name);
  const value = expand(text, scope, depth + 1);
  scope.expanding.delete(name);
  return value;
}

/** Splits at commas outside of parentheses. */
export function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 40 || code === 123) depth += 1;
    else if (code === 41 || code === 125) depth -= 1;
    else if (code === 44 && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
