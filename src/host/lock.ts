import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errno, fromErrno, HostError } from './error.ts';
import { makeFolders } from './files.ts';

const RETRY_MS = 50;

/** A process, told apart from a later one with the same number by its start time (proc(5), stat field 22) and boot. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
}

/** Identity of a living process, or undefined when there is none with that number. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in field 2 may hold spaces and brackets: fields count from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { pid, started: `${boot}/${fields[19]}` };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [pid, started] = text.trim().split(' ');
  return pid !== undefined && started !== undefined && /^\d+$/.test(pid) ? { pid: Number(pid), started } : undefined;
}

export function formatIdentity(identity: ProcessIdentity): string {
  return `${identity.pid} ${identity.started}\n`;
}

/** This process. */
export function self(): ProcessIdentity {
  const identity = identify(process.pid);
  if (!identity)
    throw new HostError('file-unreadable', 'toolchain', {
      what: 'cannot read /proc: is it mounted?',
      where: '/proc/self/stat',
    });
  return identity;
}

/**
 * Runs `body` while holding the lock file at `path`. A lock whose holder is dead is taken over.
 * Errors: locked, after `waitMs` of waiting for a living holder.
 */
export async function withLock<T>(path: string, waitMs: number, body: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + waitMs;
  await makeFolders(dirname(path));
  while (!(await tryLock(path))) {
    if (performance.now() > deadline) {
      const holder = await readHolder(path);
      throw new HostError('locked', 'input', {
        what: `another TuxTape process${holder ? ` (pid ${holder.pid})` : ''} is at work here`,
        where: path,
        remedy: 'wait for it to end, or stop it, and run the command again',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  try {
    return await body();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before !== undefined) {
    const holder = parseIdentity(before);
    if (holder && isAlive(holder)) return false;
    // Remove only the very lock that was read: another process may have taken it over in between.
    if ((await readFile(path, 'utf8').catch(() => undefined)) === before) await rm(path, { force: true });
  }
  // Whole and on the disk before it has its name: a power cut leaves no empty lock, of which nobody could say whose it is.
  const own = `${path}.${randomUUID()}`;
  try {
    const handle = await open(own, 'wx', 0o644);
    await handle.writeFile(formatIdentity(self()));
    await handle.sync();
    await handle.close();
    await link(own, path);
    return true;
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw fromErrno(error, path, 'write the lock');
    return false;
  } finally {
    await rm(own, { force: true });
  }
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  return parseIdentity(await readFile(path, 'utf8').catch(() => ''));
}
