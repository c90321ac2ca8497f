import { dirname } from 'node:path';
import type { Profile } from '#domain';
import { exists } from '#host';
import { identifyToolchain, type KernelConfig, KernelError, makeObjects, treeLayout } from '#kernel';
import type { SourceTexts } from '#patch';
import { type KernelRow, type Store, StoreError } from '#store';
import { profileOf } from './kernel.ts';
import { builtConfig, kernelTexts } from './kernel-texts.ts';
import { requireSameBuild } from './same-build.ts';

/** What every fix is held against. */
export interface ProveSubject {
  readonly profile: Profile;
  readonly source: SourceTexts;
  readonly config: KernelConfig | null;
  /** Where the source lies. */
  readonly tree: string;
  /** Build tree in which single objects can be compiled; null: none, and `why`. */
  readonly build: string | null;
  /** A sentence's end. */
  readonly why: string;
}

/**
 * What there is of a kernel to hold fixes against: its tree, built or only configured, or its source alone.
 * Errors: tree-missing, toolchain-changed, source-changed, not-found (no profile).
 */
export async function proveSubject(store: Store, kernel: KernelRow): Promise<ProveSubject> {
  const profile = await profileOf(store.db, kernel);
  if (profile === null)
    throw new StoreError('not-found', 'input', {
      what: 'the kernel has no profile yet',
      where: kernel.name,
      remedy: `run "tuxtape kernel build ${kernel.name}"`,
    });
  const { build } = treeLayout(kernel.treeDirectory);
  const hasTree = kernel.treeDirectory !== '' && (await exists(build));
  const tree = kernel.sourceDirectory ?? (hasTree ? build : null);
  if (tree === null || !(await exists(tree)))
    throw new KernelError('tree-missing', 'input', {
      what: 'the source of this kernel is not here',
      where: tree ?? kernel.name,
      remedy: 'add or import the kernel with its source',
    });
  const why = !hasTree
    ? 'this kernel has a source here, but no tree with a compiler'
    : kernel.sourceDirectory !== null && kernel.sourceDirectory !== build
      ? 'it was built in a folder apart from its source'
      : null;
  if (hasTree && profile.origin === 'build') await requireSameBuild(kernel, build);
  if (why === null) await requireToolchain(kernel);
  return {
    profile,
    source: kernelTexts(tree, profile),
    config: hasTree ? await builtConfig(build) : null,
    tree,
    build: why === null ? build : null,
    why: why ?? '',
  };
}

/** Another compiler makes other objects: the same with and without the fix would prove nothing for this kernel. */
async function requireToolchain({ toolchain, name, origin }: KernelRow): Promise<void> {
  const { compiler } = await identifyToolchain(toolchain.root, toolchain.cross);
  if (compiler === toolchain.compiler) return;
  throw new KernelError('toolchain-changed', 'toolchain', {
    what: `the kernel was built by "${toolchain.compiler}", and the toolchain is now "${compiler}"`,
    where: toolchain.root ?? 'this host',
    remedy:
      origin === 'build-tree'
        ? `bring the compiler back, or forget the kernel ("tuxtape kernel remove ${name}") and import it again with --chroot DIR, where DIR holds the compiler that made it`
        : `bring the compiler back, or forget the kernel ("tuxtape kernel remove ${name}"), and add and build it again`,
  });
}

/** Has the objects that read these files made where a tree was never built: a proof needs their commands. */
export async function makeReaders(
  { profile, build }: ProveSubject,
  kernel: KernelRow,
  paths: Iterable<string>,
  { jobs, signal, onOutput }: { jobs: number; signal: AbortSignal; onOutput: (text: string) => void },
): Promise<void> {
  if (build === null || profile.origin !== 'config') return;
  const readers = new Set([...paths].flatMap((path) => profile.files.get(path) ?? []));
  const objects = [...readers].map((index) => profile.objects[index]!.object);
  const { toolchain, arch } = kernel;
  await makeObjects({ directory: dirname(build), tree: build, toolchain, arch, jobs, signal, onOutput }, objects);
}
