import type { FileDiff } from '../diff.ts';

/** Paths in which a change brings a name, or another form of it: a declaration, not a use. */
export function declaringPaths(files: readonly FileDiff[], name: string): string[] {
  const word = new RegExp(`\\b${name}\\b`);
  const forms = [
    new RegExp(`^\\s*#\\s*define\\s+${name}\\b`),
    // The head of a function, or of a variable, stands in the first column.
    new RegExp(`^[A-Za-z_][^;]*\\b${name}\\s*[([;=]`),
    new RegExp(`^\\s*(?:struct|union|enum)\\s+${name}\\b\\s*\\{`),
    // A member of an enum, alone on its line.
    new RegExp(`^\\s+${name}(?:\\s*=\\s*[^,;()]+)?,?$`),
  ];
  return files
    .filter(({ path, hunks }) =>
      hunks.some(({ lines }) =>
        lines.some(
          ({ kind, text }) =>
            kind === '+' && (path.endsWith('.h') ? word.test(text) : forms.some((form) => form.test(text))),
        ),
      ),
    )
    .map(({ path }) => path);
}
