import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runSandboxed, sha256 } from '#host';
import { once } from './cache.ts';
import { kernelSource, type SourcePackage } from './debian.ts';

const CONFIGS = join(import.meta.dirname, '../kernels');

/** A kernel source with the configuration to build it with, ready for `tuxtape kernel add`. */
export interface PreparedKernel {
  readonly source: SourcePackage;
  readonly config: string;
}

/** Debian bookworm's 6.1.170, or what bookworm offers now. */
export function source61(cache: string): Promise<SourcePackage> {
  return kernelSource(cache, 'bookworm', 'linux-source-6.1', '6.1.170-3');
}

export function source72(cache: string): Promise<SourcePackage> {
  return kernelSource(cache, 'sid', 'linux-source-7.2', '7.2.13-1');
}

/**
 * Turns a fragment of test/e2e/kernels into a full `.config` with the tree's own tools and the toolchain's compiler:
 * tinyconfig, merged, olddefconfig. Kept in the cache by the hash of fragment, source and toolchain.
 */
export async function prepare(
  cache: string,
  source: SourcePackage,
  fragment: string,
  chroot: string | null,
): Promise<PreparedKernel> {
  const text = await readFile(join(CONFIGS, fragment), 'utf8');
  const key = sha256(`${source.name} ${source.version} ${chroot === null ? 'host' : 'chroot'} ${text}`).slice(0, 16);
  const folder = await once(join(cache, 'configs', key), async (target) => {
    const tree = join(target, 'tree');
    await run('cp', ['-a', '--reflink=auto', source.directory, tree], { timeoutMs: 600_000 });
    await copyFile(join(CONFIGS, fragment), join(tree, 'tuxtape.fragment'));
    const steps =
      'make -s tinyconfig && scripts/kconfig/merge_config.sh -m .config tuxtape.fragment && make -s olddefconfig';
    await runSandboxed(
      { root: chroot, mounts: [{ from: tree, to: '/mnt/linux', writable: true }], cwd: '/mnt/linux' },
      'sh',
      ['-c', steps],
      { timeoutMs: 600_000 },
    );
    await copyFile(join(tree, '.config'), join(target, 'config'));
    await run('rm', ['-rf', tree]);
  });
  return { source, config: join(folder, 'config') };
}
