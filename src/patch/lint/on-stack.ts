import type { SourceText } from './source-text.ts';

/**
 * A structure of one `.c` file of which there are only variables on the stack, and pointers to those: no other type holds
 * it, nothing is allocated by its size, no static variable is one. What is not clear counts as living elsewhere.
 */
export function isOnStack(path: string, name: string, { functions, items, defines }: SourceText): boolean {
  if (!path.endsWith('.c') || !/^struct \w+$/.test(name)) return false;
  const mention = new RegExp(`\\b${name}\\b`);
  const elsewhere = [...items.values()].some(
    (item) => item.name !== name && item.kind !== 'declaration' && mention.test(item.canonical),
  );
  if (elsewhere || [...defines.values()].some(({ value }) => mention.test(value))) return false;
  let variables = 0;
  for (const { head, body } of functions.values()) {
    const text = `${head} ${body}`;
    if (!mention.test(text)) continue;
    if (isSized(text, name)) return false;
    const values = [...body.matchAll(new RegExp(`(static )?(?:const )?\\b${name} \\w+`, 'g'))];
    if (values.some(([, isStatic]) => isStatic !== undefined)) return false;
    variables += values.length;
  }
  return variables > 0;
}

/** Its size is asked for, by its name or through a pointer: something may be allocated. */
function isSized(text: string, name: string): boolean {
  const pointers = text.matchAll(new RegExp(`\\b${name} \\* (?:const )?(\\w+)`, 'g'));
  const sized = [name, ...[...pointers].map(([, pointer]) => `\\* ${pointer!}`)];
  return new RegExp(`\\bsizeof (?:\\( )?(?:${sized.join('|')})(?! \\*)`).test(text);
}
