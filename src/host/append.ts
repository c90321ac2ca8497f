import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromErrno } from './error.ts';
import { makeFolders, syncFolder } from './files.ts';

/**
 * Adds text to the end of a file and returns when it is on the disk. `keep`: bytes of the file that are whole; what is behind them was torn
 * by a power cut and is cut off first.
 */
export async function appendSynced(path: string, text: string, keep: number): Promise<void> {
  try {
    await makeFolders(dirname(path), 0o700);
    const handle = await open(path, 'a', 0o600);
    try {
      if ((await handle.stat()).size > keep) await handle.truncate(keep);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // The name of a file that is new has to survive, too.
    if (keep === 0) await syncFolder(dirname(path));
  } catch (error) {
    throw fromErrno(error, path, 'write the file');
  }
}
