import { blank } from './c-types.ts';

/** A function body of a C text: lines from 1, from the head to the closing brace, and names it may have in symbol tables. */
export interface FunctionBody {
  readonly first: number;
  readonly last: number;
  /** Empty: a macro makes it, and its names are not known. */
  readonly names: readonly string[];
}

/** Macros behind the parameters of a function, or before its name (Documentation/process/coding-style.rst, sparse). */
const ATTRIBUTE =
  /^(?:__attribute__|__attribute|__acquires|__releases|__must_hold|__must_hold_shared|__cond_acquires|__printf|__scanf|__section|__alias|__aligned|__no_context_analysis|__counted_by|__alloc_size|__malloc|__diagnose_as|__error|__warning)$/;
const WORD = /([A-Za-z_]\w*)\s*$/;

/**
 * Function bodies at the top level of a C text. Comments, strings and directives are passed over; a body ends with the
 * brace in the first column, as kernel code is written, so that an `#if` with a brace in each branch ends none.
 */
export function functionBodies(text: string): FunctionBody[] {
  const lines = blank(text.replace(/^[ \t]*#(?:.*\\\n)*.*$/gm, (part) => part.replace(/[^\n]/g, ' '))).split('\n');
  const found: FunctionBody[] = [];
  let head: string[] = [];
  let first = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (head.length === 0) {
      if (!/^\S/.test(line)) continue;
      first = at + 1;
    }
    const open = line.indexOf('{');
    head.push(open < 0 ? line : line.slice(0, open));
    if (open >= 0) {
      const last = /\}\s*;?\s*$/.test(line.slice(open)) ? at : endOf(lines, at + 1);
      const names = namesOf(head.join(' '));
      if (names !== null) found.push({ first, last: last + 1, names });
      at = last;
      head = [];
    } else if (/[;}]\s*$/.test(line)) head = [];
    else if (/^[A-Z][A-Z0-9_]*\(.*\)\s*$/.test(line) && !/^\s*\{/.test(nextSolid(lines, at))) head = [];
  }
  return found;
}

/** The function that a line stands in. */
export function functionAt(bodies: readonly FunctionBody[], line: number): FunctionBody | undefined {
  return bodies.find(({ first, last }) => line >= first && line <= last);
}

function endOf(lines: readonly string[], from: number): number {
  for (let at = from; at < lines.length; at += 1) if (lines[at]!.startsWith('}')) return at;
  return lines.length - 1;
}

function nextSolid(lines: readonly string[], at: number): string {
  for (let next = at + 1; next < lines.length; next += 1) if (lines[next]!.trim() !== '') return lines[next]!;
  return '';
}

/** Null for what is no function: a type, a variable with its values. */
function namesOf(head: string): string[] | null {
  const groups = callsOf(head);
  if (/=/.test(outside(head)) || groups.length === 0) return null;
  const kept = [...groups];
  while (kept.length > 1 && ATTRIBUTE.test(kept.at(-1)!.name)) kept.pop();
  const { name, inner } = kept.at(-1)!;
  if (name === '') return [];
  return /^[A-Z][A-Z0-9_]*$/.test(name) ? macroNames(name, inner) : [name];
}

/** Names that a macro gives to what it defines: include/linux/syscalls.h, compat.h, filter.h, asm/idtentry.h. */
function macroNames(macro: string, inner: string): string[] {
  const name = /^\s*(\w+)/.exec(inner)?.[1];
  if (name === undefined) return [];
  if (/^SYSCALL_DEFINE\d$/.test(macro))
    return ['__x64_sys_', '__arm64_sys_', '__do_sys_', '__se_sys_', 'sys_'].map((head) => head + name);
  if (/^COMPAT_SYSCALL_DEFINE\d$/.test(macro))
    return [
      '__ia32_compat_sys_',
      '__x64_compat_sys_',
      '__arm64_compat_sys_',
      '__do_compat_sys_',
      '__se_compat_sys_',
    ].map((head) => head + name);
  if (/^BPF_CALL_\d$/.test(macro)) return [name, `____${name}`];
  if (macro.startsWith('DEFINE_IDTENTRY')) return [name, `__${name}`];
  return [];
}

/** Every `name(…)` of a head that is not inside another one. */
function callsOf(head: string): { name: string; inner: string }[] {
  const found: { name: string; inner: string }[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at < head.length; at += 1) {
    if (head[at] === '(' && depth++ === 0) start = at;
    if (head[at] === ')' && depth > 0 && --depth === 0)
      found.push({ name: WORD.exec(head.slice(0, start))?.[1] ?? '', inner: head.slice(start + 1, at) });
  }
  return found;
}

function outside(head: string): string {
  let depth = 0;
  return head
    .split('')
    .filter((char) => (char === '(' ? depth++ : char === ')' ? depth-- : depth) === 0)
    .join('');
}
