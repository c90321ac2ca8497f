import { diffArrays } from 'diff';
import type { ChangedText } from './patched-texts.ts';
import { linesOf, textOf } from './text.ts';

/**
 * Gives two forms of a source the same line numbers, by empty lines after the shorter side of each change: then nothing
 * but the change itself can tell the two objects apart (`__LINE__` stands in every WARN and lock of a kernel). A line
 * that goes on behind a backslash is followed by one that does so, too.
 */
export function aligned(before: string, after: string): { before: string; after: string } {
  const [old, now]: [string[], string[]] = [[], []];
  for (const { value, removed, added } of diffArrays(linesOf(before), linesOf(after))) {
    if (!removed) {
      if (!added) pad(old, now);
      now.push(...value);
    }
    if (!added) old.push(...value);
  }
  pad(old, now);
  return { before: textOf(old), after: textOf(now) };
}

/** The files of a change without and with it, by path: a file that is there on both sides has the same line numbers on both. */
export function alignedSides(changed: ReadonlyMap<string, ChangedText>): {
  before: Map<string, string>;
  after: Map<string, string>;
} {
  const sides = { before: new Map<string, string>(), after: new Map<string, string>() };
  for (const [path, { before, after }] of changed) {
    const texts = before === null || after === null ? { before, after } : aligned(before, after);
    if (texts.before !== null) sides.before.set(path, texts.before);
    if (texts.after !== null) sides.after.set(path, texts.after);
  }
  return sides;
}

function pad(a: string[], b: string[]): void {
  const length = Math.max(a.length, b.length);
  for (const lines of [a, b]) {
    const filler = lines.at(-1)?.endsWith('\\') === true ? '\\' : '';
    while (lines.length < length) lines.push(filler);
  }
}
