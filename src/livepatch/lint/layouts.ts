import { type TypeLayout, type TypeMember } from '#kernel';
import { type Finding, finding, some } from '#patch';

/** Names that only say how many there are: they move when a value is added. */
const SENTINEL = /(?:^|_)(?:MAX|NR|NUM|COUNT|LAST|END|TOTAL|max|nr|num|count|last|end)(?:_|$)|^__/;

type Layouts = ReadonlyMap<string, TypeLayout>;

/**
 * Hazard 1 in the objects: types of one name with another layout. Types that differ only because they hold one of these are
 * named with it.
 */
export function layoutFindings(object: string, before: Layouts, after: Layouts): Finding[] {
  const changed = new Map<string, Difference>();
  for (const [name, now] of after) {
    const old = before.get(name);
    const difference = old === undefined ? undefined : differenceOf(old, now);
    if (difference !== undefined) changed.set(name, difference);
  }
  const holders = [...changed.keys()].filter((name) => holdsChanged(after.get(name)!, changed));
  return [...changed]
    .filter(([name]) => !holders.includes(name))
    .map(([name, { code, what }]) => {
      const also = holders.length > 0 ? `; in ${holders.length} other types: ${some(holders)}` : '';
      return finding(code, { path: object, line: null }, `${name} ${what}${also}`);
    });
}

interface Difference {
  readonly code: 'object-layout' | 'object-layout-padding' | 'object-enum' | 'object-enum-grows';
  readonly what: string;
}

/** A member of it is, by value, a type that changes. */
function holdsChanged({ members }: TypeLayout, changed: ReadonlyMap<string, unknown>): boolean {
  return members.some(({ type }) => changed.has(type.replace(/ \[.*$/, '')));
}

function differenceOf(old: TypeLayout, now: TypeLayout): Difference | undefined {
  if (now.kind === 'enum') return enumDifference(old, now);
  const sizes = old.size === now.size ? '' : `is ${now.size} bytes instead of ${old.size}`;
  const moved = movedMembers(old, now);
  const retyped = retypedMembers(old, now);
  if (sizes !== '' || moved.length > 0) {
    const words = [sizes, ...moved.slice(0, 4)].filter((word) => word !== '');
    return { code: 'object-layout', what: words.join('; ') };
  }
  const [was, is] = [old, now].map(({ members }) => new Set(members.map(({ name }) => name)));
  const added = [...is!].filter((name) => !was!.has(name)).map((name) => `gets ${name}`);
  const gone = [...was!].filter((name) => !is!.has(name)).map((name) => `loses ${name}`);
  const words = [...added, ...gone, ...retyped];
  if (words.length === 0) return undefined;
  return { code: 'object-layout-padding', what: `${some(words)}, nothing else moves (${now.size} bytes)` };
}

/** Members of both, each with what it was; names that stand in several alternatives of a union follow each other. */
function inBoth(old: TypeLayout, now: TypeLayout): (readonly [TypeMember, TypeMember])[] {
  const left = new Map<string, TypeMember[]>();
  for (const member of old.members) left.set(member.name, [...(left.get(member.name) ?? []), member]);
  return now.members.flatMap((member) => {
    const was = left.get(member.name)?.shift();
    return was === undefined ? [] : [[was, member] as const];
  });
}

/** A structure or union itself, or an array of them; not a pointer to one. */
const HOLDS = /^(?:struct|union) \w+(?: \[.*)?$/;

/** Members that lie elsewhere, are of another size, or hold another structure. */
function movedMembers(old: TypeLayout, now: TypeLayout): string[] {
  return inBoth(old, now).flatMap(([was, is]) => {
    if (was.offset !== is.offset) return [`${is.name} is at ${place(is.offset)} instead of ${place(was.offset)}`];
    if (was.size !== is.size) return [`${is.name} has ${is.size} bits instead of ${was.size}`];
    const isHeld = HOLDS.test(was.type) || HOLDS.test(is.type);
    return isHeld && was.type !== is.type ? [`${is.name} is ${is.type} instead of ${was.type}`] : [];
  });
}

function retypedMembers(old: TypeLayout, now: TypeLayout): string[] {
  return inBoth(old, now)
    .filter(([was, is]) => was.type !== is.type)
    .map(([was, is]) => `${is.name} is ${is.type} instead of ${was.type}`);
}

function place(bits: number): string {
  return bits % 8 === 0 ? `byte ${bits / 8}` : `bit ${bits}`;
}

function enumDifference(old: TypeLayout, now: TypeLayout): Difference | undefined {
  const moved = [...old.values]
    .filter(([name, value]) => now.values.has(name) && now.values.get(name) !== value)
    .map(([name]) => name);
  const shifted = moved.filter((name) => !SENTINEL.test(name));
  if (shifted.length > 0) return { code: 'object-enum', what: `gives other values to ${some(shifted)}` };
  const added = [...now.values.keys()].filter((name) => !old.values.has(name));
  const what = `gets ${some([...added, ...moved.map((name) => `another ${name}`)])}`;
  return moved.length > 0 ? { code: 'object-enum-grows', what } : undefined;
}
