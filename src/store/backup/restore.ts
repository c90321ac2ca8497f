import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { sha256 } from '#host';
import { StoreError } from '../error.ts';
import { type Migration, migrations } from '../migrations/index.ts';
import type { AppliedMigration } from './snapshot.ts';
import { COPY_SETTINGS, type CopiedTable, copiedTables, quoted, SEEDED_TABLES, type SequenceState } from './tables.ts';

/** What a backup says of the database that it is of. */
export interface RestoredDatabase {
  readonly migrations: readonly AppliedMigration[];
  readonly tables: readonly CopiedTable[];
  readonly sequences: readonly SequenceState[];
  /** Paths below `from` lie below `to` here. */
  readonly moved: { readonly from: string; readonly to: string };
  readonly at: Date;
}

/** Rows of the tables, in the order in which the backup has them. */
export type RestoredRows = AsyncIterable<{ readonly table: string; readonly rows: AsyncIterable<Buffer> }>;

/**
 * The migrations that the backup's database had. Errors: backup-newer (a later TuxTape wrote it), migration-changed.
 */
export function migrationsOf(applied: readonly AppliedMigration[]): Migration[] {
  return applied.map(({ version, name, sha256: hash }) => {
    const known = migrations.find((migration) => migration.version === version);
    if (known === undefined || known.name !== name)
      throw new StoreError('backup-newer', 'input', {
        what: `the backup has migration ${name}, which this TuxTape does not know`,
        remedy: 'restore it with the TuxTape version that made it, or a newer one; nothing was changed',
      });
    if (sha256(known.sql) === hash) return known;
    throw new StoreError('migration-changed', 'us', {
      what: `migration ${name} is not the one this backup's database was made with`,
      remedy: 'restore it with a released version of TuxTape; nothing was changed',
    });
  });
}

/**
 * Makes the tables as they were and fills them, all in one transaction: after an error the database is as empty as before. The epoch
 * rises. Errors: database-not-empty, database-in-use, backup-invalid, and those of `migrationsOf`.
 */
