import type { HunkFinding } from '#domain';
import type { Hunk } from './diff.ts';

/** Changed lines must hold so many letters and digits before a hunk is believed without all of its context. */
const DISTINCTIVE = 12;
const LEAST_CONTEXT = 1;

/** Where a hunk stands in a file, and in which of its two forms. */
export interface Located extends HunkFinding {
  /** Lines of context left out at the start and the end of the hunk, when it has drifted. */
  readonly trimmed: readonly [number, number];
}

/**
 * Looks for a hunk in a file, in its form before the fix and after it.
 *
 * Before: it counts wherever it stands. After: it counts only where the function is the one the patch names, because the
 * lines of a small fix may stand in another function; and when both forms stand there, it is not fixed (recall first).
 */
export function locate(path: string, lines: readonly string[], hunk: Hunk, shift: number): Located {
  const wide = attempt(lines, hunk, [0, 0], shift);
  if (wide !== null) return { path, line: hunk.oldStart, ...wide, how: 'exact', trimmed: [0, 0] };
  for (const trimmed of trims(hunk)) {
    const found = isDistinctive(hunk) ? attempt(lines, hunk, trimmed, shift, true) : null;
    if (found !== null) return { path, line: hunk.oldStart, ...found, how: 'drifted', trimmed };
  }
  return { path, line: hunk.oldStart, state: 'unclear', how: 'none', at: null, trimmed: [0, 0] };
}

type Attempt = Pick<HunkFinding, 'state' | 'at'>;

function attempt(
  lines: readonly string[],
  hunk: Hunk,
  [head, tail]: readonly [number, number],
  shift: number,
  unique = false,
): Attempt | null {
  const kept = hunk.lines.slice(head, hunk.lines.length - tail);
  const before = kept.filter(({ kind }) => kind !== '+').map(({ text }) => text);
  const after = kept.filter(({ kind }) => kind !== '-').map(({ text }) => text);
  const old = placesOf(lines, before);
  const done = placesOf(lines, after);
  const expected = hunk.oldStart - 1 + shift + head;
  if (old.length > 0) {
    // A pure removal leaves only context behind, a pure addition begins as nothing else: both forms may stand there.
    const isSure = done.length === 0 || before.length > after.length || old.includes(expected);
    if (isSure && !(unique && old.length > 1)) return { state: 'vulnerable', at: nearest(old, expected) + 1 };
    return { state: 'unclear', at: null };
  }
  const own = done.filter((at) => isFunctionOf(lines, at, hunk));
  if (own.length === 0 || (unique && own.length > 1)) return done.length === 0 ? null : { state: 'unclear', at: null };
  return { state: 'fixed', at: nearest(own, expected) + 1 };
}

/** Every place where `wanted` stands, from 0. An empty list stands nowhere. */
function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  const found: number[] = [];
  const [first] = wanted;
  if (first === undefined) return found;
  for (let at = lines.indexOf(first); at >= 0; at = lines.indexOf(first, at + 1))
    if (wanted.every((text, i) => lines[at + i] === text)) found.push(at);
  return found;
}

function nearest(places: readonly number[], expected: number): number {
  return places.reduce((best, at) => (Math.abs(at - expected) < Math.abs(best - expected) ? at : best));
}

/** Ways to leave context out, the least first; some of it stays on both sides. */
function* trims(hunk: Hunk): Generator<readonly [number, number]> {
  const first = hunk.lines.findIndex(({ kind }) => kind !== ' ');
  const last = hunk.lines.findLastIndex(({ kind }) => kind !== ' ');
  const [head, tail] = [first, hunk.lines.length - 1 - last];
  for (let left = 1; left <= head + tail; left += 1)
    for (let top = 0; top <= left; top += 1)
      if (top <= head - LEAST_CONTEXT && left - top <= tail - LEAST_CONTEXT) yield [top, left - top];
}

function isDistinctive(hunk: Hunk): boolean {
  const changed = hunk.lines.filter(({ kind }) => kind !== ' ').map(({ text }) => text.replace(/\W/g, ''));
  return changed.join('').length >= DISTINCTIVE;
}

/** Does the place lie in the function that the hunk's heading names? git may name a label of it (`out:`) instead. */
function isFunctionOf(lines: readonly string[], at: number, hunk: Hunk): boolean {
  const wanted = nameOf(hunk.heading);
  for (let line = at - 1; line >= 0; line -= 1) {
    const text = lines[line]!;
    if (!/^[A-Za-z_]/.test(text)) continue;
    if (nameOf(text) === wanted) return true;
    if (!/^\w+:/.test(text)) return false;
  }
  return wanted === null;
}

/** The word before the first parenthesis, or the last word: `static int foo(void)` and `struct foo {` both give foo. */
function nameOf(heading: string): string | null {
  return /(\w+)\s*\(/.exec(heading)?.[1] ?? /(\w+)\W*$/.exec(heading)?.[1] ?? null;
}
