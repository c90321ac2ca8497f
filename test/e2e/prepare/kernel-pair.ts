import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runSandboxed, sha256 } from '#host';
import { once } from './cache.ts';
import type { SourcePackage } from './debian.ts';

const CONFIGS = join(import.meta.dirname, '../kernels');
const FRAGMENT = 'criu-6.1.config';
const BUILD_TIMEOUT_MS = 3_600_000;

/** Two builds of one source: what differs is the end of their release, and so their build-id. */
export interface KernelPair {
  /** bzImage of the kernel that runs. */
  readonly running: string;
  /** bzImage of the one with the fix; its release ends with `-fixed`. */
  readonly fixed: string;
}

/** Builds the kernels of the reboot test once; they stay in the cache. The second build only links anew. */
export async function kernelPair(cache: string, source: SourcePackage): Promise<KernelPair> {
  const text = await readFile(join(CONFIGS, FRAGMENT), 'utf8');
  const key = sha256(`${source.name} ${source.version} ${text}`).slice(0, 16);
  const folder = await once(join(cache, 'kernel-pairs', key), async (target) => {
    const tree = join(target, 'tree');
    await run('cp', ['-a', '--reflink=auto', source.directory, tree], { timeoutMs: 600_000 });
    await copyFile(join(CONFIGS, FRAGMENT), join(tree, 'tuxtape.fragment'));
    const steps = [
      'make -s tinyconfig',
      'scripts/kconfig/merge_config.sh -m .config tuxtape.fragment',
      'scripts/config --set-str LOCALVERSION -running',
      'make -s olddefconfig',
      'nice -n 15 make -s -j2 bzImage',
      'cp arch/x86/boot/bzImage running',
      'scripts/config --set-str LOCALVERSION -fixed',
      'make -s olddefconfig',
      'nice -n 15 make -s -j2 bzImage',
      'cp arch/x86/boot/bzImage fixed',
    ];
    await runSandboxed(
      { root: null, mounts: [{ from: tree, to: '/mnt/linux', writable: true }], cwd: '/mnt/linux' },
      'sh',
      ['-c', steps.join(' && ')],
      { timeoutMs: BUILD_TIMEOUT_MS },
    );
    for (const name of ['running', 'fixed', '.config']) await copyFile(join(tree, name), join(target, name));
    await run('rm', ['-rf', tree]);
  });
  return { running: join(folder, 'running'), fixed: join(folder, 'fixed') };
}
