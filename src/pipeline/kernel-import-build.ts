import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sha256 } from '#host';
import { compareRunning, linkBuiltTree, readBuildTree, readKernelConfig, readProfile } from '#kernel';
import type { NewKernel } from '#store';
import { compilerOf, type Imported, type ImportOptions, store } from './kernel-import.ts';
import { requireSameVersion, toolchainFor } from './kernel-toolchain.ts';

/**
 * Imports a build tree that Kbuild has finished, with or without a folder of its own (O=). Its files are linked to and
 * never written to; with `copy` they are copied. A failure leaves neither row nor tree.
 * Errors: tree-missing without a vmlinux, source-not-a-kernel, source-changed, build-id-missing, cmd-unreadable, already-there.
 */
export async function importBuildTree(
  options: Omit<ImportOptions, 'source'> & {
    readonly build: string;
    /** Its source directory; null: what the `source` link of the build says, else the build itself. */
    readonly source: string | null;
    readonly copy: boolean;
    readonly clock: { now(): Date };
  },
): Promise<Imported> {
  const tree = await readBuildTree(resolve(options.build), options.source === null ? null : resolve(options.source));
  requireSameVersion(tree.release, tree.version, tree.source ?? tree.build);
  const configFile = join(tree.build, '.config');
  const config = await readKernelConfig(configFile);
  const profile = await readProfile(tree.build, tree.source ?? undefined);
  const compiler = compilerOf(config) ?? tree.running.banner?.compiler ?? 'not known';
  const { toolchain, here } = await toolchainFor(options, {
    compiler,
    linker: tree.running.banner?.linker ?? null,
  });
  const id = randomUUID();
  const directory = join(options.trees, `import-${id}`);
  const { buildId, release, version, arch } = tree;
  const row: NewKernel = {
    id,
    name: options.name,
    release,
    version,
    arch,
    state: 'built',
    buildId,
    treeDirectory: directory,
    configSha256: sha256(await readFile(configFile)),
    toolchain,
    bundled: false,
    origin: 'build-tree',
    source: { kind: 'directory', address: tree.source ?? tree.build },
    sourceDirectory: tree.source,
  };
  try {
    await linkBuiltTree(directory, tree, { buildId, release, version, compiler, seconds: 0 }, options);
    const kernel = await store(options.store.db, row, profile);
    const comparison = here && compareRunning({ release: null, toolchain: here, config: null }, tree.running);
    return { kernel, profile, comparison };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
