import { type Kysely, sql } from 'kysely';
import { sha256 } from '#host';
import { StoreError } from './error.ts';
import { type Migration, migrations } from './migrations/index.ts';
import type { DB } from './schema.ts';

/** Any fixed number: processes that start at once migrate one after the other. */
const LOCK_KEY = 7_368_421;

export interface MigrationState {
  readonly version: number;
  readonly name: string;
  readonly appliedAt: Date | null;
}

/**
 * Brings the database to this program's version, each migration in a transaction of its own.
 * Errors: database-newer (a later TuxTape wrote it), migration-changed (an applied file was edited), migration-failed.
 */
export async function migrate(db: Kysely<DB>, list: readonly Migration[] = migrations): Promise<number> {
  return db.connection().execute(async (connection) => {
    await sql`SELECT pg_advisory_lock(${LOCK_KEY})`.execute(connection);
    try {
      await createTable(connection);
      const applied = await appliedMigrations(connection);
      check(applied, list);
      const wanted = list.filter(({ version }) => !applied.has(version));
      for (const migration of wanted) await apply(connection, migration);
      return wanted.length;
    } finally {
      // Where this fails the connection is lost, and the lock with it: the first error is the one to tell.
      await sql`SELECT pg_advisory_unlock(${LOCK_KEY})`.execute(connection).catch(() => undefined);
    }
  });
}

async function createTable(db: Kysely<DB>): Promise<void> {
  try {
    await sql`
      CREATE TABLE IF NOT EXISTS schema_migration (
        version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now())`.execute(db);
  } catch (error) {
    throw new StoreError('migration-failed', 'input', {
      what: 'the database user may not make tables',
      remedy: 'let DATABASE_URL name the owner of a database of its own',
      cause: error,
    });
  }
}

export interface DatabaseState {
  readonly name: string;
  readonly bytes: number;
  readonly migrations: readonly MigrationState[];
}

/** Size and migrations of the open database. */
export async function databaseState(db: Kysely<DB>): Promise<DatabaseState> {
  const { rows } = await sql<{ name: string; bytes: number }>`
    SELECT current_database() AS name, pg_database_size(current_database()) AS bytes`.execute(db);
  const applied = await appliedMigrations(db);
  return {
    name: rows[0]!.name,
    bytes: rows[0]!.bytes,
    migrations: migrations.map(({ version, name }) => ({
      version,
      name,
      appliedAt: applied.get(version)?.applied_at ?? null,
    })),
  };
}

interface AppliedMigration {
  readonly name: string;
  readonly sha256: string;
  readonly applied_at: Date;
}

async function appliedMigrations(db: Kysely<DB>): Promise<Map<number, AppliedMigration>> {
  const rows = await db.selectFrom('schema_migration').selectAll().orderBy('version').execute();
  return new Map(rows.map((row) => [row.version, row]));
}

function check(applied: ReadonlyMap<number, AppliedMigration>, list: readonly Migration[]): void {
  const known = new Map(list.map((migration) => [migration.version, migration]));
  for (const [version, row] of applied) {
    const migration = known.get(version);
    if (!migration) {
      throw new StoreError('database-newer', 'input', {
        what: `the database has migration ${row.name}, which this TuxTape does not know`,
        remedy: 'use the TuxTape version that wrote it, or a newer one; nothing was changed',
      });
    }
    if (sha256(migration.sql) !== row.sha256) {
      throw new StoreError('migration-changed', 'us', {
        what: `migration ${row.name} is not the one this database was made with`,
        remedy: 'an applied migration must never be edited: restore the file and add a new one',
      });
    }
  }
}

async function apply(db: Kysely<DB>, { version, name, sql: text }: Migration): Promise<void> {
  try {
    await db.transaction().execute(async (tx) => {
      await sql.raw(text).execute(tx);
      await tx
        .insertInto('schema_migration')
        .values({ version, name, sha256: sha256(text) })
        .execute();
    });
  } catch (error) {
    throw new StoreError('migration-failed', 'us', {
      what: `migration ${name} failed; it was rolled back`,
      where: name,
      cause: error,
    });
  }
}
