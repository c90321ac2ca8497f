import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errno, fromErrno, HostError } from './error.ts';

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return false;
    throw fromErrno(error, path, 'look at the file');
  }
}

/**
 * Makes a folder and those above it; one that is there stays as it is. By hand: where a file system refuses new folders
 * with ENOENT (/proc, proc(5)), the `recursive` of Node's own mkdir tries for ever, in a thread that nothing can stop.
 * `mode`: of the last one. Errors: file-unreadable, disk-full.
 */
export async function makeFolders(path: string, mode = 0o777): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    if (errno(error) !== 'ENOENT' || dirname(path) === path) throw folderFailed(error, path);
    await makeFolders(dirname(path));
    await makeOne(path, mode).catch((again: unknown) => {
      throw folderFailed(again, path);
    });
  }
}

/** Somebody may have made it before, or in between. */
async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    const info = await stat(path).catch(() => undefined);
    if (info?.isDirectory() !== true) throw error;
  }
}

function folderFailed(error: unknown, path: string): unknown {
  const code = errno(error) ?? '';
  if (!['ENOENT', 'ENOTDIR', 'EEXIST', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'ENAMETOOLONG'].includes(code))
    return fromErrno(error, path, 'make the folder');
  return new HostError('file-unreadable', 'input', {
    what: `cannot make the folder: ${code}`,
    where: path,
    remedy: 'choose another place, or check what is there and the permissions of the folder above it',
    cause: error,
  });
}

/** Reads a whole file, refusing one larger than `limit` bytes before reading it. Errors: file-missing, file-unreadable, file-too-large. */
export async function readLimited(path: string, limit: number): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > limit) {
      throw new HostError('file-too-large', 'input', {
        what: `the file has ${size} bytes, at most ${limit} are read`,
        where: path,
      });
    }
    return await readFile(path);
  } catch (error) {
    throw fromErrno(error, path, 'read the file');
  }
}

/** Whole, or piece by piece where the whole would not fit into memory. */
export type Content = string | Uint8Array | AsyncIterable<string> | AsyncIterable<Uint8Array>;

/** Writes a new file beside the old one, syncs it, renames it over and syncs the folder: old content or new, never half. */
export async function writeAtomic(path: string, content: Content, mode = 0o644): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    await makeFolders(folder);
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fromErrno(error, path, 'write the file');
  }
}

/**
 * As `writeAtomic`, where a person names the file: a folder that is not there is taken for a slip and not made.
 * Errors: file-missing, and those of `writeAtomic`.
 */
export async function writeOutput(path: string, content: Content, mode?: number): Promise<void> {
  const folder = dirname(resolve(path));
  if (!(await exists(folder)))
    throw new HostError('file-missing', 'input', {
      what: 'the folder to write into does not exist',
      where: folder,
      remedy: 'make it, or name another file; nothing was written',
    });
  await writeAtomic(path, content, mode);
}

export async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

/** Lower-case hex SHA-256 of a file's content. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw fromErrno(error, path, 'read the file');
  }
  return hash.digest('hex');
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Bytes free for this user on the file system that holds `path` (an existing path). */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Fails with disk-full when less than `bytes` are free where `path` is: said before work starts, not after an hour of it. */
export async function requireFree(path: string, bytes: number, purpose: string): Promise<void> {
  const free = await freeBytes(path);
  if (free >= bytes) return;
  const gib = (n: number): string => `${(n / 2 ** 30).toFixed(1)} GiB`;
  throw new HostError('disk-full', 'toolchain', {
    what: `${purpose} needs ${gib(bytes)} of free space, there are ${gib(free)}`,
    where: path,
    remedy: 'free space on this file system or choose another place with --data',
  });
}
