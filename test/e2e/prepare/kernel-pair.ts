import { join } from 'node:path';
import { exists, run } from '#host';
import { binaryPackage } from './debian.ts';

/** An installed kernel. */
export interface PackagedKernel {
  readonly release: string;
  /** bzImage. */
  readonly image: string;
  /** Folder of `lib/modules`. */
  readonly root: string;
}

/** The kernel that runs, and the one with the fixes. */
export interface KernelPair {
  readonly running: PackagedKernel;
  readonly fixed: PackagedKernel;
}

/** Two point releases of Debian's cloud kernel, as Debian built them: they can checkpoint, restore and kexec. */
export async function kernelPair(cache: string): Promise<KernelPair> {
  return { running: await kernel(cache, '6.1.0-47', '6.1.170-3'), fixed: await kernel(cache, '6.1.0-50', '6.1.176-1') };
}

async function kernel(cache: string, abi: string, version: string): Promise<PackagedKernel> {
  const release = `${abi}-cloud-amd64`;
  const { directory: root } = await binaryPackage(cache, 'bookworm', `linux-image-${release}-unsigned`, version);
  // Its installation would do this.
  if (!(await exists(join(root, 'lib/modules', release, 'modules.dep'))))
    await run('depmod', ['-b', root, '-a', release], { timeoutMs: 120_000 });
  return { release, image: join(root, 'boot', `vmlinuz-${release}`), root };
}
