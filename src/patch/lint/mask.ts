import type { ConditionSetting } from '../config-expression.ts';
import { preprocess } from '../preprocessor.ts';

const OPEN = /^\s*#\s*(?:if|ifdef|ifndef)\b/;
const FOLLOW = /^\s*#\s*(?:elif\w*|else)\b/;
const END = /^\s*#\s*endif\b/;

/**
 * The text without the branches that this configuration leaves out, and without the directives around those of which it is
 * known; lines keep their numbers. The text as it is where it cannot be followed.
 */
export function maskText(text: string, setting: ConditionSetting): string {
  const read = preprocess(text, setting);
  if (read === null) return text;
  const values = new Map(read.around.flatMap((branches) => branches.map(({ line, value }) => [line, value])));
  const lines = text.split('\n');
  const masked = lines.map((line, index) => {
    const isOut = (read.around[index + 1] ?? []).some(({ value }) => value === false);
    return isOut ? '' : line;
  });
  const groups: { at: number[]; isKnown: boolean }[] = [];
  for (const [index, line] of lines.entries()) {
    if (!read.directives.has(index + 1)) continue;
    const isKnown = values.get(index + 1) != null;
    if (OPEN.test(line)) groups.push({ at: [index], isKnown });
    const group = groups.at(-1);
    if (group === undefined) continue;
    if (FOLLOW.test(line)) groups[groups.length - 1] = { at: [...group.at, index], isKnown: group.isKnown && isKnown };
    if (END.test(line)) {
      groups.pop();
      if (group.isKnown) for (const at of [...group.at, index]) blankDirective(lines, masked, at);
    }
  }
  return masked.join('\n');
}

function blankDirective(lines: readonly string[], masked: string[], start: number): void {
  for (let at = start; at < lines.length; at += 1) {
    masked[at] = '';
    if (!lines[at]!.endsWith('\\')) return;
  }
}
