import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { plainEnvironment } from './process.ts';

export interface DaemonOptions {
  readonly cwd: string;
  /** File that stdout and stderr are appended to. */
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
  /** User and group to run as; only root may give it. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Starts a program that outlives us, in a session of its own. Returns its process number. */
export function startDaemon(program: string, args: readonly string[], options: DaemonOptions): number | undefined {
  const log = openSync(options.log, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? plainEnvironment(),
      detached: true,
      stdio: ['ignore', log, log],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    child.on('error', () => {}); // The caller sees that it did not come up.
    child.unref();
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** Sends a signal; false when there is no such process any more. */
export function signalProcess(pid: number, signal: 'SIGINT' | 'SIGTERM' | 'SIGQUIT' | 'SIGKILL'): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
