import type { FileDiff, Hunk } from '../diff.ts';
import { linesOf, textOf } from '../text.ts';

/** Context that may be left out at both ends before a hunk counts as placed by guess (patch(1), the fuzz factor). */
const MAX_FUZZ = 2;

/** Lines, from 1, that a hunk removes from the text before and adds to the text after. */
export interface HunkLines {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface Placed {
  readonly before: string;
  readonly after: string;
  readonly hunks: readonly HunkLines[];
  /** Every hunk stands in the text with all of its context. */
  readonly fits: boolean;
}

/**
 * Puts the hunks of a file into its text, in memory, as patch(1) does: at the place nearest to the one they name. What fits
 * nowhere is put where the patch says, so that the rules see it; `fits` is then false.
 */
export function placeHunks(file: FileDiff, text: string | undefined): Placed {
  const old = file.kind === 'added' ? [] : linesOf(text ?? '');
  const now: string[] = [];
  const hunks: HunkLines[] = [];
  let [done, shift, fits] = [0, 0, file.kind === 'added' || text !== undefined];
  for (const hunk of file.hunks) {
    const expected = Math.max(done, hunk.oldStart - 1 + shift);
    const found = file.kind === 'added' ? { at: 0, fuzz: 0 } : findHunk(old, hunk, expected, done);
    if (found === undefined || found.fuzz > 0) fits = false;
    const at = Math.min(old.length, found?.at ?? expected);
    shift = at - (hunk.oldStart - 1);
    now.push(...old.slice(done, at));
    done = put(hunk, old, now, at, hunks);
  }
  now.push(...old.slice(done));
  return { before: textOf(old), after: file.kind === 'removed' ? '' : textOf(now), hunks, fits };
}

/** Adds one hunk to the text after; the line of the text before at which the next one may begin. */
function put({ lines }: Hunk, old: readonly string[], now: string[], start: number, hunks: HunkLines[]): number {
  const [before, after]: [number[], number[]] = [[], []];
  let at = start;
  for (const { kind, text } of lines) {
    if (kind === '-') before.push(at + 1);
    // Context is taken from the text itself: where it differs, the text is right.
    if (kind === ' ' && at < old.length) now.push(old[at]!);
    if (kind === '+') {
      now.push(text);
      after.push(now.length);
    }
    if (kind !== '+') at = Math.min(old.length, at + 1);
  }
  hunks.push({ before, after });
  return at;
}

function findHunk(
  old: readonly string[],
  { lines }: Hunk,
  expected: number,
  from: number,
): { at: number; fuzz: number } | undefined {
  const wanted = lines.filter(({ kind }) => kind !== '+');
  for (let fuzz = 0; fuzz <= MAX_FUZZ; fuzz += 1) {
    const head = Math.min(
      fuzz,
      lines.findIndex(({ kind }) => kind !== ' '),
    );
    const tail = Math.min(fuzz, lines.length - 1 - lines.findLastIndex(({ kind }) => kind !== ' '));
    const kept = wanted.slice(head, wanted.length - tail).map(({ text }) => text);
    const places = placesOf(old, kept, from + head);
    if (places.length === 0) continue;
    const near = places.reduce((a, b) => (Math.abs(b - head - expected) < Math.abs(a - head - expected) ? b : a));
    return { at: Math.max(from, near - head), fuzz };
  }
  return undefined;
}

function placesOf(lines: readonly string[], wanted: readonly string[], from: number): number[] {
  const found: number[] = [];
  for (let at = from; at + wanted.length <= lines.length; at += 1)
    if (wanted.every((text, i) => lines[at + i] === text)) found.push(at);
  return found;
}
