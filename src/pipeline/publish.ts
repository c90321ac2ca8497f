import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchivePlace, publishLivepatch, subscribeKernel } from '#archive';
import type { Release, ReleaseIndex } from '#domain';
import { KernelError } from '#kernel';
import { needKernel, needLivepatch, type Store } from '#store';

/** Publishes a built and proved livepatch as the next release of its kernel. */
export async function publish(store: Store, place: ArchivePlace, key: string): Promise<Release> {
  const { directory, moduleName, recipe, gate } = await needLivepatch(store.db, key);
  const module = await readFile(join(directory, 'module.ko'));
  const patch = await readFile(join(directory, 'change.patch'));
  return publishLivepatch(place, { module, moduleName, patch, recipe, gate });
}

/** Opens an empty index for a built kernel, so that its hosts can prove that they are served. */
export async function subscribe(store: Store, place: ArchivePlace, name: string): Promise<ReleaseIndex> {
  const kernel = await needKernel(store.db, name);
  if (kernel.buildId === null || kernel.release === null) {
    throw new KernelError('tree-missing', 'input', {
      what: 'the kernel is not built, so it has no build-id',
      where: name,
      remedy: `run "tuxtape kernel build ${name}"`,
    });
  }
  return subscribeKernel(place, kernel.buildId, kernel.release);
}
