import type { FileDiff } from '../diff.ts';
import { changeOf } from './change.ts';
import { changedParts } from './headers.ts';

const NOT_NAMES = new Set(['struct', 'union', 'enum', 'extern', 'static', 'inline', 'const', 'void', 'int']);

/**
 * Names by which alone a change of a header can reach code, or null: it can do so otherwise, too. A change that only declares
 * functions and variables, or only adds inline functions, makes another object only of a text that has such a name in it: before
 * the change that text did not compile, or meant another declaration. Macros can be reached by names that are pasted together,
 * and directives change what stands below them: they are never confined.
 */
export function confinedNames(file: FileDiff, text: string): ReadonlySet<string> | null {
  const changed = file.hunks.flatMap(({ lines }) => lines.filter(({ kind }) => kind !== ' '));
  if (file.kind !== 'changed' || changed.some((line) => /^\s*#|\\\s*$/.test(line.text))) return null;
  const change = changeOf(file, text);
  if (!change.fits || changedParts(change).length > 0) return null;
  const names = new Set<string>(change.functions.map(({ name }) => name));
  const { before, after } = change;
  for (const key of new Set([...before.items.keys(), ...after.items.keys()])) {
    const [old, now] = [before.items.get(key), after.items.get(key)];
    if (old?.canonical === now?.canonical) continue;
    for (const item of [old, now]) {
      if (item === undefined) continue;
      if (item.kind !== 'declaration' || declaresSeveral(item.text)) return null;
      for (const name of namesIn(item.name, item.text)) names.add(name);
    }
  }
  return names;
}

/** `extern int a, b;` */
function declaresSeveral(text: string): boolean {
  let plain = text;
  for (let inner = ''; inner !== plain; ) {
    inner = plain;
    plain = plain.replace(/\([^()]*\)/g, '');
  }
  return plain.includes(',') || plain.includes('{');
}

/** The name itself, and all that stands before a bracket: attributes are among it, which costs nothing but time. */
function namesIn(name: string, text: string): string[] {
  const called = [...text.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map(([, word]) => word!);
  return [...called, ...(name.match(/[A-Za-z_]\w*/g) ?? [])].filter((word) => !NOT_NAMES.has(word));
}
