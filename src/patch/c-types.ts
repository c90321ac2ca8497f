/** Lines, from 1, of one structure, union or enumeration body in a C file; both ends included. */
export interface TypeBody {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/**
 * Finds the bodies of structures, unions and enumerations in C text. Comments, strings and preprocessor text are passed
 * over; initialisers (`struct x y = {`) are not bodies. A scanner, not a parser: it errs towards finding one too many.
 */
export function typeBodies(text: string): TypeBody[] {
  const code = blank(text);
  const found: TypeBody[] = [];
  const head = /\b(struct|union|enum)\b([^;{}()=]*)\{/g;
  for (let match = head.exec(code); match !== null; match = head.exec(code)) {
    const open = match.index + match[0].length - 1;
    const close = matching(code, open);
    const name = `${match[1]} ${/\w+/.exec(match[2] ?? '')?.[0] ?? '(unnamed)'}`;
    found.push({ name, first: lineOf(code, match.index), last: lineOf(code, close) });
  }
  return found;
}

/** The text with comments, strings and character constants replaced by blanks; line ends stay. */
export function blank(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (part) =>
    part.replace(/[^\n]/g, ' '),
  );
}

function matching(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at += 1) {
    if (code[at] === '{') depth += 1;
    else if (code[at] === '}' && (depth -= 1) === 0) return at;
  }
  return code.length;
}

function lineOf(text: string, end: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
