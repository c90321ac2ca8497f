const THIN = '!<thin>\n';
const PLAIN = '!<arch>\n';
const HEADER = 60;

/**
 * Names of the members of an ar archive (binutils, bfd/archive.c), each once; empty for anything else. The members of a thin
 * one, as Kbuild's `vmlinux.a` and `built-in.a` are, are paths relative to the archive's folder, and it holds no bodies.
 * Damage ends the list where it stands.
 */
export function archiveMembers(bytes: Buffer): string[] {
  const magic = bytes.toString('latin1', 0, THIN.length);
  if (magic !== THIN && magic !== PLAIN) return [];
  const names = new Set<string>();
  let table = bytes.subarray(0, 0);
  let at = THIN.length;
  while (at + HEADER <= bytes.length) {
    const name = bytes.toString('latin1', at, at + 16).trimEnd();
    const size = Number(bytes.toString('latin1', at + 48, at + 58).trim());
    if (!Number.isSafeInteger(size) || size < 0) break;
    at += HEADER;
    // The symbol table ("/", "/SYM64/") and the table of long names have a body in thin archives too; bodies are 2-aligned.
    const special = name === '/' || name === '/SYM64/' || name === '//';
    if (name === '//') table = bytes.subarray(at, at + size);
    if (!special) addMember(names, name, table);
    if (special || magic === PLAIN) at += size + (size % 2);
  }
  return [...names];
}

function addMember(names: Set<string>, name: string, table: Buffer): void {
  // GNU: "/123" is a place in the table of long names; "/123:456" a member of the nested archive of that name. ar ends the
  // field with "/" where the path itself has 15 letters.
  const place = /^\/(\d+)(?::\d+)?\s*\/?$/.exec(name)?.[1];
  if (place === undefined) {
    const short = name.replace(/\/$/, '');
    if (short !== '') names.add(short);
    return;
  }
  const start = Number(place);
  const end = table.indexOf('/\n', start, 'latin1');
  if (start < table.length && end > start) names.add(table.toString('utf8', start, end));
}
