import type { FileChange } from './change.ts';
import { type Finding, finding } from './finding.ts';
import { type Family, isHeader } from './surroundings.ts';

/** Hazard 30: functions that the patch removes while something may hold their address. */
export const removed: Family = (change, { changes }) => {
  if (isHeader(change.path)) return [];
  return change.functions.flatMap(({ name, before, after, line }) => {
    if (before === undefined || after !== undefined || before.names.length === 0) return [];
    // Moved to another file of the patch: it is still there.
    if (changes.some((other) => other.after.functions.has(name))) return [];
    return removedFinding(change, name, { head: before.head, line });
  });
};

function removedFinding(change: FileChange, name: string, { head, line }: { head: string; line: number }): Finding[] {
  const { path, before } = change;
  const data = [...before.items.values()].find(
    ({ kind, canonical }) => kind === 'variable' && new RegExp(`\\b${name}\\b`).test(canonical),
  );
  if (data !== undefined)
    return [finding('removed-in-data', { path, line }, `${name} is removed, and ${data.name} refers to it`)];
  const address = new RegExp(`[,=(&] ${name} (?!\\()`);
  const taken = [...before.functions.values()].some(({ body }) => address.test(body));
  if (taken) return [finding('removed-function', { path, line }, `${name} is removed, and its address was taken`)];
  if (!/\bstatic\b/.test(head))
    return [finding('removed-function', { path, line }, `${name} is removed, and other files may call it`)];
  return [];
}
