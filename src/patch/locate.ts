import type { HunkFinding } from '#domain';
import type { Hunk } from './diff.ts';

/** Changed lines that stand there must hold so many letters and digits before they count without all of their context. */
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
 * Before: it counts wherever it stands, but has a place only in the function that the patch names. After: it counts only
 * there, because the lines of a small fix may stand in another function, too. When both forms stand there, it is not fixed
 * (recall first), unless the form after it, with all of its context, is in the function that the patch names and the one
 * before it is not: the fix never touched another function that happens to have the same lines.
 */
export function locate(path: string, lines: readonly string[], hunk: Hunk, shift: number): Located {
  const wide = attempt(lines, hunk, [0, 0], shift);
  if (wide !== null) return { path, line: hunk.oldStart, ...wide, how: 'exact', trimmed: [0, 0] };
  for (const trimmed of trims(hunk)) {
    const found = attempt(lines, hunk, trimmed, shift, true);
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
  drifted = false,
): Attempt | null {
  const kept = hunk.lines.slice(head, hunk.lines.length - tail);
  const before = kept.filter(({ kind }) => kind !== '+').map(({ text }) => text);
  const after = kept.filter(({ kind }) => kind !== '-').map(({ text }) => text);
  const done = placesOf(lines, after);
  const all = placesOf(lines, before);
  const expected = hunk.oldStart - 1 + shift + head;
  const own = (places: readonly number[]): number[] => places.filter((at) => isFunctionOf(lines, at, hunk));
  const isElsewhere = !drifted && own(done).length > 0 && !own(all).some((at) => !isInside(at, before, done, after));
  const old = isElsewhere ? [] : all;
  const unclear: Attempt = { state: 'unclear', at: null };
  if (old.length > 0) {
    // A pure removal leaves only context behind, a pure addition begins as nothing else: both forms may stand there.
    const isSure = done.length === 0 || before.length > after.length || old.includes(expected);
    if (!isSure || (drifted && (old.length > 1 || !isDistinctive(hunk, '-')))) return unclear;
    const places = own(old);
    return { state: 'vulnerable', at: places.length === 0 ? null : nearest(places, expected) + 1 };
  }
  if (done.length === 0) return null;
  const places = own(done);
  const isVague = places.length > 1 || !isDistinctive(hunk, '+') || !isHeld(hunk, [head, tail], lines);
  if (places.length === 0 || (drifted && isVague)) return unclear;
  return { state: 'fixed', at: nearest(places, expected) + 1 };
}

/** Lines that a fix adds may end as the lines before them do: what then looks like the form before it is a part of it. */
function isInside(at: number, before: readonly string[], done: readonly number[], after: readonly string[]): boolean {
  return done.some((start) => at > start && at + before.length <= start + after.length);
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

function isDistinctive(hunk: Hunk, side: '-' | '+'): boolean {
  const changed = hunk.lines.filter(({ kind }) => kind === side).map(({ text }) => text.replace(/\W/g, ''));
  return changed.join('').length >= DISTINCTIVE;
}

/**
 * A drifted form after the fix is believed when one side kept all of its context, or when what the fix removes is gone: the
 * few lines of an addition may stand in the same function for another reason.
 */
function isHeld(hunk: Hunk, [head, tail]: readonly [number, number], lines: readonly string[]): boolean {
  if (head === 0 || tail === 0) return true;
  const removed = hunk.lines.filter(({ kind, text }) => kind === '-' && text.trim().length > 1);
  return removed.length > 0 && removed.every(({ text }) => !lines.includes(text));
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

/**
 * The word before the first parenthesis, or the last word: `static int foo(void)` and `struct foo {` both give foo. Macros
 * that define functions (`SYSCALL_DEFINE2(foo, …)`) are told apart by what stands in them.
 */
function nameOf(heading: string): string | null {
  const macro = /(?<![\w)])((?:[A-Z][A-Z0-9_]+|__\w+)\s*\([^,)]*)/.exec(heading)?.[1];
  if (macro !== undefined) return macro.replace(/\s/g, '');
  return /(\w+)\s*\(/.exec(heading)?.[1] ?? /(\w+)\W*$/.exec(heading)?.[1] ?? null;
}
