const MAX_NAMES = 8;
/** A name of C in the quotes of gcc and clang, with what may stand around it (`struct thing`, `struct thing *`). */
const QUOTED = String.raw`[‘'"](?:(?:struct|union|enum) )?(\w+)(?: \*+)?[’'"]`;

/**
 * What compilers say when a source uses something that is not there, or not as it is used: an earlier change that a fix
 * needs is missing. Texts of gcc 8 to 15 and clang 11 to 20.
 */
const RULES: readonly RegExp[] = [
  new RegExp(`${QUOTED} undeclared`, 'g'),
  new RegExp(`use of undeclared identifier ${QUOTED}`, 'g'),
  new RegExp(`implicit declaration of function ${QUOTED}`, 'g'),
  new RegExp(`call to undeclared function ${QUOTED}`, 'g'),
  new RegExp(`has no member named ${QUOTED}`, 'g'),
  new RegExp(`no member named ${QUOTED}`, 'g'),
  new RegExp(`conflicting types for ${QUOTED}`, 'g'),
  new RegExp(`too (?:few|many) arguments to function ${QUOTED}`, 'g'),
  new RegExp(`unknown type name ${QUOTED}`, 'g'),
  new RegExp(`invalid use of undefined type ${QUOTED}`, 'g'),
  new RegExp(`redefinition of ${QUOTED}`, 'g'),
  new RegExp(`incompatible type for argument \\d+ of ${QUOTED}`, 'g'),
];

/** Names that a compiler misses, in the order in which it says so. */
export function missingNames(output: string): string[] {
  const lines = output.split('\n').filter((line) => /\berror: /.test(line));
  const names = lines.flatMap((line) =>
    RULES.flatMap((rule) => [...line.matchAll(rule)].map((match) => ({ name: match[1]!, at: match.index }))).toSorted(
      (a, b) => a.at - b.at,
    ),
  );
  return [...new Set(names.map(({ name }) => name))].slice(0, MAX_NAMES);
}
