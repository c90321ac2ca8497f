/** A shell pattern of one part of a path, as code points. */
type Token = { readonly kind: 'star' } | { readonly kind: 'one'; readonly matches: (char: string) => boolean };

/**
 * Does `path` match a PATHPATTERN (TUF 1.0, 4.5)? As fnmatch does, part by part: `*`, `?`, `[abc]`, `[a-z]` and `[!abc]`
 * never match a `/`. There is no escape, and nothing else is special: no `**`, no braces, no `!` in front.
 */
export function matchesPattern(path: string, pattern: string): boolean {
  const [parts, patterns] = [path.split('/'), pattern.split('/')];
  return (
    parts.length === patterns.length &&
    parts.every((part, at) => matchesPart(Array.from(part), tokensOf(patterns[at]!)))
  );
}

function tokensOf(pattern: string): Token[] {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at]!;
    if (char === '*') tokens.push({ kind: 'star' });
    else if (char === '?') tokens.push({ kind: 'one', matches: () => true });
    else {
      const end = char === '[' ? setEnd(chars, at) : -1;
      tokens.push({ kind: 'one', matches: end < 0 ? (other) => other === char : setOf(chars.slice(at + 1, end)) });
      if (end >= 0) at = end;
    }
  }
  return tokens;
}

/** Where the set that starts at `at` ends, or -1 when it does not: then `[` is a character. A `]` in front is a member. */
function setEnd(chars: readonly string[], at: number): number {
  const first = at + (chars[at + 1] === '!' ? 2 : 1);
  return chars.indexOf(']', first + 1);
}

function setOf(chars: readonly string[]): (char: string) => boolean {
  const negated = chars[0] === '!';
  const ranges: (readonly [number, number])[] = [];
  for (let at = negated ? 1 : 0; at < chars.length; at += 1) {
    const isRange = chars[at + 1] === '-' && at + 2 < chars.length;
    const last = isRange ? at + 2 : at;
    ranges.push([chars[at]!.codePointAt(0)!, chars[last]!.codePointAt(0)!]);
    at = last;
  }
  return (char) => {
    const point = char.codePointAt(0)!;
    return ranges.some(([low, high]) => low <= point && point <= high) !== negated;
  };
}

/** Goes back to the last star only: linear for one star, at most the product of both lengths for many. */
function matchesPart(chars: readonly string[], tokens: readonly Token[]): boolean {
  let [at, token, star, mark] = [0, 0, -1, 0];
  while (at < chars.length) {
    const current = tokens[token];
    if (current?.kind === 'star') [star, mark, token] = [token, at, token + 1];
    else if (current?.kind === 'one' && current.matches(chars[at]!)) [at, token] = [at + 1, token + 1];
    else if (star >= 0) [mark, at, token] = [mark + 1, mark + 1, star + 1];
    else return false;
  }
  return tokens.slice(token).every(({ kind }) => kind === 'star');
}
