import { type Finding, finding } from './finding.ts';
import type { Item } from './items.ts';
import { isSameSize, type Member, membersOf, shiftedValues } from './members.ts';
import { isOnStack } from './on-stack.ts';
import type { Family } from './surroundings.ts';

/** Hazard 1: types whose bodies differ before and after, and macros that size arrays in them. */
export const layout: Family = ({ path, before, after }) => {
  const found: Finding[] = [];
  for (const [key, now] of after.items) {
    const old = before.items.get(key);
    if (old === undefined || old.canonical === now.canonical) continue;
    if (isAlias(old) && isAlias(now))
      found.push(finding('layout-may-change', { path, line: now.first }, `${now.name} is another type`));
    if (!hasBody(old)) continue;
    if (/^(?:typedef )?enum\b/.test(now.canonical)) found.push(...enumFindings(path, old, now));
    else found.push(...structFindings(path, old, now, isOnStack(path, now.name, before)));
  }
  return [...found, ...sizeFindings(path, before, after)];
};

/** Types, and variables whose type has no other name. */
function hasBody({ kind, canonical }: Item): boolean {
  return kind === 'type' || (kind === 'variable' && /^(?:\w+ )*(?:struct|union|enum) (?:\w+ )?\{/.test(canonical));
}

/** `typedef u32 foo_t;` */
function isAlias({ kind, canonical }: Item): boolean {
  return kind === 'declaration' && /^typedef\b/.test(canonical);
}

function structFindings(path: string, old: Item, now: Item, onStack: boolean): Finding[] {
  const [was, is] = [membersOf(old), membersOf(now)];
  const at = is.findIndex((member, index) => member.form !== was[index]?.form);
  if (at < 0 && was.length === is.length) return [];
  const line = (is[at] ?? is.at(-1))?.line ?? now.first;
  const names = differing(was, is);
  const what = `${now.name} changes${names === '' ? ' the order of its members' : ` (${names})`}: objects made before the livepatch is loaded keep the old layout`;
  if (isSameSize(was, is)) return [finding('layout-same-size', { path, line }, `${now.name}: ${names}`)];
  if (onStack) return [finding('layout-on-stack', { path, line }, `${now.name} changes (${names})`)];
  return [finding('layout-may-change', { path, line }, what)];
}

function differing(was: readonly Member[], is: readonly Member[]): string {
  const forms = (all: readonly Member[]): Set<string> => new Set(all.map(({ form }) => form));
  const [before, after] = [forms(was), forms(is)];
  const added = is.filter(({ form }) => !before.has(form)).map(({ form }) => `+ ${form}`);
  const removed = was.filter(({ form }) => !after.has(form)).map(({ form }) => `- ${form}`);
  return [...removed, ...added].slice(0, 4).join('; ');
}

function enumFindings(path: string, old: Item, now: Item): Finding[] {
  const [was, is] = [membersOf(old), membersOf(now)];
  const { shifted, sentinels, added } = shiftedValues(was, is);
  const line = is.find(({ form }, index) => form !== was[index]?.form)?.line ?? now.first;
  if (shifted.length > 0)
    return [
      finding('enum-values-shift', { path, line }, `${now.name}: ${shifted.slice(0, 4).join(', ')} get other values`),
    ];
  if (added.length === 0 && sentinels.length === 0) return [];
  return [finding('enum-grows', { path, line }, `${now.name} gets ${[...added, ...sentinels].slice(0, 4).join(', ')}`)];
}

/** A macro with another value between the brackets of a member. */
function sizeFindings(
  path: string,
  before: Parameters<Family>[0]['before'],
  after: Parameters<Family>[0]['after'],
): Finding[] {
  const found: Finding[] = [];
  for (const [name, { value, line, isFunction }] of after.defines) {
    const old = before.defines.get(name);
    if (isFunction || old === undefined || old.value === value) continue;
    const sized = [...before.items.values()].filter(
      ({ canonical, kind }) =>
        (kind === 'type' || kind === 'variable') && new RegExp(`\\[[^\\]]*\\b${name}\\b`).test(canonical),
    );
    if (sized.length === 0) continue;
    const what = `${name} is ${value} instead of ${old.value}, and sizes an array in ${sized.map((item) => item.name).join(', ')}`;
    found.push(finding('layout-may-change', { path, line }, what));
  }
  return found;
}
