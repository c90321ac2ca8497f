import type { Toolchain } from '#domain';
import { type Mount, type RunOptions, type RunResult, runSandboxed } from '#host';

/** Where a kernel tree is mounted: one fixed path, so that no machine's path is built in. */
export const IN_TREE = '/mnt/linux';

/**
 * Fixed values for everything Kbuild would otherwise take from the machine (Documentation/kbuild/reproducible-builds.rst).
 */
export const reproducible: Readonly<Record<string, string>> = {
  KBUILD_BUILD_TIMESTAMP: 'Thu Jan  1 00:00:00 UTC 1970',
  KBUILD_BUILD_USER: 'tuxtape',
  KBUILD_BUILD_HOST: 'tuxtape',
  KBUILD_BUILD_VERSION: '1',
  SOURCE_DATE_EPOCH: '0',
};

/** Runs a program of the toolchain in a kernel tree: sandboxed, without network, the tree writable at `/mnt/linux`. */
export async function runInTree(
  tree: string,
  toolchain: Toolchain,
  program: string,
  args: readonly string[],
  options: Omit<RunOptions, 'cwd' | 'env'> = {},
  mounts: readonly Mount[] = [],
): Promise<RunResult> {
  const sandbox = {
    root: toolchain.root,
    mounts: [{ from: tree, to: IN_TREE, writable: true }, ...mounts],
    cwd: IN_TREE,
    env: reproducible,
  };
  return runSandboxed(sandbox, program, args, options);
}
