/** Functions of make over words, on text with marks. */
import { bare, doubted, HOLE, isKnown, kindOf, mapWords, wordsOf } from './marks.ts';

/** A pattern with at most one `%` matched against a word: the stem, or undefined. */
export function stemOf(pattern: string, word: string): string | undefined {
  const percent = pattern.indexOf('%');
  if (percent < 0) return pattern === word ? '' : undefined;
  const [before, behind] = [pattern.slice(0, percent), pattern.slice(percent + 1)];
  const fits = word.length >= before.length + behind.length && word.startsWith(before) && word.endsWith(behind);
  return fits ? word.slice(before.length, word.length - behind.length) : undefined;
}

export function patsubst(from: string, to: string, text: string): string {
  if (!isKnown(from) || !isKnown(to)) return wordsOf(text).length === 0 ? '' : HOLE;
  return mapWords(text, (word) => {
    const stem = stemOf(from, word);
    if (stem === undefined) return word;
    return from.includes('%') ? to.replace('%', () => stem) : to;
  });
}

/** `$(text:from=to)`: with a `%` as patsubst, without one it replaces endings. */
export function substitute(text: string, from: string, to: string): string {
  return from.includes('%') ? patsubst(from, to, text) : patsubst(`%${from}`, `%${to}`, text);
}

/** Words that match one of the patterns (`keep`), or none of them. */
export function filter(patterns: string, text: string, keep: boolean): string {
  if (!isKnown(patterns)) return doubted(text);
  const list = wordsOf(patterns);
  const exact = new Set(list.filter((pattern) => !pattern.includes('%')));
  const open = list.filter((pattern) => pattern.includes('%'));
  return mapWords(text, (word) => {
    const found = exact.has(word) || open.some((pattern) => stemOf(pattern, word) !== undefined);
    return found === keep ? word : '';
  });
}

/** `$(subst from,to,text)`; a text with spaces in either, or with marks, is only replaced where all is known. */
export function subst(from: string, to: string, text: string): string {
  if (from === '') return text + to;
  if (isKnown(from) && isKnown(to) && isKnown(text)) return text.replaceAll(from, () => to);
  if (!isKnown(from) || !isKnown(to) || /\s/.test(from + to)) return HOLE;
  return mapWords(text, (word) => word.replaceAll(from, () => to));
}

export function sort(text: string): string {
  const sure = new Set<string>();
  const others = new Set<string>();
  for (const word of wordsOf(text))
    (kindOf(word) === 'sure' ? sure : others).add(kindOf(word) === 'hole' ? HOLE : word);
  return [...[...sure].sort(), ...[...others].filter((word) => !sure.has(bare(word)))].join(' ');
}

export function dir(word: string): string {
  const slash = word.lastIndexOf('/');
  return slash < 0 ? './' : word.slice(0, slash + 1);
}

export function notdir(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}

export function suffix(word: string): string {
  const name = notdir(word);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}

export function basename(word: string): string {
  const end = suffix(word);
  return end === '' ? word : word.slice(0, -end.length);
}
