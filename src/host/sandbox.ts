import { totalmem } from 'node:os';
import { type RunOptions, type RunResult, run } from './process.ts';

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable?: boolean;
}

export interface Sandbox {
  /** Root directory of a chroot that holds the tools, or null: the host's own file system, read-only. */
  readonly root: string | null;
  readonly mounts: readonly Mount[];
  /** Working directory, as seen inside. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where work trees are mounted: one fixed path, so that a build leaves no machine's path in its output. */
export const WORK = '/mnt';

/** What is in a sandbox runs on what strangers wrote: it is always bounded. A whole kernel is built within these. */
const FAMILY = { memoryBytes: Math.floor(totalmem() * 0.9), processes: 4_096 };
const LIMITS = { fileBytes: 16 * 2 ** 30 };

/**
 * Runs a program in a bubblewrap sandbox: no network, a read-only root, an own /tmp, /proc and /dev, and nothing writable
 * but the given mounts. It dies with us. Memory, processes and the size of files are bounded, wide ones unless others are given.
 * Mount targets lie below `/mnt`. Errors: those of `run`.
 */
export async function runSandboxed(
  sandbox: Sandbox,
  program: string,
  args: readonly string[],
  options: Omit<RunOptions, 'cwd' | 'env'> = {},
): Promise<RunResult> {
  const environment = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    ...sandbox.env,
  };
  const words = [
    ...['--ro-bind', sandbox.root ?? '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', WORK],
    ...sandbox.mounts.flatMap(({ from, to, writable }) => [writable === true ? '--bind' : '--ro-bind', from, to]),
    ...[
      '--unshare-net',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--die-with-parent',
      '--new-session',
      '--clearenv',
    ],
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', sandbox.cwd, '--', program, ...args],
  ];
  return run('bwrap', words, { family: FAMILY, ...options, limits: { ...LIMITS, ...options.limits } });
}
