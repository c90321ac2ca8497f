import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '#host';
import { buildIdOf, KernelError } from '#kernel';
import type { KernelRow } from '#store';

/**
 * Is what lies in a build tree still the build that this kernel names? Somebody may have cleaned it, or configured and made it
 * again. Errors: source-changed; build-id-missing, for a vmlinux that is none.
 */
export async function requireSameBuild(kernel: Pick<KernelRow, 'name' | 'buildId'>, build: string): Promise<void> {
  await whileSameBuild(kernel, build, () => Promise.resolve());
}

/** Reads something of a build tree that is this kernel's before and after. Errors: as above, and those of `read`. */
export async function whileSameBuild<T>(
  { name, buildId }: Pick<KernelRow, 'name' | 'buildId'>,
  build: string,
  read: () => Promise<T>,
): Promise<T> {
  const vmlinux = join(build, 'vmlinux');
  const changed = (what: string): KernelError =>
    new KernelError('source-changed', 'input', {
      what,
      where: build,
      remedy: `make there what kernel "${name}" was, or import it under another name: it is another kernel`,
    });
  if (!(await exists(vmlinux)))
    throw changed(`the tree has no vmlinux any more: it was cleaned, or is being made again; kernel "${name}" had one`);
  const before = await stat(vmlinux);
  const found = await buildIdOf(vmlinux);
  if (buildId !== null && found !== buildId)
    throw changed(`the tree was built again: its build-id is ${found}, that of kernel "${name}" is ${buildId}`);
  const result = await read();
  const after = await stat(vmlinux).catch(() => null);
  if (after?.mtimeMs !== before.mtimeMs || after.size !== before.size)
    throw changed(`the tree was built again while it was read; nothing of it was taken for kernel "${name}"`);
  return result;
}
