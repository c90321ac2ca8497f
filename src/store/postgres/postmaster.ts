import { chown, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, identify, isRoot, makeFolders, signalProcess, startDaemon } from '#host';
import { StoreError } from '../error.ts';
import type { Binaries } from './binaries.ts';
import { isPrivate, type Layout, type ServerUser } from './layout.ts';

const SOCKET_LIMIT = 107; // sun_path of unix(7), less the final zero
const SOCKET_NAME = '.s.PGSQL.5432';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
const RETRY_MS = 300;

/** The server's main process, and the folder of its Unix socket. */
export interface Postmaster {
  readonly pid: number;
  readonly socket: string;
}

/**
 * The server that runs on this cluster, or undefined: none, or one that is ending. Waits for one that is starting.
 * Reads postmaster.pid (PostgreSQL pidfile.h): line 1 pid, line 5 socket folder, line 8 state.
 */
export async function findPostmaster(layout: Layout, user: ServerUser): Promise<Postmaster | undefined> {
  const pid = await livingPid(layout);
  if (pid === undefined || !(await becomesReady(layout, pid, performance.now() + START_TIMEOUT_MS))) return undefined;
  const socket = (await pidFile(layout))[4]?.trim() ?? '';
  if (isPrivate(socket, user) && (await exists(join(socket, SOCKET_NAME)))) return { pid, socket };
  // Somebody cleared the folder away: nobody can connect any more.
  await stopPostmaster(layout);
  return undefined;
}

async function pidFile(layout: Layout): Promise<string[]> {
  return (await readFile(join(layout.cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
}

/** Process number of the server, or undefined: no pid file, or one left by a server that was killed. */
async function livingPid(layout: Layout): Promise<number | undefined> {
  const pid = Number((await pidFile(layout))[0]);
  if (!Number.isInteger(pid) || pid <= 0 || identify(pid) === undefined) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0').includes(layout.cluster) ? pid : undefined;
}

/** False when the process ends, or is not ready at the deadline. */
async function becomesReady(layout: Layout, pid: number, deadline: number): Promise<boolean> {
  while (identify(pid) !== undefined && performance.now() < deadline) {
    const lines = await pidFile(layout);
    if (lines[0] === String(pid) && lines[7]?.trim() === 'ready') return true;
    await sleep(POLL_MS);
  }
  return false;
}

/**
 * Starts the server and waits until it takes connections. Backends orphaned by a kill -9 of the server hold its shared
 * memory for a moment: then the start is tried again. Errors: postgres-start-failed.
 */
export async function startPostmaster(layout: Layout, user: ServerUser, binaries: Binaries): Promise<Postmaster> {
  const socket = await socketFolder(layout, user);
  const settings = {
    unix_socket_permissions: '0700',
    shared_buffers: '128MB',
    max_connections: '60',
    log_min_messages: 'warning',
  };
  const args = [
    ...['-D', layout.cluster, '-k', socket, '-h', '', '-p', '5432'],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    await writeFile(layout.log, '', { mode: 0o600 });
    if (isRoot()) await chown(layout.log, user.uid, user.gid);
    const pid = startDaemon(join(binaries.bin, 'postgres'), args, {
      cwd: '/',
      log: layout.log,
      ...(isRoot() ? user : {}),
    });
    if (pid !== undefined && (await becomesReady(layout, pid, deadline))) return { pid, socket };
    const log = await readFile(layout.log, 'utf8').catch(() => '');
    const held = /shared memory block .* still in use|lock file .* already exists/.test(log);
    if (!held || performance.now() > deadline) throw startFailed(layout, log);
    await sleep(RETRY_MS);
  }
}

/**
 * A folder that only the server's user may enter: who can open the socket is trusted. A socket path may be 107 bytes
 * long, so a deep data directory gets a short folder under /tmp.
 */
async function socketFolder(layout: Layout, user: ServerUser): Promise<string> {
  const own = join(layout.root, 'socket');
  const short = Buffer.byteLength(join(own, SOCKET_NAME)) <= SOCKET_LIMIT;
  if (short) await makeFolders(own, 0o700);
  const note = join(layout.root, 'socket-folder');
  const kept = short ? own : await readFile(note, 'utf8').catch(() => '');
  if (kept !== '' && isPrivate(kept, user)) return kept;
  const folder = short ? own : await mkdtemp('/tmp/tuxtape-pg-');
  if (isRoot()) await chown(folder, user.uid, user.gid);
  if (!isPrivate(folder, user)) {
    throw new StoreError('data-unreachable', 'input', {
      what: 'the folder of the database socket must belong to the user of the database, and be closed to others',
      where: folder,
      remedy: 'remove this folder; it is made again',
    });
  }
  if (!short) await writeFile(note, folder);
  return folder;
}

function startFailed(layout: Layout, log: string): StoreError {
  const reason = log.split('\n').find((line) => /FATAL|PANIC|ERROR|error while loading/.test(line));
  return new StoreError('postgres-start-failed', 'toolchain', {
    what: `the database did not start: ${reason?.slice(0, 300) ?? 'it printed no reason'}`,
    where: layout.log,
    remedy: 'read the log named above; the data was not touched',
  });
}

/**
 * Fast shutdown (SIGINT): open transactions are rolled back, everything committed is on disk. Where that takes too long,
 * immediate shutdown (SIGQUIT): the next start replays the log, nothing committed is lost.
 */
export async function stopPostmaster(layout: Layout): Promise<void> {
  const pid = await livingPid(layout);
  if (pid === undefined) return;
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    signalProcess(pid, signal);
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (identify(pid) !== undefined && performance.now() < deadline) await sleep(POLL_MS);
    if (identify(pid) === undefined) return;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
