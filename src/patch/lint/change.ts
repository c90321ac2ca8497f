import type { ConditionSetting } from '../config-expression.ts';
import type { FileDiff } from '../diff.ts';
import { canonical } from './c-text.ts';
import { maskText } from './mask.ts';
import { type HunkLines, placeHunks } from './place.ts';
import { type Fn, readSource, type SourceText } from './source-text.ts';

/** One file of a patch with its text before and after; what a rule looks at. */
export interface FileChange {
  readonly file: FileDiff;
  readonly path: string;
  readonly before: SourceText;
  readonly after: SourceText;
  /** Lines that each hunk changes. */
  readonly hunks: readonly HunkLines[];
  /** Every hunk stands where it says, or a known way off. */
  readonly fits: boolean;
  /** All of the change stands in branches that the configuration leaves out. */
  readonly leftOut: boolean;
  /** Functions that are in both texts and differ, or in one of them only. */
  readonly functions: readonly ChangedFunction[];
}

export interface ChangedFunction {
  readonly name: string;
  readonly before: Fn | undefined;
  readonly after: Fn | undefined;
  /** Where a reader looks: in the text after, of a removed one in the text before. */
  readonly line: number;
  /** The hunks that change a line of it. */
  readonly hunks: readonly number[];
}

/** Puts the hunks of a file into its text, in memory, and reads both as the configuration leaves them. */
export function changeOf(file: FileDiff, text: string | undefined, setting?: ConditionSetting): FileChange {
  const { before, after, hunks, fits } = placeHunks(file, text);
  const mask = (side: string): string => (setting === undefined ? side : maskText(side, setting));
  const [old, now] = [readSource(mask(before)), readSource(mask(after))];
  const leftOut = canonical(old.text) === canonical(now.text) && canonical(before) !== canonical(after);
  const functions = changedFunctions(old, now, hunks);
  return { file, path: file.path, before: old, after: now, hunks, fits, leftOut, functions };
}

function changedFunctions(before: SourceText, after: SourceText, hunks: readonly HunkLines[]): ChangedFunction[] {
  const names = new Set([...before.functions.keys(), ...after.functions.keys()]);
  const found: ChangedFunction[] = [];
  for (const name of names) {
    const [old, now] = [before.functions.get(name), after.functions.get(name)];
    if (old !== undefined && now !== undefined && old.head === now.head && old.body === now.body) continue;
    const touching = hunks.flatMap((lines, index) => (touches(lines, old, now) ? [index] : []));
    const line = firstChanged(now, hunks, 'after') ?? firstChanged(old, hunks, 'before') ?? (now ?? old)!.first;
    found.push({ name, before: old, after: now, line, hunks: touching });
  }
  return found;
}

function touches(lines: HunkLines, old: Fn | undefined, now: Fn | undefined): boolean {
  const inside = (fn: Fn | undefined, line: number): boolean => fn !== undefined && line >= fn.first && line <= fn.last;
  return lines.before.some((line) => inside(old, line)) || lines.after.some((line) => inside(now, line));
}

function firstChanged(fn: Fn | undefined, hunks: readonly HunkLines[], side: 'before' | 'after'): number | undefined {
  if (fn === undefined) return undefined;
  return hunks.flatMap((lines) => lines[side]).find((line) => line >= fn.first && line <= fn.last);
}
