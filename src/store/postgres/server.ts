import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  exists,
  formatIdentity,
  identify,
  isAlive,
  isRoot,
  parseIdentity,
  plainEnvironment,
  run,
  self,
  signalProcess,
  startDaemon,
  withLock,
} from '#host';
import { StoreError } from '../error.ts';
import { type Binaries, type Flavour, findBinaries, firstClosedFolder } from './binaries.ts';

/** `nobody` on Debian: PostgreSQL refuses to run as root, and its user must have a passwd entry. */
const NOBODY = 65_534;
const SOCKET_LIMIT = 107; // sun_path of unix(7), less the final zero
const SOCKET_NAME = '/.s.PGSQL.5432';
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 25;
const LOCK_WAIT_MS = 120_000;

export const SUPERUSER = 'tuxtape';

/** One of possibly many users of the server of a data directory. */
export interface ServerUse {
  /** Folder of the Unix socket, for `host` of a connection. */
  readonly socket: string;
  readonly binaries: Binaries;
  /** Says that this process is done with it; the last living user stops the server. */
  release(): Promise<void>;
}

interface Layout {
  readonly root: string;
  readonly cluster: string;
  readonly users: string;
  readonly lock: string;
  readonly log: string;
  readonly runtime: string;
}

function layoutOf(dataDirectory: string): Layout {
  const root = join(dataDirectory, 'postgres');
  return {
    root,
    cluster: join(root, 'cluster'),
    users: join(root, 'users'),
    lock: join(root, 'lock'),
    log: join(root, 'server.log'),
    runtime: join(root, 'runtime'),
  };
}

function asServerUser(): { uid?: number; gid?: number } {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {};
}

/**
 * Joins the server of `dataDirectory`, starting it when it does not run. Several processes may use it at once; each is
 * counted by a file under `users/`, and files of dead processes do not count.
 * Errors: postgres-missing, postgres-start-failed, data-unreachable.
 */
export async function useServer(dataDirectory: string, only?: Flavour): Promise<ServerUse> {
  const layout = layoutOf(dataDirectory);
  await mkdir(layout.users, { recursive: true });
  await requireReachable(dataDirectory, layout.root);
  const user = join(layout.users, `${process.pid}-${Math.random().toString(36).slice(2, 8)}`);
  const { socket, binaries } = await withLock(layout.lock, LOCK_WAIT_MS, async () => {
    await dropDeadUsers(layout.users);
    const binaries = await findBinaries(layout.cluster, layout.runtime, only);
    if (!(await exists(join(layout.cluster, 'PG_VERSION')))) await initialise(layout, binaries);
    const socket = await socketFolder(layout);
    if ((await postmaster(layout)) === undefined) await start(layout, binaries, socket);
    await writeFile(user, formatIdentity(self()));
    return { socket, binaries };
  });
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    await withLock(layout.lock, LOCK_WAIT_MS, async () => {
      await rm(user, { force: true });
      if ((await dropDeadUsers(layout.users)) === 0) await stop(layout);
    });
  };
  return { socket, binaries, release };
}

/** Opens the data directory itself, which is ours, for the server's user to enter (not to read); no folder above it. */
async function requireReachable(dataDirectory: string, root: string): Promise<void> {
  if (!isRoot()) return;
  for (const own of [dataDirectory, root]) await chmod(own, ((await stat(own)).mode & 0o777) | 0o001);
  const closed = await firstClosedFolder(root);
  if (closed === undefined) return;
  throw new StoreError('data-unreachable', 'input', {
    what: 'the database does not run as root, and its user cannot enter this folder',
    where: closed,
    remedy: `choose another data directory with --data, or run: chmod o+x ${closed}`,
  });
}

/** Removes the files of users that are dead; returns how many living ones are left. */
async function dropDeadUsers(folder: string): Promise<number> {
  let living = 0;
  for (const name of await readdir(folder)) {
    const identity = parseIdentity(await readFile(join(folder, name), 'utf8').catch(() => ''));
    if (identity && isAlive(identity)) living += 1;
    else await rm(join(folder, name), { force: true });
  }
  return living;
}