export async function restoreDatabase(
  client: ClientBase,
  database: RestoredDatabase,
  rows: RestoredRows,
): Promise<{ epoch: number }> {
  const wanted = migrationsOf(database.migrations);
  await client.query('BEGIN');
  try {
    await client.query(COPY_SETTINGS);
    await requireEmpty(client);
    await dropOurs(client);
    await makeTables(client, wanted);
    await fill(client, database, rows);
    const epoch = await settle(client, database);
    await client.query('COMMIT');
    return { epoch };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function requireEmpty(client: ClientBase): Promise<void> {
  const { rows: others } = await client.query<{ n: number }>(`
    SELECT count(*)::integer AS n FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`);
  if (others[0]!.n > 0)
    throw new StoreError('database-in-use', 'input', {
      what: `${others[0]!.n} other connections use this database`,
      remedy: 'stop the server and every other tuxtape that uses it; nothing was changed',
    });
  for (const { name } of await copiedTables(client)) {
    if (SEEDED_TABLES.has(name)) continue;
    const { rowCount } = await client.query(`SELECT 1 FROM ${quoted(name)} LIMIT 1`);
    if (rowCount !== 0)
      throw new StoreError('database-not-empty', 'input', {
        what: `the database is not empty: ${name} has rows`,
        remedy: 'restore into a new data directory, or a new database; nothing was changed',
      });
  }
}

/** Empty tables and functions of this or another version: those of the backup's version take their place. */
async function dropOurs(client: ClientBase): Promise<void> {
  for (const { name } of await copiedTables(client)) await client.query(`DROP TABLE ${quoted(name)} CASCADE`);
  const { rows } = await client.query<{ signature: string }>(`
    SELECT p.oid::regprocedure::text AS signature FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND pg_get_userbyid(p.proowner) = current_user
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`);
  for (const { signature } of rows) await client.query(`DROP FUNCTION ${signature} CASCADE`);
}

async function makeTables(client: ClientBase, wanted: readonly Migration[]): Promise<void> {
  await client.query(`
    CREATE TABLE schema_migration (
      version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now())`);
  for (const { sql } of wanted) await client.query(sql);
}

async function fill(client: ClientBase, { tables }: RestoredDatabase, given: RestoredRows): Promise<void> {
  const here = new Map((await copiedTables(client)).map((table) => [table.name, new Set(table.columns)]));
  const wanted = new Map(tables.map((table) => [table.name, table]));
  const isSame = tables.length === here.size && tables.every(({ name }) => here.has(name));
  const columns = tables.find((table) => {
    const own = here.get(table.name);
    return own?.size !== table.columns.length || !table.columns.every((column) => own.has(column));
  });
  if (!isSame || columns !== undefined) throw invalid(`its tables are not those of its version`, columns?.name);
  // Rows come as they were: nothing is told, checked or computed by triggers of ours. References are checked all the same.
  for (const { name } of tables) await client.query(`ALTER TABLE ${quoted(name)} DISABLE TRIGGER USER`);
  for (const name of SEEDED_TABLES) if (here.has(name)) await client.query(`DELETE FROM ${quoted(name)}`);
  for await (const { table, rows } of given) {
    const found = wanted.get(table);
    if (found === undefined) throw invalid('it has rows of a table twice, or of none', table);
    wanted.delete(table);
    await copyIn(client, found, rows);
  }
  if (wanted.size > 0) throw invalid('rows of a table are missing', [...wanted.keys()].join(', '));
  for (const { name } of tables) await client.query(`ALTER TABLE ${quoted(name)} ENABLE TRIGGER USER`);
}

async function copyIn(client: ClientBase, { name, columns }: CopiedTable, rows: AsyncIterable<Buffer>): Promise<void> {
  const text = `COPY ${quoted(name)} (${columns.map(quoted).join(', ')}) FROM STDIN`;
  try {
    await pipeline(Readable.from(rows, { objectMode: false }), client.query(copyFrom(text)));
  } catch (error) {
    throw error instanceof StoreError || !(error instanceof Error && 'severity' in error)
      ? error
      : invalid(`its rows do not fit: ${error.message}`, name, error);
  }
}

/** Sequences go on where they were, paths are those of this machine, the epoch rises. */
async function settle(client: ClientBase, { sequences, moved, at }: RestoredDatabase): Promise<number> {
  for (const { table, column, last } of sequences) {
    // What was handed out, and what is there: neither may come again.
    await client.query(
      `SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, max(${quoted(column)})::bigint))
       FROM ${quoted(table)} HAVING $3::bigint IS NOT NULL OR max(${quoted(column)}) IS NOT NULL`,
      [quoted(table), column, last],
    );
  }
  const moves = [
    ['livepatch', 'directory'],
    ['kernel', 'tree_directory'],
    ['kernel', 'source_directory'],
  ] as const;
  for (const [table, column] of moves)
    await client.query(
      `UPDATE ${table} SET ${column} = $2::text || substr(${column}, length($1::text) + 1)
       WHERE starts_with(${column}, $1::text || '/')`,
      [moved.from, moved.to],
    );
  const { rows } = await client.query<{ epoch: string }>(
    `UPDATE installation SET restored_at = $1::timestamptz,
       epoch = greatest(epoch + 1, extract(epoch FROM $1::timestamptz)::bigint) RETURNING epoch::text AS epoch`,
    [at],
  );
  if (rows.length !== 1) throw invalid('it does not say of which installation it is', 'installation');
  return Number(rows[0]!.epoch);
}

function invalid(what: string, where?: string, cause?: unknown): StoreError {
  return new StoreError('backup-invalid', 'untrusted', {
    ...{ what, where, cause },
    remedy: 'nothing was changed; use another backup',
  });
}
