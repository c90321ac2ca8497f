import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, run, runSandboxed } from '#host';
import { treeLayout } from '#kernel';
import { parseDiff } from '#patch';
import { once } from './cache.ts';
import type { BuiltKernel } from './kernels.ts';

const LONGEST_MS = 80 * 60_000;

/**
 * The untouched kpatch-build on a copy of the kernel's own tree, as its manual says to call it. It makes the whole tree for
 * itself the first time; the copy is kept, so that later calls make what the patch changes and what the last one did.
 */
export async function plainKpatch(cache: string, kernel: BuiltKernel, patch: string, name: string) {
  const layout = treeLayout(kernel.treeDirectory);
  const plain = await once(join(cache, 'plain'), async (target) => {
    await mkdir(join(target, 'home'));
    await run('cp', ['-a', '--reflink=auto', layout.build, join(target, 'tree')], { timeoutMs: 600_000 });
  });
  const atWork = join(plain, 'at-work.patch');
  if (await exists(atWork)) await restore(atWork, layout.build, join(plain, 'tree'));
  await copyFile(patch, atWork);
  const mounts = [
    { from: join(plain, 'tree'), to: '/mnt/linux', writable: true },
    { from: join(plain, 'home'), to: '/mnt/home', writable: true },
    { from: join(layout.out, 'vmlinux'), to: '/mnt/vmlinux' },
    { from: patch, to: '/mnt/change.patch' },
  ];
  const args = [
    ...['-s', '/mnt/linux', '-c', '/mnt/linux/.config', '-v', '/mnt/vmlinux', '-o', '/mnt/home', '-n', name],
    '/mnt/change.patch',
  ];
  const root = kernel.toolchain.root;
  try {
    const sandbox = { root, mounts, cwd: '/mnt/home', env: { HOME: '/mnt/home' } };
    await runSandboxed(sandbox, 'kpatch-build', args, { timeoutMs: LONGEST_MS, keepTail: true });
  } finally {
    await rm(atWork);
  }
  return readFile(join(plain, 'home', `${name}.ko`));
}

/** kpatch-build patches the tree and takes the patch out again; one that was killed has not. */
async function restore(patch: string, from: string, tree: string): Promise<void> {
  for (const { path } of parseDiff(await readFile(patch, 'utf8'), patch)) {
    if (await exists(join(from, path))) await copyFile(join(from, path), join(tree, path));
    else await rm(join(tree, path), { force: true });
  }
}
