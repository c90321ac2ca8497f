const COMMENT_OR_TEXT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
const TOKEN = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\.|[^'\\])*'|\w+|[^\s\w]/g;

/** The text with comments replaced by blanks; strings and line ends stay. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_TEXT, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part));
}

/** The text with directives, also those over several lines, replaced by blanks; line ends stay. */
export function withoutDirectives(text: string): string {
  return text.replace(/^[ \t]*#(?:.*\\\n)*.*$/gm, (part) => part.replace(/[^\n]/g, ' '));
}

/** C code in one form, however it is spaced and remarked: its tokens with a blank between them. */
export function canonical(code: string): string {
  return (withoutComments(code).match(TOKEN) ?? []).join(' ');
}

/** One macro without its definition's name: how it is written, and what it says, in canonical form. */
export interface Define {
  readonly name: string;
  readonly value: string;
  readonly isFunction: boolean;
  readonly line: number;
}

/** The macros a text defines; one that is defined twice has an entry each. */
export function definesOf(text: string): Define[] {
  const found: Define[] = [];
  const plain = withoutComments(text);
  for (const match of plain.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)(\(?)((?:.*\\\n)*.*)$/gm)) {
    const value = canonical((match[2]! + match[3]!).replaceAll('\\\n', ' '));
    found.push({ name: match[1]!, value, isFunction: match[2] === '(', line: lineAt(plain, match.index) });
  }
  return found;
}

/** The line, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Calls in canonical code: names in front of a parenthesis that are no words of C. */
export function callsIn(code: string): string[] {
  return [...code.matchAll(/\b([A-Za-z_]\w*) \(/g)].map(([, name]) => name!).filter((name) => !WORDS.has(name));
}

const WORDS: ReadonlySet<string> = new Set([
  ...['if', 'while', 'for', 'switch', 'return', 'sizeof', 'typeof', '__typeof__', 'do', 'else', 'case', 'goto'],
  ...['defined', '__attribute__', '__alignof__', 'offsetof', 'asm', '__asm__', 'volatile'],
]);

/** How often each name stands in a list. */
export function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
