import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromErrno } from './error.ts';

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Why somebody other than `owners` (user ids) could change what lies at `path`, in words; null: nobody can. It is looked at where it really
 * lies, with every folder above it: who can write into one of them can put another file there. A sticky folder keeps others' hands off what
 * they do not own. Errors: file-missing, file-unreadable.
 */
export async function whoElseWrites(path: string, owners: readonly number[]): Promise<string | null> {
  try {
    const real = await realpath(path);
    for (let at = real; ; at = dirname(at)) {
      const { uid, mode } = await lstat(at);
      if (!owners.includes(uid)) return `${at} belongs to user ${uid}`;
      const isStickyFolder = at !== real && (mode & STICKY) !== 0;
      if ((mode & OTHERS_WRITE) !== 0 && !isStickyFolder) return `${at} can be written by others than its owner`;
      if (at === '/') return null;
    }
  } catch (error) {
    throw fromErrno(error, path, 'look at it');
  }
}
