import type { HunkCondition } from '#domain';
import { type ConditionSetting, evaluate } from './config-expression.ts';
import { type Branch, type Preprocessed, preprocess } from './preprocessor.ts';
import { linesOf } from './text.ts';

/** Changed lines of a hunk in one text: before the fix or after it; from 1. */
export interface ChangedLines {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Source of C that is read with the configuration before it; device trees and bindings are not. */
const PREPROCESSED = /\.[chS]$/;
const NO_CONFIGURATION = /(?:^|\/)dt-bindings\//;

/**
 * The condition of each hunk of a file, in this configuration. It is false only when every changed line of code stands in
 * a branch that is known to be left out, and none of them is a directive: in both texts, or, with `after` null (the fix
 * does not fit as a whole), in the one there is. What a false condition proves is for `leavesSame` to say.
 */
export function conditionsOf(
  path: string,
  texts: { readonly before: string; readonly after: string | null },
  hunks: readonly (ChangedLines | null)[],
  setting: ConditionSetting,
): (HunkCondition | null)[] {
  if (!isPreprocessed(path)) return hunks.map(() => null);
  const before = preprocess(texts.before, setting);
  const after = texts.after === null ? null : preprocess(texts.after, setting);
  if (before === null || (texts.after !== null && after === null)) return hunks.map(() => null);
  const lines = linesOf(texts.before);
  return hunks.map((hunk) => {
    if (hunk === null) return null;
    const sides: [Preprocessed | null, readonly number[]][] = [
      [before, hunk.before],
      [after, hunk.after],
    ];
    const found = sides.flatMap(([text, changed]) => (text === null ? [] : linesIn(text, changed)));
    return joined(found) ?? blockOf(lines, hunk.before[0] ?? hunk.after[0] ?? 1, setting);
  });
}

/** Branches around each changed line of code; a directive is always read. */
function linesIn(text: Preprocessed, changed: readonly number[]): { branches: readonly Branch[]; isCode: boolean }[] {
  return changed
    .filter((line) => text.solid.has(line) || text.directives.has(line))
    .map((line) => ({ branches: text.around[line] ?? [], isCode: !text.directives.has(line) }));
}

function joined(
  found: readonly { readonly branches: readonly Branch[]; readonly isCode: boolean }[],
): HunkCondition | null {
  const around = found.flatMap(({ branches }) => branches);
  if (around.length === 0) return null;
  const values = found.map(({ branches, isCode }) => {
    const value = valueOf(branches);
    return value === false && !isCode ? null : value;
  });
  const isOut = values.every((value) => value === false);
  const value = isOut ? false : values.every((each) => each === true) ? true : null;
  const shown = isOut ? around.filter((branch) => branch.value === false) : around;
  const text = [...new Set(shown.map((branch) => branch.text))].join(' && ');
  return { text, value, by: 'preprocessor', from: Math.min(...shown.map(({ line }) => line)) };
}

function valueOf(branches: readonly Branch[]): boolean | null {
  if (branches.some(({ value }) => value === false)) return false;
  return branches.every(({ value }) => value === true) ? true : null;
}

/**
 * Is what the preprocessor leaves of two texts the same, whatever the names mean that are no CONFIG_ symbols? Line numbers
 * apart: `__LINE__` counts as the same. False for texts that it cannot follow, or that are not read with the configuration.
 */
export function leavesSame(path: string, before: string, after: string, setting: ConditionSetting): boolean {
  if (!isPreprocessed(path)) return false;
  const [old, now] = [preprocess(before, setting)?.visible, preprocess(after, setting)?.visible];
  if (old === undefined || now === undefined) return false;
  return old.length === now.length && old.every((line, i) => line === now[i]);
}

function isPreprocessed(path: string): boolean {
  return PREPROCESSED.test(path) && !NO_CONFIGURATION.test(path);
}

const BLOCK = /^(\s*)(?:\} else )?if \((.*\b(?:IS_ENABLED|IS_BUILTIN|IS_MODULE|IS_REACHABLE)\(CONFIG_.*)\) \{\s*$/;

/** The `if (IS_ENABLED(CONFIG_X)) {` that a line stands in, by the indentation of kernel code. It shows, and clears nothing. */
function blockOf(lines: readonly string[], line: number, setting: ConditionSetting): HunkCondition | null {
  let depth = indentOf(lines[line - 1] ?? '');
  for (let at = line - 2; at >= 0 && depth > 0; at -= 1) {
    const text = lines[at]!;
    if (text.trim() === '' || text.startsWith('#') || /^\w+:/.test(text)) continue;
    const indent = indentOf(text);
    if (indent >= depth) continue;
    depth = indent;
    const condition = BLOCK.exec(text)?.[2];
    if (condition !== undefined)
      return { text: condition, value: evaluate(condition, setting, true), by: 'if', from: at + 1 };
  }
  return null;
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}
