import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildId, Toolchain } from '#domain';
import { copyFolder, exists, requireFree, sha256, writeAtomic } from '#host';
import { KernelError } from './error.ts';
import { type ConfigChange, configChanges, parseKernelConfig, readKernelConfig } from './kconfig.ts';
import { IN_TREE, runInTree } from './sandbox.ts';
import type { KernelSource } from './source.ts';

const CONFIGURE_TIMEOUT_MS = 20 * 60_000;
const SOURCE_BYTES = 3 * 2 ** 30;

/** Where the parts of one kernel lie below its tree directory. */
export interface TreeLayout {
  readonly directory: string;
  /** Copy of the source in which the deployed kernel is built. */
  readonly build: string;
  /** The deployed kernel: vmlinux, bzImage, System.map, Module.symvers, .config, modules/, built.json. */
  readonly out: string;
  readonly log: string;
}

/** What `out/built.json` says. */
export interface Built {
  readonly buildId: BuildId;
  /** `uname -r`. */
  readonly release: string;
  readonly version: string;
  readonly compiler: string;
  /** Wall seconds of the build. */
  readonly seconds: number;
}

export function treeLayout(directory: string): TreeLayout {
  return { directory, build: join(directory, 'build'), out: join(directory, 'out'), log: join(directory, 'build.log') };
}

export async function readBuilt(layout: TreeLayout): Promise<Built | undefined> {
  const text = await readFile(join(layout.out, 'built.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Built);
}

/** As `readBuilt`. Errors: tree-missing. */
export async function needBuilt(layout: TreeLayout): Promise<Built> {
  const built = await readBuilt(layout);
  if (built && (await exists(join(layout.out, 'vmlinux')))) return built;
  throw new KernelError('tree-missing', 'input', {
    what: 'the kernel is not built here',
    where: layout.directory,
    remedy: 'run "tuxtape kernel build"',
  });
}

/** Name of the tree of this source, configuration and toolchain: the same three find the same tree again. */
export function treeKey(source: KernelSource, configSha256: string, toolchain: Toolchain): string {
  return sha256(
    JSON.stringify([source.version, source.manifest, configSha256, toolchain.kind, toolchain.compiler]),
  ).slice(0, 16);
}

export interface PrepareOptions {
  readonly source: KernelSource;
  /** The `.config` file as given. */
  readonly config: string;
  readonly toolchain: Toolchain;
  /** Go on although `olddefconfig` changes choices of the configuration. */
  readonly acceptChanges: boolean;
}

/**
 * Copies the source and puts the configuration in. The configuration is used as it is; when the tree's own `olddefconfig`
 * would change a choice in it, that is an error that lists them, unless accepted. Appears whole or not at all.
 */
export async function prepareTree(
  directory: string,
  options: PrepareOptions,
): Promise<{ kept: boolean; toolchainChanges: ConfigChange[] }> {
  const layout = treeLayout(directory);
  if (await exists(layout.build)) return { kept: true, toolchainChanges: [] };
  await mkdir(directory, { recursive: true });
  await requireFree(directory, SOURCE_BYTES, 'a copy of the kernel source');
  const temporary = join(directory, 'build.part');
  await rm(temporary, { recursive: true, force: true });
  try {
    await copyFolder(options.source.directory, temporary);
    const toolchainChanges = await configure(temporary, options);
    await writeAtomic(
      join(directory, 'kernel.json'),
      `${JSON.stringify({ source: options.source, toolchain: options.toolchain }, null, 2)}\n`,
    );
    await rename(temporary, layout.build);
    return { kept: false, toolchainChanges };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function configure(tree: string, options: PrepareOptions): Promise<ConfigChange[]> {
  const before = await readKernelConfig(options.config);
  await runInTree(tree, options.toolchain, 'make', ['-s', 'mrproper'], { timeoutMs: CONFIGURE_TIMEOUT_MS });
  await copyFile(options.config, join(tree, '.config'));
  await runInTree(tree, options.toolchain, 'make', ['-s', 'olddefconfig'], { timeoutMs: CONFIGURE_TIMEOUT_MS });
  const after = parseKernelConfig(await readFile(join(tree, '.config'), 'utf8'), `${IN_TREE}/.config`);
  const { choices, toolchain } = configChanges(before, after);
  if (choices.length > 0 && !options.acceptChanges) {
    const list = choices
      .slice(0, 8)
      .map(({ symbol, before: old, after: now }) => `${symbol}: ${old ?? 'not set'} → ${now ?? 'not set'}`);
    throw new KernelError('config-would-change', 'input', {
      what: `this source and toolchain would change ${choices.length} choices of the configuration: ${list.join(', ')}${choices.length > list.length ? ', …' : ''}`,
      where: options.config,
      remedy: 'give the configuration that belongs to this source, or accept the changes with --accept-config-changes',
    });
  }
  return toolchain;
}
