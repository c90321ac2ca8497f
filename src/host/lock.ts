import { readFileSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errno, fromErrno, HostError } from './error.ts';
import { makeFolders } from './files.ts';

const RETRY_MS = 50;
/** Time in which a living process has written its name into the lock that it made. */
const EMPTY_MS = 10_000;

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
  try {
    const handle = await open(path, 'wx', 0o644);
    try {
      await handle.writeFile(formatIdentity(self()));
    } catch (error) {
      // A lock without a name on it would keep everybody out for good.
      await rm(path, { force: true });
      throw fromErrno(error, path, 'write the lock');
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error;
  }
  const before = await readFile(path, 'utf8').catch(() => '');
  const holder = parseIdentity(before);
  const isDead = before === '' ? await isForgotten(path) : !holder || !isAlive(holder);
  if (isDead) {
    // Remove only the very lock that was read: another process may have taken it over in between.
    if ((await readFile(path, 'utf8').catch(() => '')) === before) await rm(path, { force: true });
  }
  return false;
}

/** Empty, and not of this moment: whoever made it died before it could write its name, or the power went. */
async function isForgotten(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Math.abs(Date.now() - found.mtimeMs) > EMPTY_MS;
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  return parseIdentity(await readFile(path, 'utf8').catch(() => ''));
}
