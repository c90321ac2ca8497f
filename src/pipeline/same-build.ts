import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '#host';
import { KernelError, readBuildId } from '#kernel';
import type { KernelRow } from '#store';

/**
 * Is what lies in a build tree still the build that this kernel names? Somebody may have configured and made it again.
 * Errors: source-changed.
 */
export async function requireSameBuild(
  { name, buildId }: Pick<KernelRow, 'name' | 'buildId'>,
  build: string,
): Promise<void> {
  const vmlinux = join(build, 'vmlinux');
  if (buildId === null || !(await exists(vmlinux))) return;
  const found = readBuildId(await readFile(vmlinux), vmlinux);
  if (found === buildId) return;
  throw new KernelError('source-changed', 'input', {
    what: `the tree was built again: its build-id is ${found}, that of kernel "${name}" is ${buildId}`,
    where: build,
    remedy: 'import it under another name: it is another kernel',
  });
}
