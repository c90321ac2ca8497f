const MAGIC = '!<thin>\n';
const HEADER = 60;

/**
 * Names of the members of a GNU thin archive, as Kbuild's `vmlinux.a` and `built-in.a` are: the table `//` holds every
 * name, each ended by "/\n" (binutils, bfd/archive.c). Paths are relative to the archive's folder.
 */
export function thinArchiveMembers(bytes: Buffer): string[] {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return [];
  let at = MAGIC.length;
  while (at + HEADER <= bytes.length) {
    const name = bytes.toString('latin1', at, at + 16).trimEnd();
    const size = Number(bytes.toString('latin1', at + 48, at + 58).trim());
    if (!Number.isInteger(size)) return [];
    at += HEADER;
    if (name === '//') {
      return bytes
        .toString('utf8', at, at + size)
        .split('/\n')
        .filter((member) => member.trim() !== '');
    }
    // Only the symbol table ("/", "/SYM64/") and the name table have a body in a thin archive; bodies are 2-aligned.
    if (name === '/' || name === '/SYM64/') at += size + (size % 2);
  }
  return [];
}
