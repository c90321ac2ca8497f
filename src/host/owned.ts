import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fromErrno } from './error.ts';

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** Symbolic links on the way; the kernel follows as many (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Why somebody other than `owners` (user ids) could change what lies at `path`, in words; null: nobody can. Every folder and symbolic link on
 * the way is looked at: who can write into one of the folders can put another file there. A sticky folder keeps others' hands off what they
 * do not own. Errors: file-missing, file-unreadable.
 */
export async function whoElseWrites(path: string, owners: readonly number[]): Promise<string | null> {
  try {
    let parts = partsOf(path);
    let at = '/';
    let links = 0;
    for (;;) {
      const info = await lstat(at);
      const why = problem(at, info, owners);
      if (why !== null) return why;
      if (info.isSymbolicLink()) {
        links += 1;
        if (links > MAX_LINKS) return `${path} has too many symbolic links`;
        parts = [...partsOf(resolve(at, '..', await readlink(at))), ...parts];
        at = '/';
        continue;
      }
      const [next, ...rest] = parts;
      if (next === undefined) return null;
      at = join(at, next);
      parts = rest;
    }
  } catch (error) {
    throw fromErrno(error, path, 'look at it');
  }
}

function partsOf(path: string): string[] {
  return resolve(path).split('/').filter(Boolean);
}

function problem(at: string, info: Stats, owners: readonly number[]): string | null {
  if (!owners.includes(info.uid)) return `${at} belongs to user ${info.uid}`;
  // A symbolic link has no mode of its own.
  if (info.isSymbolicLink() || (info.mode & OTHERS_WRITE) === 0) return null;
  const keepsHandsOff = info.isDirectory() && (info.mode & STICKY) !== 0;
  return keepsHandsOff ? null : `${at} can be written by others than its owner`;
}
