import type { Head, Start } from '../start.ts';
import { isAboutTask } from '../tasks.ts';
import { bugs } from './bugs.ts';
import { faults } from './faults.ts';
import { locks } from './locks.ts';
import { corruption, kasan, kfence, leaks, sanitizers } from './memory.ts';
import { findRefusal, named, nameless } from './refusals.ts';
import { stalls } from './stalls.ts';
import { preludes, warnings } from './warnings.ts';

/** In this order: the first whose text and form fit wins, so the narrow ones stand before the wide ones. */
export const starts: readonly Start[] = [
  ...kasan,
  ...kfence,
  ...sanitizers,
  ...leaks,
  ...locks,
  ...stalls,
  ...preludes,
  ...warnings,
  ...faults,
  ...corruption,
  ...nameless,
  ...bugs,
];

/** The literal texts that a report begins with: a line that holds none of them begins none. */
export const startTexts: readonly string[] = [...new Set(starts.map((start) => start.text))];

/** Texts that stand behind the name of a module, and begin a report there. */
export const refusalTexts: readonly string[] = named.map((start) => start.text);

const byLetter = new Map<number, Start[]>();
for (const start of starts) {
  const letter = start.text.charCodeAt(0);
  byLetter.set(letter, [...(byLetter.get(letter) ?? []), start]);
}

/** The report that the line begins; null where it begins none. Lines of a report never do, but for one in a thousand. */
export function findStart(text: string): Head | null {
  const head = startOf(text);
  // A hung task is named in the midst of the line, by its form alone.
  return head === null || (head.start.kind !== 'hung-task' && isAboutTask(text)) ? null : head;
}

function startOf(text: string): Head | null {
  const candidates = byLetter.get(text.charCodeAt(0));
  if (candidates === undefined) return findRefusal(text);
  for (const start of candidates) {
    if (!text.startsWith(start.text)) continue;
    if (start.form === undefined) return { start, groups: [], text };
    const found = start.form.exec(text.slice(start.text.length, 500));
    if (found !== null) return { start, groups: found.slice(1).map((group) => group ?? ''), text };
  }
  return findRefusal(text);
}
