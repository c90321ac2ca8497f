import { canonical } from './c-text.ts';
import type { Item } from './items.ts';

/** A member of a structure or union, a name of an enumeration, or a directive between them. */
export interface Member {
  /** In canonical form, without what changes no layout. */
  readonly form: string;
  readonly line: number;
}

/** include/uapi/linux/stddef.h: an array without a size, where C allows none. */
const FLEXIBLE = /\b(?:__)?DECLARE_FLEX_ARRAY \( (.*?) , (\w+) \)/g;
const CONDITIONAL = /^\s*#\s*(?:if|ifdef|ifndef|elif\w*|else|endif|include|pragma)\b/;
/** Words that say how a member may be used and not how large it is. */
const NO_LAYOUT =
  /\b(?:const|volatile|__rcu|__user|__percpu|__iomem|__force|__private|__bitwise|__nonstring)\b|\b(?:__counted_by|__counted_by_le|__guarded_by) \( [^)]* \)/g;
/** Names that only say how many there are: they move when a value is added. */
const SENTINEL = /(?:^|_)(?:MAX|NR|NUM|COUNT|LAST|END|SIZE|TOTAL|SENTINEL|max|nr|num|count|last|end)(?:_|$)|^__/;

/** The members of a body, each with its line; nested bodies are taken apart, too. */
export function membersOf({ text, first, canonical: all }: Item): Member[] {
  const isEnum = /^(?:typedef |static |const )*enum\b/.test(all);
  const open = text.indexOf('{');
  const close = text.lastIndexOf('}');
  const found: Member[] = [];
  let line = first + text.slice(0, open).split('\n').length - 1;
  let [part, at] = ['', line];
  const end = (): void => {
    const form = formOf(part);
    if (form !== '') found.push({ form, line: at });
    part = '';
  };
  let depth = 0;
  for (const chunk of text.slice(open + 1, close).split(/(\n)/)) {
    if (chunk === '\n') {
      line += 1;
      part += ' ';
      continue;
    }
    // A macro may be defined in a body; what makes members come and go is one of these.
    if (/^\s*#/.test(chunk) && !CONDITIONAL.test(chunk)) continue;
    if (CONDITIONAL.test(chunk)) {
      end();
      at = line;
      part = chunk;
      end();
      continue;
    }
    for (const char of chunk) {
      if (part.trim() === '' && char.trim() !== '') at = line;
      if ('(['.includes(char)) depth += 1;
      if (')]'.includes(char)) depth -= 1;
      part += char;
      if (char === ';' || char === '{' || (isEnum && char === ',' && depth === 0)) end();
    }
  }
  end();
  const tail = formOf(text.slice(close + 1));
  return tail === '' ? found : [...found, { form: tail, line }];
}

function formOf(part: string): string {
  return canonical(part)
    .replace(/[;,]$/, '')
    .replace(FLEXIBLE, '$1 $2 [ ]')
    .replace(NO_LAYOUT, '')
    .replace(/\bunsigned int\b/g, 'unsigned')
    .replace(/\b(long|short)( unsigned)? int\b/g, '$1$2')
    .replace(/\s+/g, ' ')
    .trim();
}

/** What becomes of the values of an enumeration: C11 6.7.2.2, each is one more than the one before it. */
export function shiftedValues(
  was: readonly Member[],
  is: readonly Member[],
): { shifted: string[]; sentinels: string[]; added: string[] } {
  const [before, after] = [valuesOf(was), valuesOf(is)];
  // One that is gone changes no other; nobody who is compiled again can use it.
  const moved = [...before]
    .filter(([name, value]) => after.has(name) && after.get(name) !== value)
    .map(([name]) => name);
  return {
    shifted: moved.filter((name) => !SENTINEL.test(name)),
    sentinels: moved.filter((name) => SENTINEL.test(name)),
    added: [...after.keys()].filter((name) => !before.has(name)),
  };
}

/** A value is written as what it counts from, and how far it is from there. */
function valuesOf(members: readonly Member[]): Map<string, string> {
  const values = new Map<string, string>();
  let [base, offset] = ['', 0];
  for (const { form } of members) {
    const [, name, value] = /^(\w+)(?: = (.*))?$/.exec(form) ?? [];
    if (name === undefined) continue;
    if (value !== undefined) [base, offset] = /^\d+$/.test(value) ? ['', Number(value)] : [value, 0];
    values.set(name, `${base}+${offset}`);
    offset += 1;
  }
  return values;
}

/** Integer types by their width in bytes, where it is the same on every 64-bit machine. */
const WIDTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    1: ['u8', 's8', '__u8', '__s8', 'char', 'unsigned char', 'signed char', 'uint8_t', 'int8_t', 'bool'],
    2: ['u16', 's16', '__u16', '__s16', '__le16', '__be16', 'short', 'unsigned short', 'uint16_t', 'int16_t'],
    4: ['u32', 's32', '__u32', '__s32', '__le32', '__be32', 'int', 'unsigned', 'uint32_t', 'int32_t'],
    8: [
      'u64',
      's64',
      '__u64',
      '__s64',
      '__le64',
      '__be64',
      'long',
      'unsigned long',
      'long long',
      'uint64_t',
      'size_t',
      'ssize_t',
    ],
  }).flatMap(([width, names]) => names.map((name) => [name, Number(width)] as const)),
);

/** As many members in one order; each keeps its name and its width, or gets a name that is new with the type it had. */
export function isSameSize(was: readonly Member[], is: readonly Member[]): boolean {
  if (was.length !== is.length) return false;
  const [old, now] = [was.map(partsOf), is.map(partsOf)];
  const [oldNames, newNames] = [old, now].map((all) => new Set(all.map((part) => part?.name)));
  return was.every(({ form }, index) => {
    if (form === is[index]!.form) return true;
    const [a, b] = [old[index], now[index]];
    if (a === undefined || b === undefined || a.rest !== b.rest) return false;
    const sameWidth = a.type === b.type || (WIDTHS.has(a.type) && WIDTHS.get(a.type) === WIDTHS.get(b.type));
    return sameWidth && (a.name === b.name || (!oldNames!.has(b.name) && !newNames!.has(a.name)));
  });
}

export function memberName(form: string): string {
  return partsOf({ form, line: 0 })?.name ?? '';
}

/** `u8 name [ 4 ]`: type, name, and what stands behind it. */
function partsOf({ form }: Member): { type: string; name: string; rest: string } | undefined {
  const [, type, pointer = '', name, rest] = /^((?:\w+ )*\w+) ((?:\* )*)(\w+)((?: \[.*|: \d+)?)$/.exec(form) ?? [];
  if (type === undefined) return undefined;
  // A pointer is as wide as any other.
  return { type: pointer === '' ? type : `* ${pointer.length}`, name: name!, rest: rest! };
}
