import { writeSync } from 'node:fs';
import { open, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { makeFolders, readLimited } from '#host';
import type { TreeLayout } from './tree.ts';

const MAX_LOG_BYTES = 64 << 20;

/** The log of one attempt; `build.log` of the tree always names the newest. */
export interface BuildLog {
  readonly path: string;
  readonly write: (text: string) => void;
  /** All of it, for finding the first error. */
  text(): Promise<string>;
  close(): Promise<void>;
}

/** Where the log of an attempt lies: each attempt has its own, and none is overwritten. */
export function attemptLog(layout: TreeLayout, build: string, attempt: number): string {
  return join(layout.directory, 'logs', `${build}.${attempt}.log`);
}

/** Opens a log; readers may follow it while it grows. Beyond a limit nothing more is kept. */
export async function openBuildLog(layout: TreeLayout, path: string): Promise<BuildLog> {
  await makeFolders(dirname(path));
  const file = await open(path, 'w');
  const link = `${layout.log}.part`;
  await rm(link, { force: true });
  await symlink(relative(dirname(layout.log), path), link);
  await rename(link, layout.log);
  let logged = 0;
  return {
    path,
    write: (text) => {
      if (logged < MAX_LOG_BYTES) writeSync(file.fd, text);
      logged += text.length;
    },
    text: async () => (await readLimited(path, 2 * MAX_LOG_BYTES)).toString('utf8'),
    close: () => file.close(),
  };
}
