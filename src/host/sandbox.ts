import { totalmem } from 'node:os';
import { type RunOptions, type RunResult, run } from './process.ts';

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable?: boolean;
}

export interface Sandbox {
  /** Root directory of a chroot that holds the tools, or null: the host's own programs and libraries, and nothing else of it. */
  readonly root: string | null;
  readonly mounts: readonly Mount[];
  /** Working directory, as seen inside. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where work trees are mounted: one fixed path, so that a build leaves no machine's path in its output. */
export const WORK = '/mnt';

/**
 * What programs of the host need to run. No home, no data, no keys, no /etc but what the loader and the alternatives need: a
 * patch can have the compiler read any file that it sees (#include, .incbin), and put it into a log or an object.
 */
const HOST_PROGRAMS = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/nix/store', '/gnu/store'],
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d', '/etc/passwd', '/etc/group'],
];

/** What is in a sandbox runs on what strangers wrote: it is always bounded. A whole kernel is built within these. */
const FAMILY = { memoryBytes: Math.floor(totalmem() * 0.9), processes: 4_096 };
const LIMITS = { fileBytes: 16 * 2 ** 30 };

/**
 * Runs a program in a bubblewrap sandbox: no network, a read-only root of programs, an own /tmp, /proc and /dev, and nothing writable
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
    ...(sandbox.root === null
      ? HOST_PROGRAMS.flatMap((path) => ['--ro-bind-try', path, path])
      : ['--ro-bind', sandbox.root, '/']),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', WORK],
    ...sandbox.mounts.flatMap(({ from, to, writable }) => [writable === true ? '--bind' : '--ro-bind', from, to]),
    ...(sandbox.root === null ? ['--remount-ro', '/'] : []),
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
