import type { FileDiff } from '../diff.ts';
import { type FileFound, placedIn } from '../file-in.ts';
import { changedLines, type PlacedLines } from '../hunk-lines.ts';
import { linesOf, textOf } from '../text.ts';
import { type Fn, readSource, type SourceText } from './source-text.ts';

/** One file of a patch with its text before and after; what a rule looks at. */
export interface FileChange {
  readonly file: FileDiff;
  readonly path: string;
  readonly before: SourceText;
  readonly after: SourceText;
  /** Lines that each hunk changes, before and after; null: it has no place. */
  readonly hunks: readonly (PlacedLines | null)[];
  /** Every hunk stands where it says, or a known way off. */
  readonly fits: boolean;
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

/** Puts the hunks of a file into its text, in memory; where they do not fit, at the lines that the patch names. */
export function changeOf(file: FileDiff, text: string | undefined): FileChange {
  const found = file.kind === 'changed' && text !== undefined ? placedIn(file, text) : undefined;
  const fits = file.kind !== 'changed' || (found !== undefined && found.after !== null);
  const [before, after] = textsOf(file, text ?? '', found);
  const [old, now] = [readSource(before), readSource(after)];
  const hunks =
    found?.after == null ? file.hunks.map((_, index) => asWritten(file, index)) : changedLines(file, found.hunks, true);
  return { file, path: file.path, before: old, after: now, hunks, fits, functions: changedFunctions(old, now, hunks) };
}

function textsOf(file: FileDiff, text: string, found: FileFound | undefined): [string, string] {
  if (file.kind === 'added') return ['', textOf(file.hunks.flatMap(({ lines }) => lines.map((line) => line.text)))];
  if (file.kind === 'removed') return [text, ''];
  return [text, found?.after ?? forced(file, text)];
}

function forced(file: FileDiff, text: string): string {
  const [old, now] = [linesOf(text), [] as string[]];
  let done = 0;
  for (const { oldStart, lines } of file.hunks) {
    const at = Math.max(done, Math.min(old.length, oldStart - 1));
    now.push(...old.slice(done, at), ...lines.filter(({ kind }) => kind !== '-').map((line) => line.text));
    done = Math.min(old.length, at + lines.filter(({ kind }) => kind !== '+').length);
  }
  return textOf([...now, ...old.slice(done)]);
}

function asWritten(file: FileDiff, index: number): PlacedLines {
  const shift = file.hunks
    .slice(0, index)
    .flatMap(({ lines }) => lines)
    .reduce((sum, { kind }) => sum + (kind === '+' ? 1 : kind === '-' ? -1 : 0), 0);
  const [before, after, around]: [number[], number[], number[]] = [[], [], []];
  let [old, now] = [file.hunks[index]!.oldStart, file.hunks[index]!.oldStart + shift];
  for (const { kind } of file.hunks[index]!.lines) {
    if (kind === '-') before.push(old);
    if (kind === '+') after.push(now);
    if (kind !== ' ') around.push(old);
    if (kind !== '+') old += 1;
    if (kind !== '-') now += 1;
  }
  return { before, after, around };
}

function changedFunctions(
  before: SourceText,
  after: SourceText,
  hunks: readonly (PlacedLines | null)[],
): ChangedFunction[] {
  const names = new Set([...before.functions.keys(), ...after.functions.keys()]);
  const found: ChangedFunction[] = [];
  for (const name of names) {
    const [old, now] = [before.functions.get(name), after.functions.get(name)];
    if (old !== undefined && now !== undefined && old.head === now.head && old.body === now.body) continue;
    const touching = hunks.flatMap((lines, index) => (lines !== null && touches(lines, old, now) ? [index] : []));
    const line = firstChanged(now, hunks, 'after') ?? firstChanged(old, hunks, 'before') ?? (now ?? old)!.first;
    found.push({ name, before: old, after: now, line, hunks: touching });
  }
  return found;
}

function touches(lines: PlacedLines, old: Fn | undefined, now: Fn | undefined): boolean {
  const inside = (fn: Fn | undefined, line: number): boolean => fn !== undefined && line >= fn.first && line <= fn.last;
  return lines.before.some((line) => inside(old, line)) || lines.after.some((line) => inside(now, line));
}

function firstChanged(
  fn: Fn | undefined,
  hunks: readonly (PlacedLines | null)[],
  side: 'before' | 'after',
): number | undefined {
  if (fn === undefined) return undefined;
  return hunks.flatMap((lines) => lines?.[side] ?? []).find((line) => line >= fn.first && line <= fn.last);
}
