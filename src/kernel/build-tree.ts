import { copyFile, realpath, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BuildId } from '#domain';
import { copyFolder, exists, makeFolders, readLimited, requireFree, writeAtomic } from '#host';
import { imagePath } from './arch.ts';
import { buildIdOf } from './build-id.ts';
import { findPackageFiles } from './debug-info/package-files.ts';
import { askElf } from './elf-bytes.ts';
import { readElf64 } from './elf-table.ts';
import { KernelError } from './error.ts';
import { type Running, readRunning } from './running.ts';
import { sourceVersion } from './source.ts';
import { type Built, treeLayout } from './tree.ts';

const MAX_RELEASE_BYTES = 4096;
const COPY_BYTES = 8 * 2 ** 30;
/** elf(5), e_machine. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'aarch64' };

/** What a finished build says of itself. */
export interface BuildTree {
  readonly build: string;
  /** The source directory of a build with O=; null: the build lies in its source. */
  readonly source: string | null;
  readonly buildId: BuildId;
  readonly release: string;
  readonly version: string;
  readonly arch: string;
  readonly running: Running;
}

/** Errors: tree-missing, source-not-a-kernel, build-id-missing, arch-unsupported. */
export async function readBuildTree(given: string, givenSource: string | null): Promise<BuildTree> {
  if (!(await exists(given))) throw notThere(given);
  const vmlinux = join(given, 'vmlinux');
  for (const needed of [vmlinux, join(given, '.config')]) if (!(await exists(needed))) throw notBuilt(given, needed);
  const build = await realpath(given);
  const source = await sourceOf(build, givenSource);
  return {
    build,
    source,
    buildId: await buildIdOf(vmlinux),
    release: await releaseOf(build),
    version: await sourceVersion(source ?? build),
    arch: await machineOf(vmlinux),
    running: await readRunning(vmlinux).catch(() => ({ banner: null, config: null, buildId: null })),
  };
}

/** Kbuild links `source` in a build folder of its own to the source (top Makefile, outputmakefile). */
async function sourceOf(build: string, given: string | null): Promise<string | null> {
  const named = given ?? ((await exists(join(build, 'source'))) ? join(build, 'source') : null);
  if (named === null) return null;
  const source = await realpath(named).catch(() => named);
  return source === build ? null : source;
}

async function releaseOf(build: string): Promise<string> {
  const file = join(build, 'include/config/kernel.release');
  const text = (await exists(file)) ? (await readLimited(file, MAX_RELEASE_BYTES)).toString('utf8').trim() : '';
  if (text !== '') return text;
  const header = join(build, 'include/generated/utsrelease.h');
  const line = (await exists(header)) ? (await readLimited(header, MAX_RELEASE_BYTES)).toString('utf8') : '';
  const release = /^#define UTS_RELEASE "([^"]+)"/m.exec(line)?.[1];
  if (release === undefined) throw notBuilt(build, file);
  return release;
}

async function machineOf(where: string): Promise<string> {
  const found = MACHINES[await askElf(where, (elf) => readElf64(elf).machine)];
  if (found !== undefined) return found;
  throw new KernelError('arch-unsupported', 'input', {
    what: 'this vmlinux is for no architecture that is known here',
    where,
    remedy: 'x86-64 and arm64 are',
  });
}

function notThere(where: string): KernelError {
  return new KernelError('tree-missing', 'input', {
    what: 'the folder does not exist',
    where,
    remedy: 'give the folder in which make has built vmlinux',
  });
}

function notBuilt(build: string, lacking: string): KernelError {
  return new KernelError('tree-missing', 'input', {
    what: `this is no finished build: it lacks ${basename(lacking)}`,
    where: build,
    remedy: 'give the folder in which make has built vmlinux; "make clean" removes what is read',
  });
}

/** The vmlinux of an unpacked debug package. Errors: debug-info-missing. */
export async function vmlinuxIn(directory: string): Promise<string> {
  return (await findPackageFiles(directory)).vmlinux;
}

/**
 * Gives a build tree the form of one made here, by links (or copies): `build`, and `out` with what is deployed and
 * `built.json`. `directory` must not exist.
 */
export async function linkBuiltTree(
  directory: string,
  tree: BuildTree,
  built: Built,
  { copy, signal }: { readonly copy: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const layout = treeLayout(directory);
  await makeFolders(layout.out);
  if (copy) {
    await requireFree(directory, COPY_BYTES, 'a copy of the build tree');
    await copyFolder(tree.build, layout.build, signal);
  } else await symlink(tree.build, layout.build);
  for (const name of ['vmlinux', 'System.map', 'Module.symvers', '.config', imagePath(tree.arch).file]) {
    const [from, to] = [join(layout.build, name), join(layout.out, basename(name))];
    if (!(await exists(from))) continue;
    if (copy) await copyFile(from, to);
    else await symlink(join(tree.build, name), to);
  }
  await writeAtomic(join(layout.out, 'built.json'), `${JSON.stringify(built, null, 2)}\n`);
}
