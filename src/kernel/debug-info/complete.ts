import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readLimited } from '#host';

const MAX_LIST_BYTES = 16 << 20;
/** Lists of a kernel's modules that packages bring along (depmod(8); scripts/Makefile.modinst). */
const LISTS = new Set(['modules.order', 'modules.dep']);

/**
 * Which modules of a kernel are not in an unpacked package, as lines for `Profile.unreadable`. A package that was unpacked
 * in part, or a folder of single modules, looks like a small kernel; so one without any list says nothing by absence.
 */
export async function missingModules(directory: string, there: ReadonlySet<string>): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const lists = entries.filter((entry) => entry.isFile() && LISTS.has(entry.name));
  if (lists.length === 0) return ['modules: no list (modules.order, modules.dep) says that all of them are here'];
  const named = new Set<string>();
  for (const { parentPath, name } of lists)
    for (const line of String(await readLimited(join(parentPath, name), MAX_LIST_BYTES)).split('\n'))
      if (line.trim() !== '') named.add(moduleName(line));
  return [...named].filter((name) => !there.has(name)).map((name) => `modules: ${name} is listed and not here`);
}

/** `kernel/fs/nls/nls-utf8.ko.xz: …` → `nls_utf8`. */
function moduleName(line: string): string {
  return basename(line.split(':')[0]!.trim())
    .replace(/\.(?:ko|o)(?:\..*)?$/, '')
    .replaceAll('-', '_');
}
