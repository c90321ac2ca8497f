import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { sql } from 'kysely';
import { openStore, type Store } from '#store';

export type Flavour = 'system' | 'embedded';

interface Server {
  readonly store: Store;
  readonly directory: string;
}

const TEMPLATE = 'tuxtape_template';
const servers = new Map<string, Promise<Server>>();
let made = 0;

// Here, not in a test: what a test registers ends with that test.
after(async () => {
  for (const starting of servers.values()) {
    const { store, directory } = await starting;
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
});

/** One server for the tests of this file, with a migrated template; stopped and removed after them. */
function server(flavour: Flavour | undefined): Promise<Server> {
  const key = flavour ?? 'default';
  const running = servers.get(key);
  if (running !== undefined) return running;
  const starting = start(flavour);
  servers.set(key, starting);
  return starting;
}

async function start(flavour: Flavour | undefined): Promise<Server> {
  const directory = join(tmpdir(), `tuxtape-test-${process.pid}-${flavour ?? 'default'}`);
  const store = await openStore({ dataDirectory: directory, databaseUrl: null, ...(flavour ? { flavour } : {}) });
  await sql`CREATE DATABASE ${sql.id(TEMPLATE)}`.execute(store.db);
  await (await openStore({ dataDirectory: directory, databaseUrl: address(store, TEMPLATE) })).close();
  return { store, directory };
}

function address(store: Store, database: string): string {
  return `postgresql://tuxtape:-@localhost/${database}?host=${encodeURIComponent(store.where)}`;
}

/** Address of a fresh, migrated database of its own, on a server of ours. */
export async function databaseUrl(flavour?: Flavour): Promise<string> {
  const { store } = await server(flavour);
  made += 1;
  const name = `test_${made}`;
  await sql`CREATE DATABASE ${sql.id(name)} TEMPLATE ${sql.id(TEMPLATE)}`.execute(store.db);
  return address(store, name);
}

/** A fresh, migrated store, closed after the test. */
export async function testStore(flavour?: Flavour): Promise<Store> {
  const url = await databaseUrl(flavour);
  const store = await openStore({ dataDirectory: tmpdir(), databaseUrl: url });
  const close = once(() => store.close());
  after(close);
  return { ...store, close };
}

function once(body: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= body());
}
