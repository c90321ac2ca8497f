import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapLimited } from './parallel.ts';

const STATS_AT_ONCE = 32;

/** Bytes on disk of everything below a folder, as du(1) counts them; what vanishes meanwhile counts nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  let sum = 0;
  const open = [folder];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    const entries = await readdir(here, { withFileTypes: true }).catch(() => []);
    const path = here;
    const sizes = await mapLimited(entries, STATS_AT_ONCE, async (entry) => {
      if (entry.isDirectory()) open.push(join(path, entry.name));
      const stats = await lstat(join(path, entry.name)).catch(() => undefined);
      return (stats?.blocks ?? 0) * 512;
    });
    sum += sizes.reduce((total, size) => total + size, 0);
  }
  return sum;
}
