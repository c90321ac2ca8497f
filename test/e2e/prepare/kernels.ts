import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Toolchain } from '#domain';
import { run, runSandboxed, sha256 } from '#host';
import { once } from './cache.ts';
import type { Cli } from './cli.ts';
import { kernelSource, type SourcePackage } from './debian.ts';

const CONFIGS = join(import.meta.dirname, '../kernels');

/** The kernels of the proof, and the fragment each is configured from. */
const fragments = {
  server: 'server-6.1.config',
  small: 'small-7.2.config',
  signed: 'signed-6.1.config',
} as const;

/** A kernel that `tuxtape` has built and profiled. */
export interface BuiltKernel {
  readonly name: string;
  readonly release: string;
  readonly version: string;
  readonly buildId: string;
  readonly treeDirectory: string;
  readonly toolchain: Toolchain;
}

/** The source package, or undefined and the test skipped, with why. */
export async function sourceOr(
  t: TestContext,
  fetch: () => Promise<SourcePackage>,
): Promise<SourcePackage | undefined> {
  try {
    const source = await fetch();
    console.log(`  ${source.name} ${source.version}`);
    return source;
  } catch (error) {
    t.skip(`the registry does not give the kernel source: ${(error as Error).message}`);
    return undefined;
  }
}

/** Adds and builds a kernel of the proof; its tree is in the cache, so that only the first build is long. */
export async function builtKernel(
  tuxtape: Cli,
  cache: string,
  name: keyof typeof fragments,
  source: SourcePackage,
  chroot: string | null,
): Promise<BuiltKernel> {
  const config = await fullConfig(cache, source, fragments[name], chroot);
  const where = chroot === null ? [] : ['--chroot', chroot];
  await tuxtape('kernel', 'add', name, '--source', source.directory, '--config', config, ...where);
  await tuxtape('kernel', 'build', name);
  return (await tuxtape('kernel', 'show', name)) as BuiltKernel;
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
async function fullConfig(
  cache: string,
  source: SourcePackage,
  fragment: string,
  chroot: string | null,
): Promise<string> {
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
  return join(folder, 'config');
}
