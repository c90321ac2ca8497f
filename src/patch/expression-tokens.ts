const MAX_TOKENS = 2_000;
const TOKEN =
  /\s*(?:([A-Za-z_]\w*)|(\.?\d(?:[eEpP][+-]|[\w.])*)|(&&|\|\||==|!=|<=|>=|<<|>>|[()!~+\-*/%<>&|^?:,])|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(\S))/gy;

/** Tokens of an expression of C; null when something stands in it that no `#if` can hold, or too much does. */
export function tokensOf(text: string): string[] | null {
  const found: string[] = [];
  const trimmed = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const match = TOKEN.exec(trimmed);
    if (match === null || match[5] !== undefined || found.length >= MAX_TOKENS) return null;
    found.push(match[0].trim());
  }
  return found;
}
