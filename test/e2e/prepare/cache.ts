import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exists } from '#host';

/** Where kernel trees, source packages and chroots are kept between runs: outside the checkout. */
export function cacheRoot(): string {
  const base =
    process.env['TUXTAPE_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tuxtape');
  return join(base, 'e2e');
}

/** Makes `directory` by `make(temporary)` unless it is there; it appears whole or not at all. */
export async function once(directory: string, make: (temporary: string) => Promise<void>): Promise<string> {
  if (await exists(directory)) return directory;
  const temporary = `${directory}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await make(temporary);
  await rename(temporary, directory);
  return directory;
}
