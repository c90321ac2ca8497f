import { join } from 'node:path';
import { exists, type RunOptions, type RunResult, runSandboxed } from '#host';
import { IN_TREE, reproducible } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';

/** Where Debian's package puts the programs that kpatch-build calls, and the module it builds them into. */
export const PROGRAMS = '/usr/lib/kpatch';
export const TEMPLATE = '/usr/share/kpatch/patch';
/** The job's folder, inside the sandbox. */
export const WORK = '/mnt/work';
const TIMEOUT_MS = 10 * 60_000;
const MAX_OUTPUT = 4 << 20;

/** Errors: engine-missing. */
export async function requireTools({ toolchain }: EngineJob): Promise<void> {
  const root = toolchain.root ?? '/';
  for (const path of [`${PROGRAMS}/create-diff-object`, `${PROGRAMS}/create-klp-module`, `${TEMPLATE}/Makefile`])
    if (!(await exists(join(root, path))))
      throw new LivepatchError('engine-missing', 'toolchain', {
        what: 'the toolchain has no kpatch-build',
        where: join(root, path),
        remedy: 'install the package kpatch-build into the toolchain, or make one with "tuxtape toolchain make"',
      });
}

/** Runs a program of the toolchain in the job's folder; the built tree and the deployed vmlinux can only be read. */
export async function runTool(
  job: EngineJob,
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<RunResult> {
  const sandbox = {
    root: job.toolchain.root,
    mounts: [
      { from: job.layout.build, to: IN_TREE },
      { from: job.work, to: WORK, writable: true },
      { from: join(job.layout.out, 'vmlinux'), to: '/mnt/vmlinux' },
    ],
    cwd: WORK,
    env: { ...reproducible, ...options.env },
  };
  const limits = { timeoutMs: TIMEOUT_MS, maxOutput: MAX_OUTPUT, keepTail: true };
  const signal = job.signal === undefined ? {} : { signal: job.signal };
  const { env: _, ...rest } = options;
  return runSandboxed(sandbox, program, args, { ...limits, onOutput: job.onOutput, ...signal, ...rest });
}
