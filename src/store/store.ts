import { Kysely, PostgresDialect, sql, Transaction } from 'kysely';
import pg from 'pg';
import { StoreError } from './error.ts';
import { listenFor, type StoreEvent } from './events.ts';
import { migrate } from './migrate.ts';
import { type Flavour, LEAST_MAJOR } from './postgres/binaries.ts';
import { type ServerUse, SUPERUSER, useServer } from './postgres/server.ts';
import type { DB } from './schema.ts';

const POOL_SIZE = 8;
const CONNECT_TIMEOUT_MS = 10_000;
const INT8 = 20;
const DATABASE = 'tuxtape';

/** The database, or a transaction on it: every query function takes either. */
export type Db = Kysely<DB> | Transaction<DB>;

export interface Store {
  readonly db: Kysely<DB>;
  /** Which server this is, in words. */
  readonly server: string;
  /** Where it is: the folder of our own server, or the address of an external one without its password. */
  readonly where: string;
  /** Migrations that were applied when it was opened. */
  readonly migrated: number;
  /** A statement as it is, for the queue, which writes its own. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Tells what is committed from now on, until `stop`; `onLost`: the connection broke, and something may have been missed. */
  listen(onEvent: (event: StoreEvent) => void, onLost: () => void): Promise<{ stop(): Promise<void> }>;
  /** A connection of its own, for what the query builder cannot say (COPY). */
  lend<T>(body: (client: pg.ClientBase) => Promise<T>): Promise<T>;
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
  if (options.databaseUrl !== null) {
    return connect({ connectionString: options.databaseUrl }, 'external', addressOf(options.databaseUrl));
  }
  const use = await useServer(options.dataDirectory, options.flavour);
  try {
    await createDatabase(use);
    const store = await connect(ownServer(use, DATABASE), `our own (${use.binaries.flavour})`, use.socket);
    const close = async (): Promise<void> => {
      await store.close();
      await use.release();
    };
    return { ...store, close };
  } catch (error) {
    await use.release();
    throw error;
  }
}

/**
 * Gives `body` the one connection to a database that is not brought to any version, making it if it is our own server's. Errors:
 * database-unreachable, those of `useServer` and of `body`.
 */
export async function withClient<T>(options: StoreOptions, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const { databaseUrl, dataDirectory } = options;
  if (databaseUrl !== null) return connected({ connectionString: databaseUrl }, addressOf(databaseUrl), body);
  const use = await useServer(dataDirectory, options.flavour);
  try {
    await createDatabase(use);
    return await connected(ownServer(use, DATABASE), use.socket, body);
  } finally {
    await use.release();
  }
}

async function connected<T>(
  address: pg.ClientConfig,
  where: string,
  body: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...address, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw unreachable(where, error);
    });
    return await body(client);
  } finally {
    await client.end();
  }
}

/**
 * Runs `body` in a transaction; inside another one it becomes part of that.
 * Errors: those of `body`; database-full, database-lost: nothing of it was stored.
 */
export async function inTransaction<T>(db: Db, body: (tx: Transaction<DB>) => Promise<T>): Promise<T> {
  if (db instanceof Transaction) return body(db);
  try {
    return await db.transaction().execute(body);
  } catch (error) {
    throw serverTrouble(error) ?? error;
  }
}

/** Classes 08 and 57P0 of PostgreSQL's error codes (its documentation, appendix A), and what Node says of a dead socket. */
const LOST = /^(?:08...|57P0[1-4]|EPIPE|ECONNRESET|ECONNREFUSED|ENOENT)$/;

/** What the driver says of a connection that broke before. */
const LOST_WORDS = /^Connection terminated|is not queryable$/;

/** The error, if it is the server's own trouble and not that of what was asked. */
function serverTrouble(error: unknown): StoreError | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? String(error.code) : '';
  const remedy = 'free some space where the database lies, and run this again';
  if (code === '53100')
    return new StoreError('database-full', 'toolchain', {
      what: "the database's disk is full; nothing of this step was stored",
      remedy,
      cause: error,
    });
  if (!LOST.test(code) && !LOST_WORDS.test(error.message)) return null;
  return new StoreError('database-lost', 'toolchain', {
    what: 'the database stopped in the middle; nothing of this step was stored',
    remedy: `its log says why (a full disk does this); ${remedy}`,
    cause: error,
  });
}

/** Everything that libpq's environment variables (PGPORT, PGSSLMODE, …) could bend is given. */
function ownServer(use: ServerUse, database: string): pg.PoolConfig {
  return {
    host: use.socket,
    port: 5432,
    user: SUPERUSER,
    password: '-',
    database,
    ssl: false,
    options: '-c TimeZone=UTC',
  };
}

/** An address without its password and parameters. */
function addressOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.host || parsed.searchParams.get('host') || 'localhost'}${parsed.pathname}` : 'DATABASE_URL';
}

function unreachable(where: string, cause: unknown): StoreError {
  return new StoreError('database-unreachable', 'network', {
    what: 'the database does not answer',
    where,
    remedy: 'check that the server runs and that the address, user and password are right',
    cause,
  });
}

async function createDatabase(use: ServerUse): Promise<void> {
  const client = new pg.Client({ ...ownServer(use, 'postgres'), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) {
      await client.query(`CREATE DATABASE ${DATABASE}`).catch((error: unknown) => {
        // 42P04 duplicate_database, 23505 unique_violation: another process was first.
        if (!(error instanceof pg.DatabaseError) || !['42P04', '23505'].includes(error.code ?? '')) throw error;
      });
    }
  } catch (error) {
    throw unreachable(use.socket, error);
  } finally {
    await client.end();
  }
}

async function connect(address: pg.PoolConfig, kind: string, where: string): Promise<Store> {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8, Number);
  const pool = new pg.Pool({
    ...address,
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types,
  });
  // A lost idle connection is replaced; queries in flight report their own errors, and a connection that is lent out, too.
  pool.on('error', () => {}).on('connect', (client) => void client.on('error', () => {}));
  const query: Store['query'] = (text, values) => pool.query(text, values);
  const lend: Store['lend'] = async (body) => {
    const client = await pool.connect();
    let failure: Error | boolean = true;
    try {
      const result = await body(client);
      failure = false;
      return result;
    } finally {
      // Whatever state a failure left it in, nobody gets this connection.
      client.release(failure);
    }
  };
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  try {
    const version = await serverVersion(db, where);
    const migrated = await migrate(db);
    const listen: Store['listen'] = (onEvent, onLost) => listenFor(address, onEvent, onLost);
    const server = `PostgreSQL ${version}, ${kind}`;
    return { db, server, where, migrated, query, listen, lend, close: () => db.destroy() };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** The server's version in words, as `18.4`. Errors: database-unreachable, database-too-old. */
async function serverVersion(db: Kysely<DB>, where: string): Promise<string> {
  let version: number;
  try {
    const { rows } = await sql<{ v: string }>`SELECT current_setting('server_version_num') AS v`.execute(db);
    version = Number(rows[0]?.v);
  } catch (error) {
    throw unreachable(where, error);
  }
  const [major, minor] = [Math.floor(version / 10_000), version % 10_000];
  if (major < LEAST_MAJOR) {
    throw new StoreError('database-too-old', 'toolchain', {
      what: `PostgreSQL ${major} is too old, ${LEAST_MAJOR} is the least`,
      where,
      remedy: 'point DATABASE_URL at a newer server, or unset it to use one of our own',
    });
  }
  return `${major}.${minor}`;
}
