import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import {
  exists,
  formatIdentity,
  isAlive,
  isRoot,
  makeFolders,
  parseIdentity,
  plainEnvironment,
  run,
  self,
  syncFolder,
  withLock,
} from '#host';
import { StoreError } from '../error.ts';
import { type Binaries, type Flavour, findBinaries, firstClosedFolder } from './binaries.ts';
import { type Layout, layoutOf, serverUser } from './layout.ts';
import { findPostmaster, startPostmaster, stopPostmaster } from './postmaster.ts';

const INITDB_TIMEOUT_MS = 120_000;
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

/**
 * Joins the server of `dataDirectory`, starting it when it does not run. Several processes may use it at once; each is
 * counted by a file under `users/`, and files of dead processes do not count.
 * Errors: postgres-missing, postgres-start-failed, data-unreachable.
 */
export async function useServer(dataDirectory: string, only?: Flavour): Promise<ServerUse> {
  const layout = await prepareFolders(dataDirectory);
  const use = join(layout.users, `${process.pid}-${randomUUID().slice(0, 8)}`);
  const { socket, binaries } = await withLock(layout.lock, LOCK_WAIT_MS, async () => {
    await dropDeadUsers(layout.users);
    const binaries = await findBinaries(layout.cluster, layout.runtime, only);
    if (!(await exists(join(layout.cluster, 'PG_VERSION')))) await initialise(layout, binaries);
    const user = serverUser(layout);
    const { socket } = (await findPostmaster(layout, user)) ?? (await startPostmaster(layout, user, binaries));
    await writeFile(use, formatIdentity(self()));
    return { socket, binaries };
  });
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    await withLock(layout.lock, LOCK_WAIT_MS, async () => {
      await rm(use, { force: true });
      if ((await dropDeadUsers(layout.users)) === 0) await stopPostmaster(layout);
    });
  };
  return { socket, binaries, release };
}

async function prepareFolders(dataDirectory: string): Promise<Layout> {
  try {
    await makeFolders(layoutOf(dataDirectory).users);
  } catch (error) {
    throw new StoreError('data-unreachable', 'input', {
      what: 'the folder of the database cannot be made in this data directory',
      where: dataDirectory,
      remedy: 'choose another data directory with --data or TUXTAPE_DATA, or check its permissions',
      cause: error,
    });
  }
  // One name for one folder: the server's command line is compared with it.
  const layout = layoutOf(await realpath(dataDirectory));
  if (isRoot()) await openForServer(layout);
  const mine = await access(layout.users, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (mine) return layout;
  throw new StoreError('data-unreachable', 'input', {
    what: 'this data directory belongs to another user',
    where: layout.users,
    remedy: 'run the command as that user, or choose another data directory with --data',
  });
}

/** Opens the data directory itself, which is ours, for the server's user to enter (not to read); no folder above it. */
async function openForServer(layout: Layout): Promise<void> {
  for (const own of [join(layout.root, '..'), layout.root]) {
    const mode = (await stat(own)).mode & 0o7777;
    if ((mode & 0o001) === 0) await chmod(own, mode | 0o001);
  }
  const closed = await firstClosedFolder(layout.root);
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

/** Makes the cluster beside its place and renames it in: one that is there was made to the end. */
async function initialise(layout: Layout, binaries: Binaries): Promise<void> {
  if (await exists(layout.cluster)) {
    throw new StoreError('postgres-start-failed', 'toolchain', {
      what: 'the folder of the database is damaged: it has no PG_VERSION',
      where: layout.cluster,
      remedy: 'restore it from a backup, or move it away to begin with an empty database',
    });
  }
  const temporary = `${layout.cluster}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { mode: 0o700 });
  const user = serverUser(layout);
  if (isRoot()) await chown(temporary, user.uid, user.gid);
  const options = [
    ...['--username', SUPERUSER, '--auth', 'trust', '--encoding', 'UTF8', '--no-locale', '--data-checksums'],
    ...['--pgdata', temporary],
  ];
  try {
    await run(join(binaries.bin, 'initdb'), options, {
      cwd: '/',
      env: plainEnvironment(),
      ...(isRoot() ? user : {}),
      timeoutMs: INITDB_TIMEOUT_MS,
    });
    await rename(temporary, layout.cluster);
    await syncFolder(layout.root);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw new StoreError('postgres-start-failed', 'toolchain', {
      what: 'the database directory could not be made',
      where: layout.cluster,
      remedy: 'check the free space and the permissions of the data directory',
      cause: error,
    });
  }
}
