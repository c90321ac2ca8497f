import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { MAX_PATCH_BYTES } from '#domain';
import { makeFolders, readLimited, writeAtomic } from '#host';
import type { Composed } from './compose/compose.ts';
import { isTreePath, MAX_FILES } from './diff.ts';
import { PatchError } from './error.ts';

/** Of one file that is edited; the largest source file of Linux 7.2 has 6 MB. */
const MAX_FILE_BYTES = 8 * MAX_PATCH_BYTES;

/** What editors and GNU patch leave beside a file. */
const LEFT_OVER = /^\.|\.(?:orig|rej|bak|swp|tmp)$/;

/** Writes what became of the files of a change below a folder that is empty or not there, for a person to edit. */
export async function writeForEdit(folder: string, files: Composed['files']): Promise<readonly string[]> {
  await makeFolders(folder);
  if ((await readdir(folder)).length > 0)
    throw new PatchError('edit-unfinished', 'input', {
      what: 'the folder for the files is not empty: they may be of an edit that is not stored yet',
      where: folder,
      remedy: 'name another folder, or store that edit first',
    });
  const written: string[] = [];
  for (const [path, { after }] of files) {
    if (after === null) continue;
    await writeAtomic(join(folder, path), Buffer.from(after, 'latin1'));
    written.push(path);
  }
  return written;
}

/**
 * Reads the files of an edit by their paths in the tree, a character a byte. Errors: edit-unfinished, where a marker of a
 * conflict is left, with its line; patch-leaves-tree; patch-too-large.
 */
export async function readEdited(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(folder, file);
    if (entry.isDirectory()) continue;
    if (!(await lstat(file)).isFile() || !isTreePath(path) || LEFT_OVER.test(entry.name))
      throw new PatchError('patch-leaves-tree', 'untrusted', {
        what: `the folder holds something that is no file of a kernel tree: ${JSON.stringify(path.slice(0, 100))}`,
        where: folder,
        remedy: 'remove it (a copy that an editor left?); nothing was stored',
      });
    if (found.size >= MAX_FILES)
      throw new PatchError('patch-too-large', 'input', {
        what: `the folder holds more than ${MAX_FILES} files`,
        where: folder,
      });
    const text = (await readLimited(file, MAX_FILE_BYTES)).toString('latin1');
    const line = text.split('\n').findIndex((one) => /^(?:<{7}|\|{7}|>{7})(?: |$)/.test(one));
    if (line >= 0)
      throw new PatchError('edit-unfinished', 'input', {
        what: 'a marker of a conflict is left',
        where: `${file}:${line + 1}`,
        remedy: 'decide between the two sides there, and take the markers out; nothing was stored',
      });
    found.set(path, text);
  }
  return found;
}
