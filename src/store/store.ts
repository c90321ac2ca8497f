import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { StoreError } from './error.ts';
import { migrate } from './migrate.ts';
import type { Flavour } from './postgres/binaries.ts';
import { type ServerUse, SUPERUSER, useServer } from './postgres/server.ts';
import type { DB } from './schema.ts';

const LEAST_SERVER_VERSION = 150_000;
const POOL_SIZE = 8;
const CONNECT_TIMEOUT_MS = 10_000;
const INT8 = 20;

/** The database, or a transaction on it: every query function takes either. */
export type Db = Kysely<DB> | Transaction<DB>;

export interface Store {
  readonly db: Kysely<DB>;
  /** Which server this is, in words. */
  readonly server: string;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly dataDirectory: string;
  /** An external server; null: one of our own in the data directory. */
  readonly databaseUrl: string | null;
  /** Only for tests: which binaries our own server runs. */
  readonly flavour?: Flavour;
}

/**
 * Opens the store, starting our own PostgreSQL when no URL is given, and brings it to this program's version.
 * Errors: database-unreachable, database-too-old, database-newer, migration-*, and those of `useServer`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.databaseUrl !== null) return connect(options.databaseUrl);
  const use = await useServer(options.dataDirectory, options.flavour);
  try {
    await createDatabase(use);
    return await connect(ownUrl(use, 'tuxtape'), use);
  } catch (error) {
    await use.release();
    throw error;
  }
}

export async function inTransaction<T>(db: Db, body: (tx: Transaction<DB>) => Promise<T>): Promise<T> {
  return db.transaction().execute(body);
}

function ownUrl(use: ServerUse, database: string): string {
  return `postgresql://${SUPERUSER}@/${database}?host=${encodeURIComponent(use.socket)}`;
}

async function createDatabase(use: ServerUse): Promise<void> {
  const client = new pg.Client({ connectionString: ownUrl(use, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', ['tuxtape']);
    if (rowCount === 0) {
      await client.query('CREATE DATABASE tuxtape').catch((error: unknown) => {
        // 42P04 duplicate_database, 23505 unique_violation: another process was first.
        if (!(error instanceof pg.DatabaseError) || !['42P04', '23505'].includes(error.code ?? '')) throw error;
      });
    }
  } finally {
    await client.end();
  }
}

async function connect(url: string, use?: ServerUse): Promise<Store> {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8, Number);
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types,
  });
  pool.on('error', () => {}); // A lost idle connection is replaced; queries in flight report their own errors.
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  const close = async (): Promise<void> => {
    await db.destroy();
    await use?.release();
  };
  try {
    const server = await serverOf(db, use);
    await migrate(db);
    return { db, server, close };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function serverOf(db: Kysely<DB>, use: ServerUse | undefined): Promise<string> {
  let version: number;
  try {
    const { rows } = await sql<{ v: string }>`SELECT current_setting('server_version_num') AS v`.execute(db);
    version = Number(rows[0]?.v);
  } catch (error) {
    throw new StoreError('database-unreachable', 'network', {
      what: 'the database does not answer',
      where: use ? use.socket : 'DATABASE_URL',
      remedy: 'check that the server runs and that the address, user and password are right',
      cause: error,
    });
  }
  if (version < LEAST_SERVER_VERSION) {
    throw new StoreError('database-too-old', 'toolchain', {
      what: `PostgreSQL ${Math.floor(version / 10_000)} is too old, 15 is the least`,
      where: 'DATABASE_URL',
    });
  }
  return `PostgreSQL ${Math.floor(version / 10_000)}, ${use ? `our own (${use.binaries.flavour})` : 'external'}`;
}
