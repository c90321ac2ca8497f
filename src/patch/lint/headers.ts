import type { FileChange } from './change.ts';
import { type Finding, finding, some } from './finding.ts';
import { type Family, isHeader, readersOf } from './surroundings.ts';

const WIDE = 100;
const MANY = 20;

/** Hazard 17: how many objects read a changed header, and whether anything that was there changes. */
export const headers: Family = (change, { profile }) => {
  const { path } = change;
  if (!isHeader(path)) return [];
  const found: Finding[] = [];
  const line = change.hunks[0]?.after[0] ?? change.hunks[0]?.before[0] ?? 1;
  if (/(?:^|\/)uapi\//.test(path) && differs(change)) found.push(finding('uapi-changed', { path, line }));
  const count = readersOf(path, profile)?.length;
  if (count === undefined || count === 0 || !differs(change)) return found;
  const changed = changedParts(change);
  const place = { path, line };
  if (changed.length === 0)
    return [
      ...found,
      finding(
        'header-additive',
        place,
        `${count} objects read ${path}, in which nothing but declarations and new names is another`,
      ),
    ];
  const what = `${count} objects read ${path}; ${some(changed)} changes`;
  if (count > WIDE) found.push(finding('header-wide', place, what));
  else if (count > MANY) found.push(finding('header-many', place, what));
  return found;
};

function differs({ before, after, functions }: FileChange): boolean {
  return functions.length > 0 || before.outside !== after.outside || definesText(before) !== definesText(after);
}

function definesText({ defines }: FileChange['before']): string {
  return [...defines.values()].map(({ name, value }) => `${name} ${value}`).join('\n');
}

/** What was there and is another, or gone: what is only added changes no object that does not use it. */
export function changedParts({ before, after, functions }: FileChange): string[] {
  const changed = functions.filter((fn) => fn.before !== undefined).map(({ name }) => `${name} (inline)`);
  for (const [name, { value }] of before.defines)
    if (after.defines.get(name)?.value !== value) changed.push(`${name} (macro)`);
  for (const [key, item] of before.items) {
    const now = after.items.get(key);
    // A prototype says nothing that would change the code of who does not call it.
    if (now?.canonical !== item.canonical && item.kind !== 'declaration') changed.push(item.name);
  }
  return changed;
}
