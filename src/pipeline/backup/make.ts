import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Clock } from '#host';
import { exists, fromErrno, sha256File, writeOutput } from '#host';
import { addAudit, type Snapshot, type Store, withSnapshot } from '#store';
import { sealed } from './chunks.ts';
import { type NewEntry, packed } from './entries.ts';
import { BackupError } from './error.ts';
import { isPath, type Manifest } from './manifest.ts';

/** The file holds hashes of tokens, and modules: its owner alone reads it. */
const FILE_MODE = 0o600;

export interface BackupOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  readonly file: string;
  /** Null: not encrypted, and then without private keys. */
  readonly passphrase: string | null;
  readonly withKeys: boolean;
  readonly program: string;
  readonly by: string;
  readonly clock: Clock;
  readonly onEntry?: (name: string) => void;
}

export interface BackupResult {
  readonly file: string;
  readonly sha256: string;
  readonly manifest: Manifest;
}

/**
 * Writes everything that cannot be made again into one file: the database at one moment, and the files of the livepatches in it; private
 * keys only encrypted. The file is there whole, under its name, or not at all. Errors: passphrase-wanted, passphrase-weak,
 * livepatch-changed, file-missing, disk-full.
 */
export async function backup(options: BackupOptions): Promise<BackupResult> {
  const { store, file, passphrase, withKeys, clock, by } = options;
  if (withKeys && passphrase === null)
    throw new BackupError('passphrase-wanted', 'input', {
      what: 'private keys leave this machine only encrypted',
      remedy: 'name a file with a passphrase: --passphrase-file FILE',
    });
  const manifest = await withSnapshot(store, async (snapshot) => {
    let made: Manifest | undefined;
    const [keys, missing] = [await keyFiles(options), [] as string[]];
    const describe = (entries: Manifest['entries']): Manifest => {
      made = manifestOf(options, snapshot, { entries, keys, missing });
      return made;
    };
    const content = packed(entriesOf(options, snapshot, keys, missing), (entries) => describe([...entries]));
    await writeOutput(file, sealed(content, passphrase), FILE_MODE);
    return made!;
  });
  const hash = await sha256File(file);
  const detail = { sha256: hash, at: manifest.at, withKeys, encrypted: passphrase !== null };
  await addAudit(store.db, {
    at: clock.now(),
    actor: by,
    action: 'backup.make',
    subject: manifest.installation.id,
    detail,
  });
  return { file, sha256: hash, manifest };
}

function manifestOf(
  { dataDirectory, program, withKeys, store }: BackupOptions,
  { at, tables, sequences, migrations, installation }: Snapshot,
  { entries, keys, missing }: { entries: Manifest['entries']; keys: readonly string[]; missing: string[] },
): Manifest {
  return {
    ...{ version: 1, program, at: at.toISOString(), server: store.server, dataDirectory },
    installation: { id: installation.id, epoch: installation.epoch },
    migrations: migrations.map(({ version, name, sha256 }) => ({ version, name, sha256 })),
    tables: tables.map(({ name, columns }) => ({ name, columns: [...columns] })),
    sequences: sequences.map(({ table, column, last }) => ({ table, column, last })),
    ...{ entries, keys: { included: withKeys, names: [...keys] }, missing },
  };
}

/** Files come first: when the tables are read, everything is there that they name. */
async function* entriesOf(
  options: BackupOptions,
  snapshot: Snapshot,
  keys: readonly string[],
  missing: string[],
): AsyncGenerator<NewEntry> {
  const { dataDirectory, withKeys, onEntry } = options;
  for (const livepatch of snapshot.livepatches) {
    const paths = await livepatchFiles(dataDirectory, livepatch);
    if (paths === null) missing.push(livepatch.id);
    else for (const path of paths) yield fileEntry(dataDirectory, path);
  }
  if (withKeys) for (const path of keys) yield fileEntry(dataDirectory, path);
  for (const table of snapshot.tables) {
    onEntry?.(table.name);
    yield { kind: 'table', name: table.name, content: snapshot.rows(table) };
  }
}

function fileEntry(dataDirectory: string, path: string): NewEntry {
  return { kind: 'file', name: path, content: contentOf(join(dataDirectory, path)) };
}

async function* contentOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (error) {
    throw fromErrno(error, path, 'read the file');
  }
}

/** Paths below the data directory; null: its folder is elsewhere or gone. Errors: livepatch-changed. */
async function livepatchFiles(
  dataDirectory: string,
  { id, directory, moduleSha256 }: Snapshot['livepatches'][number],
): Promise<string[] | null> {
  const folder = relative(dataDirectory, directory);
  if (!isPath(folder) || !(await exists(directory))) return null;
  if ((await sha256File(join(directory, 'module.ko'))) !== moduleSha256)
    throw new BackupError('livepatch-changed', 'input', {
      what: 'the module of a livepatch is not the one in the database',
      where: id,
      remedy: 'if it was signed while this ran, run it again; else find out who writes there',
    });
  return filesBelow(dataDirectory, folder);
}

async function keyFiles({ dataDirectory }: BackupOptions): Promise<string[]> {
  return (await exists(join(dataDirectory, 'keys'))) ? filesBelow(dataDirectory, 'keys') : [];
}

/** Plain files, in order; links are not followed. A name that is none of ours (an editor's, a temporary one) is left. */
async function filesBelow(dataDirectory: string, folder: string): Promise<string[]> {
  const found = await readdir(join(dataDirectory, folder), { withFileTypes: true, recursive: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dataDirectory, join(entry.parentPath, entry.name)))
    .filter(isPath)
    .toSorted();
}
