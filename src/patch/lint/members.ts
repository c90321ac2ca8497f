import { canonical } from './c-text.ts';
import type { Item } from './items.ts';

/** A member of a structure or union, a name of an enumeration, or a directive between them. */
export interface Member {
  /** In canonical form, without what changes no layout. */
  readonly form: string;
  readonly line: number;
}

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
  const moved = [...before].filter(([name, value]) => after.get(name) !== value).map(([name]) => name);
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
