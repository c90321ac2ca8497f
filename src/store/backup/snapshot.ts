import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Store } from '../store.ts';
import { COPY_SETTINGS, type CopiedTable, copiedTables, quoted, type SequenceState, sequencesOf } from './tables.ts';

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly sha256: string;
}

/** The whole database at one moment. */
export interface Snapshot {
  readonly at: Date;
  readonly tables: readonly CopiedTable[];
  readonly sequences: readonly SequenceState[];
  readonly migrations: readonly AppliedMigration[];
  readonly installation: { readonly id: string; readonly epoch: string };
  readonly livepatches: readonly { readonly id: string; readonly directory: string; readonly moduleSha256: string }[];
  /** The rows of a table as COPY writes them: text, one line a row. One table at a time. */
  readonly rows: (table: CopiedTable) => AsyncIterable<Buffer>;
}

/**
 * Gives `body` everything that was committed when it began, however long it takes and whatever others write meanwhile: one read-only
 * transaction of isolation REPEATABLE READ (PostgreSQL's documentation, 13.2.2).
 */
export async function withSnapshot<T>(store: Store, body: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  return store.lend(async (client) => {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      await client.query(COPY_SETTINGS);
      return await body(await read(client));
    } finally {
      await client.query('ROLLBACK');
    }
  });
}

async function read(client: ClientBase): Promise<Snapshot> {
  const { rows: migrations } = await client.query<AppliedMigration>(
    'SELECT version, name, sha256 FROM schema_migration ORDER BY version',
  );
  const { rows: installations } = await client.query<{ id: string; epoch: string; at: Date }>(
    'SELECT id, epoch::text AS epoch, now() AS at FROM installation',
  );
  const { rows: livepatches } = await client.query<Snapshot['livepatches'][number]>(
    'SELECT id, directory, module_sha256 AS "moduleSha256" FROM livepatch ORDER BY id',
  );
  const { id, epoch, at } = installations[0]!;
  return {
    ...{ at, migrations, installation: { id, epoch }, livepatches },
    tables: await copiedTables(client),
    sequences: await sequencesOf(client),
    rows: (table) => copyOut(client, table),
  };
}

async function* copyOut(client: ClientBase, { name, columns }: CopiedTable): AsyncGenerator<Buffer> {
  const stream = client.query(copyTo(`COPY ${quoted(name)} (${columns.map(quoted).join(', ')}) TO STDOUT`));
  for await (const chunk of stream) yield chunk as Buffer;
}
