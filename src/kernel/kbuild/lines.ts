/** One line as make sees it: continuations joined, comment removed. */
export interface LogicalLine {
  readonly text: string;
  /** Number of its first line. */
  readonly line: number;
  /** Starts with a tab: a recipe when it follows a rule. */
  readonly tab: boolean;
}

/** Splits a Makefile into its lines (GNU make manual, 3.1.1 "Splitting Long Lines"). */
export function* logicalLines(text: string): Generator<LogicalLine> {
  const physical = text.split('\n');
  for (let i = 0; i < physical.length; i += 1) {
    const line = i + 1;
    const tab = physical[i]!.startsWith('\t');
    let joined = physical[i]!;
    while (continues(joined) && i + 1 < physical.length) {
      i += 1;
      const parts = [joined.slice(0, -1).trimEnd()];
      while (continues(physical[i]!) && i + 1 < physical.length) {
        parts.push(physical[i]!.slice(0, -1).trim());
        i += 1;
      }
      parts.push(physical[i]!.trim());
      joined = parts.join(' ');
      if (continues(joined)) joined = joined.slice(0, -1);
    }
    yield { text: withoutComment(joined).trimEnd(), line, tab };
  }
}

/** An odd number of backslashes at the end. */
function continues(text: string): boolean {
  let count = 0;
  while (text.charCodeAt(text.length - 1 - count) === 92) count += 1;
  return count % 2 === 1;
}

function withoutComment(text: string): string {
  for (let at = text.indexOf('#'); at >= 0; at = text.indexOf('#', at + 1)) {
    if (text.charCodeAt(at - 1) !== 92) return text.slice(0, at).replaceAll('\\#', '#');
  }
  return text.replaceAll('\\#', '#');
}
