import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Profile } from '#domain';
import { sha256, writeAtomic } from '#host';
import {
  compareRunning,
  encodeProfile,
  type KernelConfig,
  KernelError,
  openKept,
  predictProfile,
  type RunningComparison,
  readDebugProfile,
  readKernelConfig,
  readRunning,
  sourceFiles,
  vmlinuxIn,
} from '#kernel';
import { addKernel, inTransaction, type KernelRow, type NewKernel, needKernel, type Store, saveProfile } from '#store';
import { type AddKernelOptions, addKernelFromSource } from './kernel.ts';
import { requireSameVersion, toolchainFor } from './kernel-toolchain.ts';

export interface ImportOptions {
  readonly store: Store;
  readonly trees: string;
  readonly mirrors: string;
  readonly name: string;
  /** As `--source`; null where it is not given. */
  readonly source: string | null;
  readonly chroot: string | null;
  readonly cross?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Imported {
  readonly kernel: KernelRow;
  readonly profile: Profile;
  /** What a person should know of how it was read. */
  readonly notes?: readonly string[];
  /** How the toolchain that is named here differs from what made the kernel; null: nothing to compare with. */
  readonly comparison: RunningComparison | null;
}

/** Adds a kernel's row and profile together; `keep` puts what belongs to them beside, before they count. */
export async function store(
  db: Store['db'],
  row: NewKernel,
  profile: Profile,
  keep?: () => Promise<void>,
): Promise<KernelRow> {
  return inTransaction(db, async (tx) => {
    await addKernel(tx, row);
    await saveProfile(tx, row.id, encodeProfile(profile));
    await keep?.();
    return needKernel(tx, row.id);
  });
}

/**
 * Imports a kernel from an unpacked debug package: a vmlinux and modules with debug information. There is nothing to build.
 * A failure, and `signal`, leave neither row nor source.
 * Errors: debug-info-missing, debug-info-unreadable, source-unreadable when nothing says its version,
 * source-changed when the source is of another one, already-there.
 */
export async function importDebug(
  options: ImportOptions & {
    readonly debug: string;
    /** Every module of the kernel is in it. */
    readonly complete: boolean;
    readonly onProgress: (done: number, total: number, note: string) => void;
  },
): Promise<Imported> {
  const directory = resolve(options.debug);
  const { signal } = options;
  await using kept = options.source === null ? null : await openKept(options.source, options);
  const read = await readDebugProfile({
    directory,
    complete: options.complete,
    sources: kept === null ? new Set() : await sourceFiles(kept.source.directory),
    onProgress: ({ done, total, target }) => options.onProgress(done, total, target),
    signal,
  });
  if (kept !== null) requireSameVersion(read.release, kept.source.version, kept.origin.address);
  const running = await readRunning(await vmlinuxIn(directory), signal);
  const made = { compiler: read.compiler, linker: running.banner?.linker ?? null };
  const { toolchain, here } = await toolchainFor(options, made);
  const row: NewKernel = {
    id: randomUUID(),
    name: options.name,
    release: read.release,
    version: kept?.source.version ?? versionOf(read.release),
    arch: read.arch,
    state: 'built',
    buildId: read.buildId,
    treeDirectory: '',
    configSha256: '',
    toolchain,
    bundled: false,
    origin: 'debug-info',
    source: kept?.origin ?? null,
    sourceDirectory: kept?.directory ?? null,
  };
  signal?.throwIfAborted();
  const kernel = await store(options.store.db, row, read.profile, kept?.keep);
  const comparison = here && compareRunning({ release: null, toolchain: here, config: null }, running);
  return { kernel, profile: read.profile, notes: read.notes, comparison };
}

/** A distribution's `6.1.0-13-amd64` counts its own interface and not the stable release: it must not be taken for 6.1.0. */
export function versionOf(release: string): string {
  const match = /^\d+\.\d+\.(\d+)/.exec(release);
  if (match && match[1] !== '0') return match[0];
  throw new KernelError('source-unreadable', 'input', {
    what: `the release "${release}" does not say which stable version its source is`,
    remedy: 'give the source of this kernel with --source',
  });
}

const CONFIG_ARCHES: readonly (readonly [string, string])[] = [
  ['X86_64', 'x86_64'],
  ['ARM64', 'aarch64'],
];

/** The architecture a configuration is for. Errors: arch-unsupported. */
export function archOfConfig(config: KernelConfig, where: string): string {
  const found = CONFIG_ARCHES.find(([symbol]) => config.get(symbol) === 'y');
  if (found) return found[1];
  throw new KernelError('arch-unsupported', 'input', {
    what: 'the configuration is for no architecture that is known here',
    where,
    remedy: 'name it with --arch',
  });
}

/**
 * Imports a kernel from its configuration and source only: its profile is a prediction. With a toolchain, its tree is
 * prepared, too, so that it can be built later. Errors: those of `addKernelFromSource`; profile-unreadable.
 */
export async function importConfig(
  options: ImportOptions &
    Pick<AddKernelOptions, 'acceptChanges' | 'acceptFuzz' | 'arch' | 'patches'> & {
      readonly source: string;
      readonly config: string;
      readonly prepare: boolean;
    },
): Promise<Imported & { readonly keptTree: boolean }> {
  if (options.prepare) return importPrepared(options);
  const config = await readKernelConfig(options.config);
  const text = await readFile(options.config);
  const arch = options.arch ?? archOfConfig(config, options.config);
  await using kept = await openKept(options.source, options);
  const { source } = kept;
  await requireConfigOf(options.config, source.version);
  const profile = await predictProfile({ source: source.directory, config, arch });
  options.signal?.throwIfAborted();
  const row: NewKernel = {
    id: randomUUID(),
    name: options.name,
    release: null,
    version: source.version,
    arch,
    state: 'added',
    buildId: null,
    treeDirectory: '',
    configSha256: sha256(text),
    toolchain: { kind: 'host', root: null, compiler: compilerOf(config) ?? 'not known', linker: null },
    bundled: false,
    origin: 'config',
    source: kept.origin,
    sourceDirectory: kept.directory,
  };
  const kernel = await store(options.store.db, row, profile, async () => {
    await kept.keep();
    await writeAtomic(keptConfig(options.trees, row.configSha256), text);
  });
  return { kernel, profile, comparison: null, keptTree: false };
}

/** Where the configuration of a kernel without a tree is kept, for replays of what it decided. */
export function keptConfig(trees: string, configSha256: string): string {
  return join(trees, `config-${configSha256.slice(0, 16)}`);
}

/**
 * A prediction takes an option that is not in the configuration as not set, so it must have been written by Kconfig of this
 * very source, which says so in its third line (scripts/kconfig/confdata.c). Errors: config-would-change.
 */
async function requireConfigOf(file: string, version: string): Promise<void> {
  const written = /^# Linux\/\S+ (\S+) Kernel Configuration$/m.exec(await readFile(file, 'utf8'))?.[1];
  if (written === version) return;
  throw new KernelError('config-would-change', 'input', {
    what: `the configuration was written for ${written ?? 'a version it does not name'}, the source is ${version}`,
    where: file,
    remedy:
      'run "make olddefconfig" in that source first, or import with --chroot so that it is done in a tree of ours',
  });
}

async function importPrepared(options: Parameters<typeof importConfig>[0]): ReturnType<typeof importConfig> {
  let predicted: Profile | undefined;
  const { kernel, keptTree } = await addKernelFromSource(options, {
    origin: 'config',
    profile: async ({ build }, arch) =>
      (predicted = await predictProfile({
        source: build,
        config: await readKernelConfig(join(build, '.config')),
        arch,
      })),
  });
  return { kernel, profile: predicted!, comparison: null, keptTree };
}

/** CONFIG_CC_VERSION_TEXT, which Kbuild fills with the first line of the compiler's version. */
export function compilerOf(config: KernelConfig): string | undefined {
  return /^"(.+)"$/.exec(config.get('CC_VERSION_TEXT') ?? '')?.[1];
}
