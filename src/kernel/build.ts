import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Toolchain } from '#domain';
import { exists, type Mount, makeFolders, ProgramError, requireFree, writeAtomic } from '#host';
import { imagePath, machineArch, runMake } from './arch.ts';
import { buildIdOf } from './build-id.ts';
import { type BuildGuard, type BuildLimits, defaultLimits, guardBuild } from './build-limits.ts';
import { attemptLog, type BuildLog, openBuildLog } from './build-log.ts';
import { KernelError } from './error.ts';
import { findFirstError, firstErrorText } from './first-error.ts';
import { type Built, needBuilt, readBuilt, type TreeLayout } from './tree.ts';
import { inTreeAlone } from './tree-lock.ts';

const BUILD_BYTES = 6 * 2 ** 30;
/** There while a make is at work: one that finds it was killed in the middle, and half-written files may look whole. */
const UNFINISHED = 'build.unfinished';

export interface BuildOptions {
  readonly layout: TreeLayout;
  readonly toolchain: Toolchain;
  /** As `uname -m` says it; default: this machine's. */
  readonly arch?: string;
  readonly version: string;
  readonly jobs: number;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: BuildLimits | undefined;
  /** File of the log. Default: one of its own among the logs of the tree. */
  readonly log?: string | undefined;
  /** Asked before the result is put in its place; throws when it is not wanted any more. */
  readonly stillWanted?: (() => Promise<void>) | undefined;
  /** Told the number of files compiled so far, from make's own lines. */
  readonly onProgress: (compiled: number, line: string) => void;
  readonly seconds: () => number;
}

/**
 * Builds the kernel of a prepared tree and gathers what is deployed in `out/`. A kernel that is built already is kept.
 * Only one process at a time is at work in a tree. Whatever goes wrong, there is no `out/` and the log is kept.
 * Errors: kernel-build-failed (with the first real error), build-timed-out, build-over-memory, build-over-disk,
 * build-id-missing, disk-full, and the reason of the signal.
 */
export async function buildKernel(options: BuildOptions): Promise<{ built: Built; kept: boolean }> {
  const { layout, limits = defaultLimits } = options;
  using guard = guardBuild(layout.directory, limits, options.signal);
  // Awaited here: the guard stands until the end.
  return await inTreeAlone(layout.directory, guard.signal, async () => {
    if (await readBuilt(layout)) return { built: await needBuilt(layout), kept: true };
    await requireFree(layout.directory, Math.min(BUILD_BYTES, limits.diskBytes ?? BUILD_BYTES), 'a kernel build');
    const log = await openBuildLog(layout, options.log ?? attemptLog(layout, 'direct', Date.now()));
    const staging = join(layout.directory, 'out.part');
    try {
      const built = await buildInto(staging, { ...options, guard, log, count: { compiled: 0 } });
      return { built, kept: false };
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw error;
    } finally {
      await log.close();
    }
  });
}

interface Running extends Omit<BuildOptions, 'log'> {
  readonly guard: BuildGuard;
  readonly log: BuildLog;
  /** Files compiled by all makes of this build together: the last of them only print. */
  readonly count: { compiled: number };
}

async function buildInto(staging: string, options: Running): Promise<Built> {
  const { layout } = options;
  const started = options.seconds();
  const image = imagePath(options.arch ?? machineArch());
  // `make modules` of a configuration without CONFIG_MODULES is an error of its own (the top Makefile).
  const modular = /^CONFIG_MODULES=y$/m.test(await readFile(join(layout.build, '.config'), 'utf8'));
  const targets = ['vmlinux', ...(modular ? ['modules'] : []), image.target];
  const unfinished = join(layout.directory, UNFINISHED);
  if (await exists(unfinished)) await make(options, ['-s', 'clean']);
  await writeFile(unfinished, '');
  await make(options, [`-j${options.jobs}`, ...targets]).catch(async (error: unknown) => {
    // A make that gave up (exit code 2) has removed what it did not finish; one that was killed has not.
    const { cause } = error instanceof KernelError ? error : {};
    if (cause instanceof ProgramError && cause.exitCode === 2) await rm(unfinished, { force: true });
    throw error;
  });
  await rm(unfinished, { force: true });
  const release = (await make(options, ['-s', 'kernelrelease'])).trim();
  await rm(staging, { recursive: true, force: true });
  await makeFolders(join(staging, 'modules'));
  if (modular) {
    await make(
      options,
      ['-s', 'modules_install', 'INSTALL_MOD_PATH=/mnt/modules', 'DEPMOD=depmod'],
      [{ from: join(staging, 'modules'), to: '/mnt/modules', writable: true }],
    );
  }
  await gather(layout.build, staging, image.file);
  const vmlinux = join(staging, 'vmlinux');
  const buildId = await buildIdOf(vmlinux);
  const built: Built = {
    buildId,
    release,
    version: options.version,
    compiler: options.toolchain.compiler,
    seconds: Math.round(options.seconds() - started),
  };
  await writeAtomic(join(staging, 'built.json'), `${JSON.stringify(built, null, 2)}\n`);
  options.guard.signal.throwIfAborted();
  await options.stillWanted?.();
  await rename(staging, layout.out);
  return built;
}

async function gather(build: string, staging: string, image: string): Promise<void> {
  for (const name of ['vmlinux', 'System.map', 'Module.symvers', '.config']) {
    if (await exists(join(build, name))) await copyFile(join(build, name), join(staging, name));
  }
  await copyFile(join(build, image), join(staging, basename(image)));
}

/** Runs make under the limits, its output in the log. Returns what it printed on stdout. Errors: kernel-build-failed. */
async function make(options: Running, args: readonly string[], mounts: readonly Mount[] = []): Promise<string> {
  const { guard, log, layout, count } = options;
  const onOutput = (text: string): void => {
    log.write(text);
    const lines = text.split('\n');
    count.compiled += lines.filter((line) => /^\s+(?:CC|AS|LD)\b/.test(line)).length;
    options.onProgress(count.compiled, lines.findLast((line) => line.trim() !== '')?.trim() ?? '');
  };
  const run: Parameters<typeof runMake>[3] = {
    signal: guard.signal,
    limits: guard.processLimits,
    onStart: (pid) => guard.watch(pid),
    onOutput,
    keepTail: true,
    maxOutput: 4 << 20,
  };
  try {
    const target = { toolchain: options.toolchain, arch: options.arch ?? machineArch() };
    return (await guard.within(runMake(layout.build, target, args, run, mounts))).stdout;
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    const found = findFirstError(await log.text());
    throw new KernelError('kernel-build-failed', found.fault, {
      what: `the kernel does not build: ${firstErrorText(found)}`,
      where: log.path,
      remedy: `${found.remedy}; the whole log is kept`,
      cause: error,
    });
  }
}
