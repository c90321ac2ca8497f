import type { ChangedFunction } from './change.ts';
import { type Finding, finding, some } from './finding.ts';
import { isSameSize, memberName, membersOf } from './members.ts';
import type { SourceText } from './source-text.ts';
import type { Family } from './surroundings.ts';

/** `x->m =`, `x.m |=` in canonical form. */
const WRITE = /(?:- >|\.) (\w+) (?:[|&^+-] |< < |> > )?= (?!=)/g;

/** Hazard 4: what stored values mean changes, or where state is kept. */
export const meaning: Family = (change) => {
  const { path, before, after } = change;
  const found: Finding[] = [];
  for (const [name, { value, isFunction, line }] of after.defines) {
    const old = before.defines.get(name);
    if (old === undefined || old.value === value || isFunction || old.isFunction) continue;
    if (isNumber(value) && isNumber(old.value))
      found.push(finding('constant-changed', { path, line }, `${name} is ${value} instead of ${old.value}`));
  }
  const renamed = renamedMembers(before, after);
  const moved = movedMembers(change.functions, before, after.text).filter((name) => !renamed.has(name));
  if (moved.length > 0) {
    const what = `${some(moved)}: the file wrote and read it, and does so no longer`;
    found.push(finding('state-moved', { path, line: change.functions[0]?.line ?? 1 }, what));
  }
  return found;
};

function isNumber(value: string): boolean {
  return /^[\d\w\s()<|+*~-]*$/.test(value) && /\d|BIT|<</.test(value);
}

/** Members that keep their place and type under a new name: what live objects hold there is still read. */
function renamedMembers(before: SourceText, after: SourceText): Set<string> {
  const names: string[] = [];
  for (const [key, old] of before.items) {
    const now = after.items.get(key);
    if (old.kind !== 'type' || now === undefined || now.canonical === old.canonical) continue;
    const [was, is] = [membersOf(old), membersOf(now)];
    if (isSameSize(was, is))
      names.push(...was.flatMap(({ form }, at) => (form === is[at]!.form ? [] : [memberName(form)])));
  }
  return new Set(names);
}

/**
 * Members that one function wrote and another one read, and the text after does not name, where the changed functions write
 * something else instead.
 */
function movedMembers(functions: readonly ChangedFunction[], { functions: all }: SourceText, after: string): string[] {
  const names = new Set<string>();
  for (const { before: old, after: now } of functions) {
    if (old === undefined || now === undefined) continue;
    for (const [, name] of old.body.matchAll(WRITE)) names.add(name!);
  }
  return [...names].filter((name) => {
    if (new RegExp(`(?:->|\\.)\\s*${name}\\b`).test(after)) return false;
    const read = new RegExp(`(?:- >|\\.) ${name}\\b(?! (?:[|&^+-] |< < |> > )?= (?!=))`);
    const write = new RegExp(`(?:- >|\\.) ${name} (?:[|&^+-] |< < |> > )?= (?!=)`);
    return [...all.values()].some(({ body }) => read.test(body) && !write.test(body));
  });
}
