import { bare, doubted, HOLE, isKnown, kindOf, mapWords, wordsOf } from './marks.ts';
import type { Scope } from './scope.ts';
import { basename, dir, filter, notdir, patsubst, sort, subst, suffix } from './word-functions.ts';

type Expand = (text: string) => string;
type MakeFunction = (args: readonly string[], inner: Expand, scope: Scope) => string;

/** From the argument at `index` on: a function of make takes commas beyond its last argument as text. */
function rest(args: readonly string[], index: number): string {
  return args.slice(index).join(',');
}

function ofWords(change: (word: string) => string): MakeFunction {
  return (args, inner) => mapWords(inner(rest(args, 0)), change);
}

function affix(make: (word: string, part: string) => string): MakeFunction {
  return (args, inner) => {
    const part = inner(args[0] ?? '');
    const text = inner(rest(args, 1));
    if (!isKnown(part)) return wordsOf(text).length === 0 ? '' : HOLE;
    return mapWords(text, (word) => make(word, part));
  };
}

/** Picks from words that are all known, else anything. */
function pick(choose: (words: readonly string[], args: readonly string[]) => string, before: number): MakeFunction {
  return (args, inner) => {
    const head = args.slice(0, before).map(inner);
    const text = inner(rest(args, before));
    if (!isKnown(text) || !head.every(isKnown)) return HOLE;
    return choose(wordsOf(text), head);
  };
}

function filtering(keep: boolean): MakeFunction {
  return (args, inner, scope) => {
    const patterns = inner(args[0] ?? '');
    const text = inner(rest(args, 1));
    const cost = wordsOf(patterns).filter((word) => word.includes('%')).length * text.length;
    return scope.surroundings.budget.spend(cost) ? filter(patterns, text, keep) : HOLE;
  };
}

/** Is the text empty? Words that are known to be there decide, whatever else there is. */
function emptiness(text: string): boolean | undefined {
  const words = wordsOf(text);
  if (words.length === 0) return true;
  return words.some((word) => kindOf(word) === 'sure') ? false : undefined;
}

function either(args: readonly string[], inner: Expand): string {
  const empty = emptiness(inner((args[0] ?? '').trim()));
  const [yes, no] = [args[1] ?? '', rest(args, 2)];
  if (empty !== undefined) return inner(empty ? no : yes);
  return `${doubted(inner(yes))} ${doubted(inner(no))}`.trim();
}

function or(args: readonly string[], inner: Expand): string {
  const before: string[] = [];
  for (const arg of args) {
    const text = inner(arg.trim());
    const empty = emptiness(text);
    if (empty === false && before.length === 0) return text;
    if (empty !== true) before.push(doubted(text));
    if (empty === false) break;
  }
  return before.join(' ');
}

function and(args: readonly string[], inner: Expand): string {
  let text = '';
  let certain = true;
  for (const arg of args) {
    text = inner(arg.trim());
    const empty = emptiness(text);
    if (empty === true) return '';
    if (empty === undefined) certain = false;
  }
  return certain ? text : doubted(text);
}

const foreach: MakeFunction = (args, inner, scope) => {
  const name = inner(args[0] ?? '').trim();
  const body = rest(args, 2);
  const out: string[] = [];
  for (const word of wordsOf(inner(args[1] ?? ''))) {
    const kind = kindOf(word);
    if (kind === 'hole') out.push(HOLE);
    else {
      const made = scope.within(new Map([[name, bare(word)]]), () => inner(body));
      out.push(kind === 'sure' ? made : doubted(made));
    }
    if (!scope.surroundings.budget.spend(body.length)) return HOLE;
  }
  return out.filter((made) => made !== '').join(' ');
};

const call: MakeFunction = (args, inner, scope) => {
  const name = inner(args[0] ?? '').trim();
  const given = args.slice(1).map(inner);
  const builtin = functions.get(name);
  if (builtin !== undefined) return builtin(given, (text) => text, scope);
  const found = scope.find(name);
  if (found === undefined) return HOLE;
  const locals = new Map(given.map((text, i) => [String(i + 1), text]));
  for (let i = given.length + 1; i <= 9; i += 1) locals.set(String(i), '');
  return scope.within(locals, () => (found.recursive ? inner(found.text) : found.text));
};

const wildcard: MakeFunction = (args, inner, scope) =>
  wordsOf(inner(rest(args, 0)))
    .map((pattern) => (kindOf(pattern) === 'sure' ? (scope.surroundings.wildcard(pattern)?.join(' ') ?? HOLE) : HOLE))
    .filter((found) => found !== '')
    .join(' ');

const findstring: MakeFunction = (args, inner) => {
  const [part, text] = [inner(args[0] ?? ''), inner(rest(args, 1))];
  if (!isKnown(part) || !isKnown(text)) return HOLE;
  return text.includes(part) ? part : '';
};

const substFunction: MakeFunction = (args, inner) =>
  subst(inner(args[0] ?? ''), inner(args[1] ?? ''), inner(rest(args, 2)));
const patsubstFunction: MakeFunction = (args, inner) =>
  patsubst(inner(args[0] ?? '').trim(), inner(args[1] ?? '').trim(), inner(rest(args, 2)));

/** An undefined variable is "undefined": make is taken to be called without variables on its command line. */
const origin: MakeFunction = (args, inner, scope) => {
  const name = inner(rest(args, 0)).trim();
  if (!isKnown(name)) return HOLE;
  return scope.find(name) === undefined && scope.surroundings.exported.get(name) === undefined ? 'undefined' : 'file';
};

/** A position given in a Makefile, from 1; anything else finds nothing. */
function position(text: string | undefined): number {
  return /^\s*\d{1,6}\s*$/.test(text ?? '') ? Number(text) - 1 : -1;
}

/** The functions of GNU make (manual, chapter 8) that Kbuild uses in lists; all others, `shell` first, are unknown. */
export const functions: ReadonlyMap<string, MakeFunction> = new Map<string, MakeFunction>([
  ['subst', substFunction],
  ['patsubst', patsubstFunction],
  ['addprefix', affix((word, part) => part + word)],
  ['addsuffix', affix((word, part) => word + part)],
  ['filter', filtering(true)],
  ['filter-out', filtering(false)],
  ['if', either],
  ['or', or],
  ['and', and],
  ['sort', (args, inner) => sort(inner(rest(args, 0)))],
  ['strip', (args, inner) => wordsOf(inner(rest(args, 0))).join(' ')],
  ['word', pick((words, [n]) => words[position(n)] ?? '', 1)],
  ['words', pick((words) => String(words.length), 0)],
  ['firstword', pick((words) => words[0] ?? '', 0)],
  ['lastword', pick((words) => words.at(-1) ?? '', 0)],
  ['wordlist', pick((words, [from, to]) => words.slice(Math.max(0, position(from)), position(to) + 1).join(' '), 2)],
  ['dir', ofWords(dir)],
  ['notdir', ofWords(notdir)],
  ['basename', ofWords(basename)],
  ['suffix', ofWords(suffix)],
  ['foreach', foreach],
  ['call', call],
  ['wildcard', wildcard],
  ['findstring', findstring],
  ['origin', origin],
  // A build that comes to an error makes nothing at all.
  ['error', () => ''],
  ['warning', () => ''],
  ['info', () => ''],
]);
