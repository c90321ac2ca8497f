import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unsafe } from '../source/stay-inside.ts';

const WHITEOUT = '.wh.';
/** Nothing of the layers below shows in this folder (OCI image-spec layer.md, "Opaque Whiteout"). */
const OPAQUE = '.wh..wh..opq';

/**
 * Lays one unpacked layer over what the layers below it made: whiteouts first, then everything that the layer holds,
 * moved. Every folder on the way is looked at: where a layer below left a link, nothing is written through it.
 * Errors: archive-unsafe.
 */
export async function mergeLayer(layer: string, root: string): Promise<void> {
  const entries = await readdir(layer, { withFileTypes: true });
  if (entries.some(({ name }) => name === OPAQUE))
    for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
  for (const { name } of entries) {
    const hidden = name.slice(WHITEOUT.length);
    if (!name.startsWith(WHITEOUT) || hidden.startsWith(WHITEOUT)) continue;
    if (hidden === '' || hidden === '.' || hidden === '..') throw unsafe('a whiteout names no file', join(layer, name));
    await rm(join(root, hidden), { recursive: true, force: true });
  }
  for (const entry of entries) {
    if (entry.name.startsWith(WHITEOUT)) continue;
    const [from, to] = [join(layer, entry.name), join(root, entry.name)];
    if (entry.isDirectory()) await mergeFolder(from, to);
    else {
      await rm(to, { recursive: true, force: true });
      await rename(from, to);
    }
  }
}

async function mergeFolder(from: string, to: string): Promise<void> {
  const below = await lstat(to).catch(() => undefined);
  if (below?.isSymbolicLink() === true) throw unsafe('a layer writes through a link of a layer below it', to);
  if (below !== undefined && !below.isDirectory()) await rm(to);
  if (below?.isDirectory() !== true) await mkdir(to);
  await chmod(to, (await lstat(from)).mode & 0o777);
  await mergeLayer(from, to);
}
