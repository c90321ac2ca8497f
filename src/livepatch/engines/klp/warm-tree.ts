import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyFolder, exists, requireFree, withLock } from '#host';
import { needBuilt, type TreeLayout } from '#kernel';

const COPY_BYTES = 8 * 2 ** 30;
const LOCK_WAIT_MS = 3_600_000;

/** Name of the copy beside the tree, and of its lock and mark. */
const NAME = 'klp';

/**
 * Lends klp-build's own copy of a built tree to `body`, one job at a time. It patches and rebuilds in it and puts the source
 * back; a mark file says while they are at it, so that a copy left by a killed run is made anew.
 */
export async function withWarmTree<T>(layout: TreeLayout, body: (tree: string) => Promise<T>): Promise<T> {
  await needBuilt(layout);
  const tree = join(layout.directory, NAME);
  const mark = join(layout.directory, `${NAME}.at-work`);
  return withLock(join(layout.directory, `${NAME}.lock`), LOCK_WAIT_MS, async () => {
    if (await exists(mark)) await rm(tree, { recursive: true, force: true });
    if (!(await exists(tree))) await copyTree(layout.build, tree);
    await writeFile(mark, '');
    const result = await body(tree);
    await rm(mark);
    return result;
  });
}

async function copyTree(from: string, to: string): Promise<void> {
  await requireFree(join(to, '..'), COPY_BYTES, "klp-build's copy of the kernel tree");
  const temporary = `${to}.part`;
  await rm(temporary, { recursive: true, force: true });
  await copyFolder(from, temporary);
  await rename(temporary, to);
}