async function initialise(layout: Layout, binaries: Binaries): Promise<void> {
  await rm(layout.cluster, { recursive: true, force: true });
  const temporary = `${layout.cluster}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { mode: 0o700 });
  if (isRoot()) await chown(temporary, NOBODY, NOBODY);
  const options = [
    '--username',
    SUPERUSER,
    '--auth',
    'trust',
    '--encoding',
    'UTF8',
    '--no-locale',
    '--pgdata',
    temporary,
  ];
  try {
    await run(join(binaries.bin, 'initdb'), options, {
      cwd: '/',
      env: plainEnvironment(),
      ...asServerUser(),
      timeoutMs: START_TIMEOUT_MS,
    });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw new StoreError('postgres-start-failed', 'toolchain', {
      what: 'the database directory could not be made',
      where: layout.cluster,
      remedy: 'check the free space and the permissions of the data directory',
      cause: error,
    });
  }
  // The rename makes it whole: a cluster that has PG_VERSION was initialised to the end.
  await run('mv', [temporary, layout.cluster]);
}

/** A socket path may be 107 bytes long: a deep data directory gets a short private folder under /tmp, and remembers it. */
async function socketFolder(layout: Layout): Promise<string> {
  const own = join(layout.root, 'socket');
  const fits = Buffer.byteLength(own + SOCKET_NAME) <= SOCKET_LIMIT;
  if (fits) {
    await mkdir(own, { recursive: true, mode: 0o700 });
    if (isRoot()) await chown(own, NOBODY, NOBODY);
    return own;
  }
  const note = join(layout.root, 'socket-folder');
  const kept = await readFile(note, 'utf8').catch(() => '');
  if (kept !== '' && (await exists(kept))) return kept;
  const made = await mkdtemp('/tmp/tuxtape-pg-');
  if (isRoot()) await chown(made, NOBODY, NOBODY);
  await writeFile(note, made);
  return made;
}

/** Process number of the running server, or undefined: no pid file, or one left by a server that was killed. */
async function postmaster(layout: Layout): Promise<number | undefined> {
  const text = await readFile(join(layout.cluster, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const pid = Number(text?.split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0 || identify(pid) === undefined) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('postgres') ? pid : undefined;
}

async function start(layout: Layout, binaries: Binaries, socket: string): Promise<void> {
  const settings = [
    ...['-D', layout.cluster, '-k', socket, '-h', ''],
    ...[
      '-c',
      'unix_socket_permissions=0700',
      '-c',
      'shared_buffers=128MB',
      '-c',
      'max_connections=60',
      '-c',
      'log_min_messages=warning',
    ],
  ];
  const deadline = performance.now() + START_TIMEOUT_MS;
  // Backends orphaned by a kill -9 of the server hold its shared memory for a moment: the start is tried again.
  for (;;) {
    await writeFile(layout.log, '');
    if (isRoot()) await chown(layout.log, NOBODY, NOBODY);
    const pid = startDaemon(join(binaries.bin, 'postgres'), settings, { cwd: '/', log: layout.log, ...asServerUser() });
    if (pid !== undefined && (await becomesReady(layout, pid, deadline))) return;
    const log = await readFile(layout.log, 'utf8').catch(() => '');
    const orphans = /shared memory block .* still in use|lock file .* already exists/.test(log);
    if (!orphans || performance.now() > deadline) throw startFailed(layout, log);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** The eighth line of postmaster.pid says "ready" once connections are accepted (PostgreSQL miscadmin.h, LOCK_FILE_LINE_PM_STATUS). */
async function becomesReady(layout: Layout, pid: number, deadline: number): Promise<boolean> {
  while (identify(pid) !== undefined && performance.now() < deadline) {
    const lines = (await readFile(join(layout.cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (lines[0] === String(pid) && lines[7]?.trim() === 'ready') return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

function startFailed(layout: Layout, log: string): StoreError {
  const reason =
    log.split('\n').find((line) => /FATAL|PANIC|ERROR|error while loading/.test(line)) ?? 'it printed no reason';
  return new StoreError('postgres-start-failed', 'toolchain', {
    what: `the database did not start: ${reason.slice(0, 300)}`,
    where: layout.log,
    remedy: 'read the log named above; the data was not touched',
  });
}

/** Fast shutdown (SIGINT): open transactions are rolled back, everything committed is on disk. */
async function stop(layout: Layout): Promise<void> {
  const pid = await postmaster(layout);
  if (pid === undefined) return;
  signalProcess(pid, 'SIGINT');
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (identify(pid) !== undefined && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
