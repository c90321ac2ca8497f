import { blank } from '../c-types.ts';
import type { FunctionBody } from '../functions.ts';
import { canonical, lineAt, withoutComments, withoutDirectives } from './c-text.ts';

/** Something at the top level of a C text that is no function. */
export interface Item {
  /** `macro`: a call such as EXPORT_SYMBOL(x) or DEFINE_MUTEX(x); `declaration`: a prototype, extern, a forward type. */
  readonly kind: 'type' | 'variable' | 'declaration' | 'macro';
  /** `struct x`, the variable, the function; of a macro its name with its first argument: `EXPORT_SYMBOL(x)`. */
  readonly name: string;
  /** Lines from 1, both included. */
  readonly first: number;
  readonly last: number;
  /** As it is written, without comments; directives are in it. */
  readonly text: string;
  readonly canonical: string;
}

/** Characters outside braces; what is longer is no C, and must not be looked at again and again. */
const MAX_HEAD = 20_000;

/**
 * Splits the top level of a C text into items; functions and directives are passed over. A scanner, not a parser: what it
 * does not understand becomes an item of its own, so that a change of it is not lost.
 */
export function topItems(text: string, functions: readonly FunctionBody[]): Item[] {
  const lines = blank(withoutDirectives(text)).split('\n');
  for (const { first, last } of functions)
    for (let at = first - 1; at < last; at += 1) lines[at] = ' '.repeat(lines[at]!.length);
  const code = lines.join('\n');
  const plain = withoutComments(text);
  const found: Item[] = [];
  let [depth, start] = [0, -1];
  const end = (at: number): void => {
    if (start >= 0 && at > start)
      found.push(...itemOf(code.slice(start, at), plain.slice(start, at), lineAt(code, start)));
    start = -1;
  };
  for (let at = 0; at < code.length; at += 1) {
    const char = code[at]!;
    if (/\s/.test(char)) {
      if (char !== '\n' || start < 0 || depth > 0) continue;
      if (at - start > MAX_HEAD || endsHere(code.slice(start, at), code, at + 1)) end(at);
      continue;
    }
    if (start < 0) start = at;
    if ('({['.includes(char)) depth += 1;
    else if (')}]'.includes(char)) depth = Math.max(0, depth - 1);
    else if (char === ';' && depth === 0) end(at + 1);
  }
  end(code.length);
  return found;
}

/** A macro call without a semicolon, or a body that no semicolon follows: the next line begins something new. */
function endsHere(item: string, code: string, next: number): boolean {
  const isDone = /^(?:static\s+)?\w+\s*\([\s\S]*\)$/.test(item.trim()) || item.trim().endsWith('}');
  return (
    isDone &&
    /^\s*(?:\n[ \t]*)*[A-Za-z_]/.test(code.slice(next, next + 400)) &&
    !/^\s*\n?[ \t]+__\w/.test(code.slice(next, next + 80))
  );
}

function itemOf(code: string, text: string, first: number): Item[] {
  const head = code.replace(/;\s*$/, '').trim();
  const kind = kindOf(head);
  if (kind === undefined) return [];
  const last = first + code.replace(/\s+$/, '').split('\n').length - 1;
  return [{ ...kind, first, last, text, canonical: canonical(text) }];
}

const MACRO = /^(?:(?:static|extern|const|__\w+)\s+)*([A-Za-z_]\w*)\s*\(([^]*)\)$/;

function kindOf(head: string): Pick<Item, 'kind' | 'name'> | undefined {
  if (head === '') return undefined;
  const flat = withoutBodies(head);
  const equals = equalsIn(flat);
  if (equals >= 0) return { kind: 'variable', name: variableName(flat.slice(0, equals)) };
  if (/^typedef\b/.test(flat)) return { kind: flat.includes('{}') ? 'type' : 'declaration', name: variableName(flat) };
  const body = /^(?:(?:static|extern|const|volatile)\s+)*(struct|union|enum)\b\s*([^{}]*)\{\}\s*([^]*)$/.exec(flat);
  if (body !== null) return typeKind(body[1]!, body[2]!, body[3]!);
  if (/^(?:struct|union|enum)\s+\w+$/.test(flat) || /^extern\b/.test(flat))
    return { kind: 'declaration', name: variableName(flat) };
  const call = MACRO.exec(flat);
  if (call !== null && !/\(\s*\*/.test(flat.slice(0, flat.indexOf('(') + 3)))
    return { kind: 'macro', name: `${call[1]}(${/^\s*([^,]*?)\s*(?:,|$)/.exec(call[2]!)?.[1] ?? ''})` };
  const pointer = /\(\s*\*+\s*(?:const\s+)?(\w+)/.exec(flat);
  if (pointer !== null) return { kind: 'variable', name: pointer[1]! };
  const prototype = /(\w+)\s*\(/.exec(flat.replace(/__attribute__\s*\(\(.*?\)\)/g, ''));
  if (prototype !== null) return { kind: 'declaration', name: prototype[1]! };
  return { kind: 'variable', name: variableName(flat) };
}

/** Where the value of a variable begins: the first `=` outside parentheses; -1: it has none. */
function equalsIn(flat: string): number {
  let depth = 0;
  for (let at = 0; at < flat.length; at += 1) {
    if (flat[at] === '(') depth += 1;
    else if (flat[at] === ')') depth -= 1;
    else if (flat[at] === '=' && depth === 0) return at;
  }
  return -1;
}

function typeKind(keyword: string, tag: string, rest: string): Pick<Item, 'kind' | 'name'> {
  const name = /(\w+)\s*$/.exec(tag.replace(/__\w+(?:\([^)]*\))?/g, ''))?.[1];
  const variable = /(?:^|[\s*])(\w+)/.exec(rest.replace(/__\w+(?:\([^]*?\)+)?/g, ''))?.[1];
  if (name !== undefined && variable === undefined) return { kind: 'type', name: `${keyword} ${name}` };
  if (variable !== undefined) return { kind: 'variable', name: variable };
  return { kind: 'type', name: `${keyword} (unnamed)` };
}

/** Everything between braces left out: `struct x {} y`. */
function withoutBodies(code: string): string {
  let depth = 0;
  let flat = '';
  for (const char of code) {
    if (char === '{' && depth++ === 0) flat += '{';
    if (char === '}' && depth > 0 && --depth === 0) flat += '}';
    else if (depth === 0) flat += char;
  }
  return flat;
}

function variableName(head: string): string {
  const macro = MACRO.exec(head.trim());
  if (macro !== null) return `${macro[1]}(${macro[2]!.trim()})`;
  const pointer = /\(\s*\*+\s*(?:const\s+)?(\w+)/.exec(head);
  if (pointer !== null) return pointer[1]!;
  const bare = head
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(?:__attribute__|__aligned|__section)\s*\([^]*?\)+/g, ' ')
    .replace(/\s__\w+(?=\s|$)/g, ' ');
  return /(\w+)\W*$/.exec(bare)?.[1] ?? (head.trim().slice(0, 60) || '(unnamed)');
}
