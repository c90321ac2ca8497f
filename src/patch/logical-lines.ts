/** A line as the preprocessor sees it: behind backslashes and comments one with those after it. */
export interface LogicalLine {
  /** Without comments (a blank each) and line ends. */
  readonly text: string;
  /** Physical lines, from 1, both included. */
  readonly first: number;
  readonly last: number;
  /** Physical lines on which something of it stands that is neither blank nor comment. */
  readonly solid: readonly number[];
}

/** A backslash at the end of a line, as gcc takes it: blanks may follow. */
const SPLICE = /\\[ \t\f\v\r]*\n/y;
/** What this scanner does not follow; nothing of a kernel is written so. */
const STRANGE = /\b(?:u8|[uUL])?R"|^\s*%:/m;

/**
 * The translation phases 2 and 3 of C (C11 5.1.1.2): lines are joined, comments become blanks, strings stay whole; one
 * that does not end, ends with its line, as in gcc. Null for text that uses raw strings or digraphs.
 */
export function logicalLines(text: string): LogicalLine[] | null {
  if (STRANGE.test(text)) return null;
  const scanner = new Scanner(text);
  return scanner.lines();
}

class Scanner {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #first = 1;
  #kept = '';
  #solid: number[] = [];
  readonly #found: LogicalLine[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  lines(): LogicalLine[] {
    while (this.#at < this.#text.length) this.#step();
    if (this.#kept !== '' || this.#first < this.#line) this.#end();
    return this.#found;
  }

  #end(): void {
    this.#found.push({ text: this.#kept, first: this.#first, last: this.#line, solid: this.#solid });
    this.#kept = '';
    this.#solid = [];
  }

  #step(): void {
    const plain = this.#plain();
    if (plain > 0) return;
    if (this.#splice()) return;
    const char = this.#text[this.#at]!;
    const two = this.#pair();
    if (two === '/*') this.#comment();
    else if (two === '//') this.#lineComment();
    else if (char === '"' || char === "'") this.#string(char);
    else if (char === '\n') {
      this.#end();
      this.#at += 1;
      this.#line += 1;
      this.#first = this.#line;
    } else this.#keep(char);
  }

  /** Most of a text is nothing special, and is taken at once. */
  #plain(): number {
    PLAIN.lastIndex = this.#at;
    const run = PLAIN.exec(this.#text)?.[0] ?? '';
    if (run === '') return 0;
    this.#kept += run;
    if (/\S/.test(run)) this.#mark();
    this.#at += run.length;
    return run.length;
  }

  #keep(char: string): void {
    this.#kept += char;
    if (char.trim() !== '') this.#mark();
    this.#at += 1;
  }

  #mark(): void {
    if (this.#solid.at(-1) !== this.#line) this.#solid.push(this.#line);
  }

  /** A line may be joined in the middle of anything. */
  #splice(): boolean {
    if (this.#text[this.#at] !== '\\') return false;
    SPLICE.lastIndex = this.#at;
    const match = SPLICE.exec(this.#text);
    if (match === null) return false;
    this.#at += match[0].length;
    this.#line += 1;
    return true;
  }

  /** The next two characters, with what joins lines between them left out. */
  #pair(): string {
    const first = this.#text[this.#at]!;
    let next = this.#at + 1;
    for (;;) {
      SPLICE.lastIndex = next;
      const match = this.#text[next] === '\\' ? SPLICE.exec(this.#text) : null;
      if (match === null) return first + (this.#text[next] ?? '');
      next += match[0].length;
    }
  }

  /** Passes one character over, and the joints before it. */
  #pass(): string | undefined {
    while (this.#splice());
    const char = this.#text[this.#at];
    if (char === '\n') this.#line += 1;
    this.#at += 1;
    return char;
  }

  #comment(): void {
    this.#pass();
    this.#pass();
    this.#kept += ' ';
    let before: string | undefined = '';
    while (this.#at < this.#text.length) {
      const char = this.#pass();
      if (before === '*' && char === '/') return;
      before = char;
    }
  }

  #lineComment(): void {
    this.#kept += ' ';
    while (this.#at < this.#text.length) {
      if (this.#splice()) continue;
      if (this.#text[this.#at] === '\n') return;
      this.#at += 1;
    }
  }

  #string(quote: string): void {
    this.#keep(quote);
    while (this.#at < this.#text.length) {
      if (this.#splice()) continue;
      const char = this.#text[this.#at]!;
      if (char === '\n') return;
      this.#keep(char);
      if (char === quote) return;
      if (char === '\\') {
        while (this.#splice());
        const next = this.#text[this.#at];
        if (next !== undefined && next !== '\n') this.#keep(next);
      }
    }
  }
}

const PLAIN = /[^\n\\/"']+/y;
