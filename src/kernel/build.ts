import { writeSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Toolchain } from '#domain';
import { exists, ProgramError, requireFree, writeAtomic } from '#host';
import { readBuildId } from './build-id.ts';
import { KernelError } from './error.ts';
import { runInTree } from './sandbox.ts';
import { type Built, needBuilt, readBuilt, type TreeLayout } from './tree.ts';

const BUILD_TIMEOUT_MS = 4 * 3_600_000;
const BUILD_BYTES = 6 * 2 ** 30;
const MAX_LOG_BYTES = 64 << 20;

export interface BuildOptions {
  readonly layout: TreeLayout;
  readonly toolchain: Toolchain;
  readonly version: string;
  readonly jobs: number;
  readonly signal?: AbortSignal | undefined;
  /** Told the number of files compiled so far, from make's own lines. */
  readonly onProgress: (compiled: number, line: string) => void;
  readonly seconds: () => number;
}

/**
 * Builds the kernel of a prepared tree and gathers what is deployed in `out/`. A kernel that is built already is kept.
 * Errors: kernel-build-failed (with the first real error; the log is kept), build-id-missing, disk-full.
 */
export async function buildKernel(options: BuildOptions): Promise<{ built: Built; kept: boolean }> {
  const { layout } = options;
  if (await readBuilt(layout)) return { built: await needBuilt(layout), kept: true };
  await requireFree(layout.directory, BUILD_BYTES, 'a kernel build');
  const started = options.seconds();
  await make(options, ['vmlinux', 'modules', 'bzImage']);
  const { stdout } = await runInTree(layout.build, options.toolchain, 'make', ['-s', 'kernelrelease'], {
    timeoutMs: 120_000,
  });
  const release = stdout.trim();
  const staging = join(layout.directory, 'out.part');
  await rm(staging, { recursive: true, force: true });
  await mkdir(join(staging, 'modules'), { recursive: true });
  const install = ['modules_install', 'INSTALL_MOD_PATH=/mnt/modules', 'DEPMOD=depmod'];
  await runInTree(layout.build, options.toolchain, 'make', ['-s', ...install], { timeoutMs: BUILD_TIMEOUT_MS }, [
    { from: join(staging, 'modules'), to: '/mnt/modules', writable: true },
  ]);
  await gather(layout.build, staging);
  const vmlinux = join(staging, 'vmlinux');
  const buildId = readBuildId(await readFile(vmlinux), vmlinux);
  const built: Built = {
    buildId,
    release,
    version: options.version,
    compiler: options.toolchain.compiler,
    seconds: Math.round(options.seconds() - started),
  };
  await writeAtomic(join(staging, 'built.json'), `${JSON.stringify(built, null, 2)}\n`);
  await rename(staging, layout.out);
  return { built, kept: false };
}

async function gather(build: string, staging: string): Promise<void> {
  for (const name of ['vmlinux', 'System.map', 'Module.symvers', '.config']) {
    if (await exists(join(build, name))) await copyFile(join(build, name), join(staging, name));
  }
  await copyFile(join(build, 'arch/x86/boot/bzImage'), join(staging, 'bzImage'));
}

async function make(options: BuildOptions, targets: readonly string[]): Promise<void> {
  const log = await open(options.layout.log, 'w');
  let compiled = 0;
  let logged = 0;
  const onOutput = (text: string): void => {
    if (logged < MAX_LOG_BYTES) writeSync(log.fd, text);
    logged += text.length;
    const lines = text.split('\n');
    compiled += lines.filter((line) => /^\s+(?:CC|AS|LD)\b/.test(line)).length;
    options.onProgress(compiled, lines.findLast((line) => line.trim() !== '')?.trim() ?? '');
  };
  try {
    await runInTree(options.layout.build, options.toolchain, 'make', [`-j${options.jobs}`, ...targets], {
      timeoutMs: BUILD_TIMEOUT_MS,
      onOutput,
      keepTail: true,
      maxOutput: 4 << 20,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    throw new KernelError('kernel-build-failed', 'kernel-source', {
      what: `the kernel does not build: ${firstError(`${error.stderr}\n${error.stdout}`)}`,
      where: options.layout.log,
      remedy: 'read the log named above; nothing of this build is used',
      cause: error,
    });
  } finally {
    await log.close();
  }
}

/** The line that says why: a compiler's or linker's error before make's own, which only repeats that something failed. */
export function firstError(log: string): string {
  const lines = log.split('\n').map((line) => line.trim());
  const rules = [
    /\b(?:fatal )?error: /,
    /undefined reference to|multiple definition of/,
    /No rule to make target/,
    /No space left on device/,
    /\bKilled\b/,
    /\*\*\* /,
  ];
  for (const rule of rules) {
    const found = lines.find((line) => rule.test(line));
    if (found !== undefined) return found.slice(0, 300);
  }
  return lines.findLast((line) => line !== '')?.slice(0, 300) ?? 'make printed nothing';
}
