import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '#config';
import type { KernelOrigin, Profile } from '#domain';
import { type Clock, exists, sha256 } from '#host';
import {
  type BuildLimits,
  type Built,
  buildKernel,
  crossPrefix,
  decodeProfile,
  encodeProfile,
  identifyToolchain,
  KernelError,
  openSource,
  type Prepared,
  prepareTree,
  readKernelConfig,
  readPatchQueue,
  readProfile,
  type TreeLayout,
  toolchainArch,
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
  type NewKernel,
  needKernel,
  recordTree,
  type Store,
  saveProfile,
} from '#store';
import { readModules } from './modules.ts';
import { whileSameBuild } from './same-build.ts';

/** Directory that holds all kernel trees. */
export function kernelTrees(config: Config): string {
  return config.text('kernel.trees') ?? join(config.need('data'), 'kernels');
}

/** Directory that holds the git mirrors of kernel sources, one for each address. */
export function sourceMirrors(config: Config): string {
  return join(config.need('data'), 'mirrors/sources');
}

export interface AddKernelOptions {
  readonly store: Store;
  readonly trees: string;
  /** Where git mirrors are kept; default: beside the trees. */
  readonly mirrors?: string;
  readonly name: string;
  /** A directory, a tarball, `git:ADDRESS#REF`, a `.dsc` or a `.deb`. */
  readonly source: string;
  readonly config: string;
  readonly chroot: string | null;
  /** Prefix of a cross compiler. */
  readonly cross?: string | undefined;
  /** As `uname -m` says it; default: what the toolchain compiles for. */
  readonly arch?: string | undefined;
  /** Folder of a local patch queue. */
  readonly patches?: string | undefined;
  readonly acceptChanges: boolean;
  readonly acceptFuzz?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A kernel that is not built here from its own source and nothing else, e.g. one that is only predicted. */
export interface AddedAs {
  readonly origin: KernelOrigin;
  /** Made of the prepared tree, and stored with the kernel. */
  readonly profile: (layout: TreeLayout, arch: string) => Promise<Profile>;
}

/**
 * Adds a kernel: places its source in a tree of its own, applies its patches and puts the configuration in. A tree of the same
 * source, patches, configuration, toolchain and architecture is found again. A failure leaves neither row nor tree.
 * Errors: those of #kernel; already-there.
 */
export async function addKernelFromSource(
  options: AddKernelOptions,
  as?: AddedAs,
): Promise<{ kernel: KernelRow; keptTree: boolean } & Omit<Prepared, 'kept'>> {
  const { store, name, trees } = options;
  const cross = options.cross === undefined ? undefined : crossPrefix(options.cross);
  const toolchain = await identifyToolchain(options.chroot, cross);
  const arch = await toolchainArch(toolchain, options.arch);
  await readKernelConfig(options.config);
  const patches = options.patches === undefined ? [] : await readPatchQueue(options.patches);
  await using opened = await openSource(options.source, {
    scratch: trees,
    mirrors: options.mirrors ?? join(trees, 'mirrors'),
    signal: options.signal,
  });
  const { source, origin, place } = opened;
  const configSha256 = sha256(await readFile(options.config));
  const parts = { source, toolchain, arch, patches };
  const directory = join(trees, treeKey(parts, configSha256));
  const row: NewKernel = {
    id: randomUUID(),
    name,
    release: null,
    version: source.version,
    arch,
    state: 'added',
    buildId: null,
    treeDirectory: directory,
    configSha256,
    toolchain,
    bundled: false,
    origin: as?.origin ?? 'built',
    source: origin,
  };
  // The row commits only when the tree is whole; a tree without a row is found again by its key.
  return await inTransaction(store.db, async (tx) => {
    await addKernel(tx, row);
    const { kept, ...prepared } = await prepareTree(directory, {
      ...parts,
      place,
      config: options.config,
      acceptChanges: options.acceptChanges,
      acceptFuzz: options.acceptFuzz === true,
      signal: options.signal,
    });
    await recordTree(tx, row.id, { patches: prepared.patches, configChanges: prepared.acceptedChanges });
    if (as) await saveProfile(tx, row.id, encodeProfile(await as.profile(treeLayout(directory), arch)));
    return { kernel: await needKernel(tx, row.id), keptTree: kept, ...prepared };
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

/**
 * Builds an added kernel, reads its profile, and stores build-id and profile together. The worker of the queue runs it.
 * Errors: those of `buildKernel` and `readProfile`; source-changed, when the tree of a kept build was made again since.
 */
export async function buildAndProfile(
  options: BuildKernelOptions,
): Promise<{ kernel: KernelRow; built: Built; kept: boolean }> {
  const { store } = options;
  const kernel = await needKernel(store.db, options.name);
  const layout = treeOf(kernel);
  const { built, kept } = await buildKernel({
    layout,
    toolchain: kernel.toolchain,
    arch: kernel.arch,
    version: kernel.version,
    jobs: options.jobs,
    signal: options.signal,
    limits: options.limits,
    log: options.log,
    stillWanted: options.stillWanted,
    onProgress: options.onProgress,
    seconds: () => options.clock.monotonicMs() / 1000,
  });
  const profile = await builtProfile({ ...kernel, buildId: built.buildId }, layout.build);
  await inTransaction(store.db, async (tx) => {
    await options.alsoWrite?.(tx, kept);
    await markBuilt(tx, kernel.id, { release: built.release, buildId: built.buildId, at: options.clock.now() });
    await saveProfile(tx, kernel.id, encodeProfile(profile));
    await readModules(tx, kernel.id, join(layout.out, 'modules'), built.release);
  });
  return { kernel: await needKernel(store.db, kernel.id), built, kept };
}

/** Errors: tree-missing, for a kernel that has none: a sample, or one that is known by debug information or configuration only. */
function treeOf(kernel: KernelRow): TreeLayout {
  if (kernel.treeDirectory !== '') return treeLayout(kernel.treeDirectory);
  throw new KernelError('tree-missing', 'input', {
    what: 'this kernel has no tree here that can be built',
    where: kernel.name,
    remedy: 'add it under another name with "tuxtape kernel add", with its source and toolchain',
  });
}

function builtProfile(kernel: KernelRow, build: string): Promise<Profile> {
  return whileSameBuild(kernel, build, () => readProfile(build, kernel.sourceDirectory ?? undefined));
}

/** Reads the profile of a built tree again and stores it. Errors: source-changed, when it is another build by now. */
export async function profileAgain(store: Store, name: string): Promise<{ kernel: KernelRow; profile: Profile }> {
  const kernel = await needKernel(store.db, name);
  const profile = await builtProfile(kernel, treeOf(kernel).build);
  await saveProfile(store.db, kernel.id, encodeProfile(profile));
  const modules = join(treeLayout(kernel.treeDirectory).out, 'modules');
  // An imported tree has none there: what a person gave stands, as it is still the same build.
  if (kernel.release !== null && (kernel.origin === 'built' || (await exists(modules))))
    await readModules(store.db, kernel.id, modules, kernel.release);
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
    NewKernel,
    'id' | 'treeDirectory' | 'bundled'
  >;
  const existing = await findKernel(store.db, facts.name);
  const profile = await readFile(join(BUNDLED, 'profile.zst'));
  if (existing) {
    // An earlier version stored its profile in another form.
    if (existing.bundled) await saveProfile(store.db, existing.id, profile);
    return existing;
  }
  return inTransaction(store.db, async (tx) => {
    const id = randomUUID();
    await addKernel(tx, { ...facts, id, treeDirectory: '', bundled: true });
    await saveProfile(tx, id, profile);
    return needKernel(tx, id);
  });
}
