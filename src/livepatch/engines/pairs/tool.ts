import { join } from 'node:path';
import { ProgramError, type RunOptions, type RunResult, runSandboxed } from '#host';
import { IN_TREE, reproducible } from '#kernel';
import { diagnose } from '../diagnose.ts';
import type { EngineJob } from '../engine.ts';

/** The job's folder, inside the sandbox. */
export const WORK = '/mnt/work';
const TIMEOUT_MS = 10 * 60_000;
const MAX_OUTPUT = 4 << 20;
/** For objects of a patch and the module of them; the largest reads a whole vmlinux with its debug information. */
const FAMILY = { memoryBytes: 8 * 2 ** 30, processes: 512 };
const FILE_BYTES = 4 * 2 ** 30;

/** Runs a program of the toolchain in the job's folder; the built tree and the deployed vmlinux can only be read. */
export async function runTool(
  job: EngineJob,
  program: string,
  args: readonly string[],
  { cwd = WORK, env = {}, ...options }: RunOptions = {},
): Promise<RunResult> {
  const sandbox = {
    root: job.toolchain.root,
    mounts: [
      { from: job.layout.build, to: IN_TREE },
      { from: job.work, to: WORK, writable: true },
      { from: join(job.layout.out, 'vmlinux'), to: '/mnt/vmlinux' },
    ],
    cwd,
    env: { ...reproducible, ...env },
  };
  const bounds = { family: FAMILY, limits: { fileBytes: FILE_BYTES } };
  const limits = { timeoutMs: TIMEOUT_MS, maxOutput: MAX_OUTPUT, keepTail: true, ...bounds };
  const signal = job.signal === undefined ? {} : { signal: job.signal };
  return runSandboxed(sandbox, program, args, { ...limits, onOutput: job.onOutput, ...signal, ...options });
}

/** As `runTool`, for a step that has no answer but success. Errors: those of `diagnose`. */
export async function runStep(
  job: EngineJob,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  try {
    return await runTool(job, program, args, options);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'program-failed') throw error;
    throw diagnose(`${error.stdout}\n${error.stderr}`, job.work, error);
  }
}
