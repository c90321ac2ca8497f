import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '#host';
import { errno, makeFolders, syncFolder, writeAtomic } from '#host';
import { addAudit, openStore, restoreDatabase, type StoreOptions, withClient } from '#store';
import { unsealed } from './chunks.ts';
import { Unpacking } from './entries.ts';
import { BackupError, damaged } from './error.ts';
import type { Manifest } from './manifest.ts';

const FOLDERS = ['livepatches', 'keys'] as const;

export interface RestoreOptions extends StoreOptions {
  readonly file: string;
  readonly passphrase: string | null;
  readonly by: string;
  readonly clock: Clock;
  readonly onEntry?: (name: string) => void;
}

export interface RestoreResult {
  readonly manifest: Manifest;
  readonly epoch: number;
  /** Migrations that came after the backup and were applied to it. */
  readonly migrated: number;
}

/** Reads a backup from its beginning to its end: every hash in it, and its manifest. Errors: those of `unsealed` and `Unpacking`. */
export async function checkBackup(file: string, passphrase: string | null): Promise<Manifest> {
  const reading = new Unpacking(unsealed(file, passphrase));
  for await (const _ of reading.entries());
  const { manifest } = reading;
  const names = new Set(manifest.entries.map(({ kind, name }) => `${kind} ${name}`));
  if (names.size !== manifest.entries.length) throw damaged('it has an entry twice', file);
  return manifest;
}

/**
 * Puts a backup into an empty database and an empty data directory. The whole file is verified before anything is written; then all of it is
 * there, or nothing. Errors: those of `checkBackup`, `restoreDatabase` and `withClient`; folder-not-empty.
 */
export async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { file, passphrase, dataDirectory, by, clock } = options;
  const manifest = await checkBackup(file, passphrase);
  for (const folder of FOLDERS) await requireEmptyFolder(join(dataDirectory, folder));
  await makeFolders(dataDirectory);
  const staging = join(dataDirectory, `.restore-${randomUUID()}`);
  try {
    await mkdir(staging, { mode: 0o700 });
    const epoch = await fillDatabase(options, manifest, staging);
    const store = await openStore(options);
    try {
      const detail = { of: manifest.at, epoch, migrated: store.migrated };
      const subject = manifest.installation.id;
      await addAudit(store.db, { at: clock.now(), actor: by, action: 'backup.restore', subject, detail });
      return { manifest, epoch, migrated: store.migrated };
    } finally {
      await store.close();
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function fillDatabase(options: RestoreOptions, manifest: Manifest, staging: string): Promise<number> {
  const { dataDirectory, clock } = options;
  const { migrations, tables, sequences } = manifest;
  const placed: string[] = [];
  try {
    const { epoch } = await withClient(options, (client) => {
      const moved = { from: manifest.dataDirectory, to: dataDirectory };
      const database = { migrations, tables, sequences, moved, at: clock.now() };
      return restoreDatabase(client, database, rowsOf(options, manifest, staging, placed));
    });
    return epoch;
  } catch (error) {
    // The database has nothing of it: neither have the folders, which were empty before.
    for (const folder of placed) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function requireEmptyFolder(path: string): Promise<void> {
  const found = await readdir(path).catch((error: unknown) => {
    if (errno(error) === 'ENOENT') return [];
    throw error;
  });
  if (found.length === 0) return;
  throw new BackupError('folder-not-empty', 'input', {
    what: 'there are files where those of the backup go',
    where: path,
    remedy: 'restore into a new data directory (--data), or move the folder away; nothing was changed',
  });
}

/**
 * The tables, one after the other; files are staged on the way. When all that was read is once more what was verified, the files go to
 * their place: the last thing before the database commits.
 */
async function* rowsOf(
  { file, passphrase, dataDirectory, onEntry }: RestoreOptions,
  { entries }: Manifest,
  staging: string,
  placed: string[],
): AsyncGenerator<{ table: string; rows: AsyncIterable<Buffer> }> {
  const reading = new Unpacking(unsealed(file, passphrase));
  for await (const { kind, name, content } of reading.entries()) {
    if (kind === 'file') await stage(staging, name, content);
    else {
      onEntry?.(name);
      yield { table: name, rows: content };
    }
  }
  const same = JSON.stringify(reading.manifest.entries) === JSON.stringify(entries);
  if (!same) throw damaged('it was changed while it was restored', file);
  for (const folder of FOLDERS) {
    const to = join(dataDirectory, folder);
    if (await place(join(staging, folder), to)) placed.push(to);
  }
  await syncFolder(dataDirectory);
}

async function stage(staging: string, name: string, content: AsyncIterable<Buffer>): Promise<void> {
  const isKey = name.startsWith('keys/');
  await makeFolders(dirname(join(staging, name)), isKey ? 0o700 : 0o755);
  await writeAtomic(join(staging, name), content, isKey ? 0o600 : 0o644);
}

/** False: the backup has nothing for it. */
async function place(from: string, to: string): Promise<boolean> {
  try {
    // An empty folder that is there is replaced (rename(2)).
    await rename(from, to);
    return true;
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
    return false;
  }
}
