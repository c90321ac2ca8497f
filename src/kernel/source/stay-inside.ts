import { lstat, readdir, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { KernelError } from '../error.ts';

/** Most entries and bytes of an unpacked tree: a kernel source of today has 90,000 and 1.5 GiB, a toolchain image 100,000 and 3 GiB. */
export const MAX_ENTRIES = 500_000;
export const MAX_BYTES = 16 * 2 ** 30;

export function unsafe(what: string, where: string): KernelError {
  return new KernelError('archive-unsafe', 'untrusted', {
    what,
    where,
    remedy: 'do not use this archive; nothing of it was kept',
  });
}

/**
 * Looks at what was unpacked: nothing but files, folders and links, within the limits, and no link that leaves the tree
 * where `links` is "inside". Errors: archive-unsafe.
 */
export async function checkUnpacked(root: string, archive: string, links: 'inside' | 'anywhere'): Promise<void> {
  let [entries, bytes] = [0, 0];
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const shown = `${archive}: ${relative(root, path).slice(0, 200)}`;
    entries += 1;
    if (entry.isSymbolicLink()) {
      if (links === 'inside') await requireInside(root, path, shown);
    } else if (entry.isFile()) bytes += (await lstat(path)).size;
    else if (!entry.isDirectory()) throw unsafe('the archive holds a device or a pipe', shown);
    if (entries > MAX_ENTRIES || bytes > MAX_BYTES)
      throw unsafe('the archive unpacks to more than is allowed', archive);
  }
}

async function requireInside(root: string, link: string, shown: string): Promise<void> {
  const target = await readlink(link);
  const end = relative(root, resolve(dirname(link), target));
  if (isAbsolute(target) || end === '..' || end.startsWith('../'))
    throw unsafe('the archive holds a link that leaves it', shown);
}
