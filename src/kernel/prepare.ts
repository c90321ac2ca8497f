import { copyFile, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppliedPatch, ConfigChange, Toolchain } from '#domain';
import { exists, makeFolders, requireFree, sha256, writeAtomic } from '#host';
import { machineArch, runMake } from './arch.ts';
import { ConfigChangeError } from './error.ts';
import { configChanges, parseKernelConfig, readKernelConfig } from './kconfig.ts';
import { applyQueue, type PatchQueue, refuseFuzz } from './patch-queue.ts';
import { IN_TREE } from './sandbox.ts';
import type { KernelSource } from './source.ts';
import { treeLayout } from './tree.ts';

const CONFIGURE_TIMEOUT_MS = 20 * 60_000;
const SOURCE_BYTES = 3 * 2 ** 30;

export interface TreeParts {
  readonly source: KernelSource;
  readonly toolchain: Toolchain;
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly patches: PatchQueue;
}

/**
 * Name of the tree of this source, configuration, toolchain, architecture and patch queue: the same find the same tree
 * again. What is as usual (this machine's architecture, no patches) adds nothing, so that older trees keep their names.
 */
export function treeKey({ source, toolchain, arch, patches }: TreeParts, configSha256: string): string {
  const { kind, compiler, image } = toolchain;
  const more = {
    ...(arch === machineArch() ? {} : { arch }),
    ...(image === undefined ? {} : { image }),
    ...(patches.length === 0 ? {} : { patches: patches.map((patch) => patch.sha256) }),
  };
  const parts = [source.version, source.manifest, configSha256, kind, compiler];
  return sha256(JSON.stringify(Object.keys(more).length === 0 ? parts : [...parts, more])).slice(0, 16);
}

export interface PrepareOptions extends TreeParts {
  /** Puts the source where the tree is to be. */
  readonly place: (target: string) => Promise<void>;
  /** The `.config` file as given. */
  readonly config: string;
  /** Go on although `olddefconfig` changes choices of the configuration. */
  readonly acceptChanges: boolean;
  /** Take patches whose context does not fit in full. */
  readonly acceptFuzz: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Prepared {
  /** The tree was there already. */
  readonly kept: boolean;
  readonly toolchainChanges: readonly ConfigChange[];
  /** Choices that were changed and accepted. */
  readonly acceptedChanges: readonly ConfigChange[];
  readonly patches: readonly AppliedPatch[];
}

type Recorded = Partial<Omit<Prepared, 'kept'>>;

/**
 * Places the source, applies the patches and puts the configuration in. The configuration is used as it is; when the
 * tree's own `olddefconfig` would change a choice in it, that is an error that lists them, unless accepted. Appears whole or not
 * at all. Errors: config-would-change, patch-not-applied, disk-full.
 */
export async function prepareTree(directory: string, options: PrepareOptions): Promise<Prepared> {
  const layout = treeLayout(directory);
  const facts = join(directory, 'kernel.json');
  if (await exists(layout.build)) return keptTree(facts, options);
  await makeFolders(directory);
  await requireFree(directory, SOURCE_BYTES, 'a copy of the kernel source');
  const temporary = join(directory, 'build.part');
  await rm(temporary, { recursive: true, force: true });
  try {
    await options.place(temporary);
    const patches = await applyQueue(temporary, options.patches, options.acceptFuzz, options.signal);
    const changes = await configure(temporary, options);
    const { source, toolchain, arch } = options;
    const recorded: Recorded = { ...changes, patches };
    await writeAtomic(facts, `${JSON.stringify({ source, toolchain, arch, ...recorded }, null, 2)}\n`);
    await rename(temporary, layout.build);
    return { kept: false, ...changes, patches };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Only when it is empty: a folder with an older log in it stays.
    await rmdir(directory).catch(() => undefined);
    throw error;
  }
}

/** What was accepted for a tree once is not accepted for everyone who finds it again. */
async function keptTree(facts: string, options: PrepareOptions): Promise<Prepared> {
  const recorded = JSON.parse(await readFile(facts, 'utf8').catch(() => '{}')) as Recorded;
  const { toolchainChanges = [], acceptedChanges = [], patches = [] } = recorded;
  if (!options.acceptChanges) refuseChanges(acceptedChanges, options.config);
  if (!options.acceptFuzz) refuseFuzz(patches);
  return { kept: true, toolchainChanges, acceptedChanges, patches };
}

async function configure(
  tree: string,
  options: PrepareOptions,
): Promise<Pick<Prepared, 'toolchainChanges' | 'acceptedChanges'>> {
  const { signal } = options;
  const limits = { timeoutMs: CONFIGURE_TIMEOUT_MS, ...(signal && { signal }) };
  const before = await readKernelConfig(options.config);
  await runMake(tree, options, ['-s', 'mrproper'], limits);
  await copyFile(options.config, join(tree, '.config'));
  await runMake(tree, options, ['-s', 'olddefconfig'], limits);
  const after = parseKernelConfig(await readFile(join(tree, '.config'), 'utf8'), `${IN_TREE}/.config`);
  const { choices, toolchain } = configChanges(before, after);
  if (!options.acceptChanges) refuseChanges(choices, options.config);
  return { toolchainChanges: toolchain, acceptedChanges: choices };
}

function refuseChanges(choices: readonly ConfigChange[], config: string): void {
  if (choices.length === 0) return;
  const list = choices.map(({ symbol, before, after }) => `${symbol}: ${before ?? 'not set'} → ${after ?? 'not set'}`);
  throw new ConfigChangeError(choices, {
    what: `this source and toolchain would change ${choices.length} choices of the configuration: ${list.join(', ')}`,
    where: config,
    remedy: 'give the configuration that belongs to this source, or accept the changes with --accept-config-changes',
  });
}
