import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '#host';
import { once } from './cache.ts';
import { binaryPackage, kernelSource, type SourcePackage } from './debian.ts';

/** The Debian release the proof is about: its sources, the configuration and the debug package of its cloud kernel. */
const VERSION = '6.1.176-1';
const DEBUG_PACKAGE = 'linux-image-6.1.0-50-cloud-amd64-dbg';

export function source176(cache: string): Promise<SourcePackage> {
  return kernelSource(cache, 'bookworm', 'linux-source-6.1', VERSION);
}

/** The `.config` that Debian gives its cloud-amd64 kernel, as the package linux-config-6.1 has it. */
export async function cloudConfig(cache: string): Promise<string> {
  const { directory, version } = await binaryPackage(cache, 'bookworm', 'linux-config-6.1', VERSION);
  const folder = await once(join(cache, 'configs', `cloud-amd64_${version}`), async (target) => {
    const packed = join(directory, 'usr/src/linux-config-6.1/config.amd64_none_cloud-amd64.xz');
    const { stdout } = await run('xz', ['-dc', packed]);
    await writeFile(join(target, 'config'), stdout);
  });
  return join(folder, 'config');
}

/** The vmlinux and modules of that kernel with debug information, as Debian built them. */
export async function cloudDebug(cache: string): Promise<SourcePackage> {
  return binaryPackage(cache, 'bookworm', DEBUG_PACKAGE, VERSION);
}
