import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import type { Config } from '#config';
import type { Profile } from '#domain';
import { type Clock, sha256 } from '#host';
import {
  type BuildLimits,
  type Built,
  buildKernel,
  type ConfigChange,
  decodeProfile,
  encodeProfile,
  identifyToolchain,
  prepareTree,
  readKernelConfig,
  readProfile,
  readSource,
  treeKey,
  treeLayout,
} from '#kernel';
import {
  addKernel,
  type Db,
  findKernel,
  inTransaction,
  type KernelRow,
  loadProfile,
  markBuilt,
  needKernel,
  type Store,
  saveProfile,
} from '#store';
import { readModules } from './modules.ts';

/** As `uname -m` says it. */
const ARCH: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Directory that holds all kernel trees. */
export function kernelTrees(config: Config): string {
  return config.text('kernel.trees') ?? join(config.need('data'), 'kernels');
}

export interface AddKernelOptions {
  readonly store: Store;
  readonly trees: string;
  readonly name: string;
  readonly source: string;
  readonly config: string;
  readonly chroot: string | null;
  readonly acceptChanges: boolean;
}

/**
 * Adds a kernel: copies its source into a tree of its own and puts the configuration in. A tree of the same source,
 * configuration and toolchain is found again. Errors: those of #kernel; already-there.
 */
export async function addKernelFromSource(
  options: AddKernelOptions,
): Promise<{ kernel: KernelRow; keptTree: boolean; toolchainChanges: ConfigChange[] }> {
  const { store, name } = options;
  const toolchain = await identifyToolchain(options.chroot);
  await readKernelConfig(options.config);
  const source = await readSource(options.source);
  const configSha256 = sha256(await readFile(options.config));
  const directory = join(options.trees, treeKey(source, configSha256, toolchain));
  const row = {
    id: randomUUID(),
    name,
    release: null,
    version: source.version,
    arch: ARCH[arch()] ?? arch(),
    state: 'added' as const,
    buildId: null,
    treeDirectory: directory,
    configSha256,
    toolchain,
    bundled: false,
  };
  // The row commits only when the tree is whole; a tree without a row is found again by its key.
  return inTransaction(store.db, async (tx) => {
    await addKernel(tx, row);
    const { kept, toolchainChanges } = await prepareTree(directory, {
      source,
      config: options.config,
      toolchain,
      acceptChanges: options.acceptChanges,
    });
    return { kernel: await needKernel(tx, row.id), keptTree: kept, toolchainChanges };
  });
}

export interface BuildKernelOptions {
  readonly store: Store;
  readonly name: string;
  readonly jobs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly limits?: BuildLimits;
  /** File of the log. */
  readonly log?: string;
  readonly onProgress: (compiled: number, line: string) => void;
  /** As that of `buildKernel`. */
  readonly stillWanted?: () => Promise<void>;
  /** Written in the transaction that stores the kernel as built; throws when it is not wanted any more. */
  readonly alsoWrite?: (tx: Db, kept: boolean) => Promise<void>;
}

/** Builds an added kernel, reads its profile, and stores build-id and profile together. The worker of the queue runs it. */
export async function buildAndProfile(
  options: BuildKernelOptions,
): Promise<{ kernel: KernelRow; built: Built; kept: boolean }> {
  const { store } = options;
  const kernel = await needKernel(store.db, options.name);
  const layout = treeLayout(kernel.treeDirectory);
  const { built, kept } = await buildKernel({
    layout,
    toolchain: kernel.toolchain,
    version: kernel.version,
    jobs: options.jobs,
    signal: options.signal,
    limits: options.limits,
    log: options.log,
    stillWanted: options.stillWanted,
    onProgress: options.onProgress,
    seconds: () => options.clock.monotonicMs() / 1000,
  });
  const profile = encodeProfile(await readProfile(layout.build));
  await inTransaction(store.db, async (tx) => {
    await options.alsoWrite?.(tx, kept);
    await markBuilt(tx, kernel.id, { release: built.release, buildId: built.buildId, at: options.clock.now() });
    await saveProfile(tx, kernel.id, profile);
    await readModules(tx, kernel.id, join(layout.out, 'modules'), built.release);
  });
  return { kernel: await needKernel(store.db, kernel.id), built, kept };
}

/** Reads the profile of a built tree again and stores it. */
export async function profileAgain(store: Store, name: string): Promise<{ kernel: KernelRow; profile: Profile }> {
  const kernel = await needKernel(store.db, name);
  const profile = await readProfile(treeLayout(kernel.treeDirectory).build);
  await saveProfile(store.db, kernel.id, encodeProfile(profile));
  if (kernel.release !== null)
    await readModules(store.db, kernel.id, join(treeLayout(kernel.treeDirectory).out, 'modules'), kernel.release);
  return { kernel, profile };
}

/** The stored profile of a kernel, or null before it is built. */
export async function profileOf(db: Db, kernel: KernelRow): Promise<Profile | null> {
  const bytes = await loadProfile(db, kernel.id);
  return bytes === undefined ? null : decodeProfile(bytes, kernel.name);
}

const BUNDLED = join(import.meta.dirname, '../../fixtures/sample-kernel');

/** Adds the profile of a kernel that comes with TuxTape, labelled as bundled; nothing when it is there. */
export async function addBundledKernel(store: Store): Promise<KernelRow> {
  const facts = JSON.parse(await readFile(join(BUNDLED, 'kernel.json'), 'utf8')) as Omit<
    KernelRow,
    'id' | 'addedAt' | 'builtAt' | 'treeDirectory' | 'bundled'
  >;
  const existing = await findKernel(store.db, facts.name);
  if (existing) return existing;
  const profile = await readFile(join(BUNDLED, 'profile.zst'));
  return inTransaction(store.db, async (tx) => {
    const id = randomUUID();
    await addKernel(tx, { ...facts, id, treeDirectory: '', bundled: true });
    await saveProfile(tx, id, profile);
    return needKernel(tx, id);
  });
}
