import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { editIndex } from '#archive';
import type { ReleaseIndex } from '#domain';
import { systemClock } from '#host';

/** A copy of an archive in which one byte of every module was changed. */
export async function tampered(archive: string, copy: string): Promise<void> {
  await cp(archive, copy, { recursive: true });
  const modules = (await readdir(copy, { recursive: true })).filter((path) => path.endsWith('.ko'));
  if (modules.length === 0) throw new TypeError('there is no module to tamper with');
  for (const path of modules) {
    const bytes = await readFile(join(copy, path));
    const middle = bytes.length >> 1;
    bytes[middle] = bytes[middle]! ^ 1;
    await writeFile(join(copy, path), bytes);
  }
}

/**
 * A copy of an archive, signed with its own keys, in which the index of our kernel lists the release of another build-id:
 * what a mistake of whoever runs the archive could look like.
 */
export async function misdirected(archive: string, keys: string, copy: string, index: ReleaseIndex): Promise<void> {
  await cp(archive, copy, { recursive: true });
  await rm(join(copy, '.lock'), { force: true });
  const other = index.buildId.replaceAll(/[0-9a-f]/g, (digit) => ((Number.parseInt(digit, 16) + 1) % 16).toString(16));
  const releases = index.releases.map((release) => ({ ...release, buildId: other }));
  const place = { directory: copy, keys, clock: systemClock };
  await editIndex(place, index.buildId, false, () => ({ index: { ...index, releases }, files: [], result: null }));
}
