import type { ChangedLines } from './conditions.ts';
import type { FileDiff } from './diff.ts';
import type { Located } from './locate.ts';

/** Where the changed lines of a hunk stand; `around` are those of this tree's text at which something changes. */
export interface PlacedLines extends ChangedLines {
  readonly around: readonly number[];
}

/**
 * Lines, from 1, that each hunk of a file changes: in this tree's text, and, with `isApplied`, in the text that the fix
 * leaves. A hunk that has no place gives null. Where the fix is in the source already, its text is the one after.
 */
export function changedLines(file: FileDiff, hunks: readonly Located[], isApplied: boolean): (PlacedLines | null)[] {
  let shift = 0;
  return hunks.map(({ at, state, trimmed }, i) => {
    if (at === null) return null;
    const all = file.hunks[i]!.lines;
    const kept = all.slice(trimmed[0], all.length - trimmed[1]);
    const own = state === 'fixed' ? '+' : '-';
    const [before, after, around]: [number[], number[], number[]] = [[], [], []];
    let [old, now] = [at, at + shift];
    for (const { kind } of kept) {
      if (kind === own) before.push(old);
      else if (kind !== ' ' && isApplied) after.push(now);
      if (kind !== ' ') around.push(old);
      if (kind === ' ' || kind === own) old += 1;
      if (kind === ' ' || kind !== own) now += 1;
    }
    shift = now - old;
    return { before, after, around };
  });
}
