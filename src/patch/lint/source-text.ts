import { type FunctionBody, functionBodies } from '../functions.ts';
import { canonical, type Define, definesOf, withoutComments } from './c-text.ts';
import { type Item, topItems } from './items.ts';

/** A function of one text, in a form that spacing and comments do not change. */
export interface Fn extends FunctionBody {
  /** As a reader calls it: `foo`, or `SYSCALL_DEFINE2(foo)`. */
  readonly name: string;
  /** Everything before the body; `static int __init foo ( void )`. */
  readonly head: string;
  /** From the opening brace on. */
  readonly body: string;
}

/** One file of the source, before or after the patch, as the rules look at it. */
export interface SourceText {
  readonly text: string;
  readonly lines: readonly string[];
  readonly functions: ReadonlyMap<string, Fn>;
  readonly items: ReadonlyMap<string, Item>;
  readonly defines: ReadonlyMap<string, Define>;
  /** Canonical text of everything but function bodies and directives. */
  readonly outside: string;
}

export function readSource(text: string): SourceText {
  const bodies = functionBodies(text);
  const lines = withoutComments(text).split('\n');
  const functions = bodies.map((body) => fnOf(body, lines));
  const items = topItems(text, bodies);
  return {
    text,
    lines,
    functions: named(functions, ({ name }) => name),
    items: named(items, ({ kind, name }) => `${kind} ${name}`),
    defines: named(definesOf(text), ({ name }) => name),
    outside: items.map((item) => item.canonical).join('\n'),
  };
}

/** By name; a second one of the name, as `#if` and `#else` hold them, is `name#2`. */
function named<T>(all: readonly T[], nameOf: (one: T) => string): Map<string, T> {
  const found = new Map<string, T>();
  for (const one of all) {
    const name = nameOf(one);
    let key = name;
    for (let copy = 2; found.has(key); copy += 1) key = `${name}#${copy}`;
    found.set(key, one);
  }
  return found;
}

function fnOf(bounds: FunctionBody, lines: readonly string[]): Fn {
  const text = lines.slice(bounds.first - 1, bounds.last).join('\n');
  const open = text.indexOf('{');
  const head = canonical(open < 0 ? text : text.slice(0, open));
  const body = canonical(open < 0 ? '' : text.slice(open));
  return { ...bounds, name: nameOf(head, bounds.names), head, body };
}

function nameOf(head: string, names: readonly string[]): string {
  const macro = /^([A-Z][A-Z0-9_]*) \( (\w+)/.exec(head);
  if (macro !== null) return `${macro[1]}(${macro[2]})`;
  return names[0] ?? head.slice(0, 60);
}
