import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isRoot } from '#host';

/** `nobody` on Debian: PostgreSQL refuses to run as root, and its user must have a passwd entry. */
const NOBODY = 65_534;

/** Where the server of a data directory keeps what it has. */
export interface Layout {
  readonly root: string;
  /** PostgreSQL's own data directory. */
  readonly cluster: string;
  /** One file for each process that uses the server now. */
  readonly users: string;
  readonly lock: string;
  readonly log: string;
  /** A copy of the programs, where the server's user cannot reach the originals. */
  readonly runtime: string;
}

export function layoutOf(dataDirectory: string): Layout {
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

/** User and group the server runs as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** Ourselves; where we are root, the owner of the existing cluster, else `nobody`. */
export function serverUser(layout: Layout): ServerUser {
  const [uid, gid] = [process.getuid?.() ?? NOBODY, process.getgid?.() ?? NOBODY];
  if (!isRoot()) return { uid, gid };
  const owner = lstatSync(layout.cluster, { throwIfNoEntry: false });
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: NOBODY, gid: NOBODY };
}

/** Is it a folder of this user that nobody else may enter? Asked of a socket folder before anything in it is believed. */
export function isPrivate(folder: string, user: ServerUser): boolean {
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info !== undefined && info.isDirectory() && info.uid === user.uid && (info.mode & 0o077) === 0;
}
