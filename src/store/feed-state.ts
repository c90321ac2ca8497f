import { sql } from 'kysely';
import type { CveId, Quarantined } from '#domain';
import { jsonBatches, storable } from './storable.ts';
import type { Db } from './store.ts';

/** Last commit of a feed source whose content is stored, or null before the first sync. */
export async function getCursor(db: Db, source: string): Promise<string | null> {
  const row = await db.selectFrom('feed_cursor').select('commit').where('source', '=', source).executeTakeFirst();
  return row?.commit ?? null;
}

/** The next reading of the source begins anew. */
export async function dropCursor(tx: Db, source: string): Promise<void> {
  await tx.deleteFrom('feed_cursor').where('source', '=', source).execute();
}

export async function setCursor(tx: Db, source: string, commit: string): Promise<void> {
  await tx
    .insertInto('feed_cursor')
    .values({ source, commit })
    .onConflict((conflict) => conflict.column('source').doUpdateSet({ commit }))
    .execute();
}

/** Forgets what was set aside for items that could be read now. */
export async function release(tx: Db, source: string, items: readonly string[]): Promise<void> {
  await sql`DELETE FROM feed_quarantine WHERE source = ${source} AND item = ANY(${items}::text[])`.execute(tx);
}

/** Forgets everything that was set aside of a source which is read whole each time. */
export async function releaseSource(tx: Db, source: string): Promise<void> {
  await tx.deleteFrom('feed_quarantine').where('source', '=', source).execute();
}

/** Forgets what was set aside of a source, but for the items that it still has. */
export async function releaseOthers(tx: Db, source: string, items: readonly string[]): Promise<void> {
  await sql`DELETE FROM feed_quarantine WHERE source = ${source} AND NOT item = ANY(${items}::text[])`.execute(tx);
}

/** Sets items aside; of an item that was set aside before, the reason becomes the new one. */
export async function quarantine(tx: Db, items: readonly Quarantined[]): Promise<void> {
  const latest = new Map(items.map((row) => [`${row.source} ${storable(row.item)}`, row]));
  for (const batch of jsonBatches(latest.values())) {
    await sql`
      INSERT INTO feed_quarantine (source, item, code, reason)
      SELECT source, item, code, reason
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (source text, item text, code text, reason text)
      ON CONFLICT (source, item) DO UPDATE SET code = excluded.code, reason = excluded.reason`.execute(tx);
  }
}

export async function listQuarantine(db: Db): Promise<Quarantined[]> {
  return db
    .selectFrom('feed_quarantine')
    .select(['source', 'item', 'code', 'reason'])
    .orderBy('seen_at', 'desc')
    .orderBy('item')
    .execute();
}

/** One successful reading of a source. `newest` is the time of its newest item; `bundled` = the sample that comes with TuxTape. */
export interface SyncState {
  readonly source: string;
  readonly address: string;
  readonly at: Date;
  readonly newest: Date | null;
  readonly bundled: boolean;
}

export async function recordSync(tx: Db, sync: SyncState): Promise<void> {
  const { source, ...rest } = sync;
  await tx.deleteFrom('feed_failure').where('source', '=', source).execute();
  await tx
    .insertInto('feed_sync')
    .values({ source, ...rest })
    .onConflict((conflict) => conflict.column('source').doUpdateSet(rest))
    .execute();
}

export async function listSyncs(db: Db): Promise<SyncState[]> {
  return db.selectFrom('feed_sync').selectAll().orderBy('source').execute();
}

/** The last failure of a source since its last success. */
export interface SyncFailure {
  readonly source: string;
  readonly at: Date;
  readonly code: string;
  readonly reason: string;
}

export async function recordFailure(tx: Db, { source, at, code, reason }: SyncFailure): Promise<void> {
  const row = { at, code, reason: storable(reason) };
  await tx
    .insertInto('feed_failure')
    .values({ source, ...row })
    .onConflict((conflict) => conflict.column('source').doUpdateSet(row))
    .execute();
}

export async function listFailures(db: Db): Promise<SyncFailure[]> {
  return db.selectFrom('feed_failure').selectAll().orderBy('source').execute();
}

/** How the two sources differ in what they know: CVEs with a mail and no record, and the other way round. */
export async function sourceDifferences(db: Db): Promise<{ onlyMails: CveId[]; onlyRecords: CveId[] }> {
  const ids = async (query: ReturnType<typeof sql<{ id: string }>>): Promise<CveId[]> =>
    (await query.execute(db)).rows.map(({ id }) => id as CveId);
  return {
    onlyMails: await ids(sql<{ id: string }>`SELECT id FROM cve WHERE source = 'mail' ORDER BY year, number`),
    onlyRecords: await ids(sql<{ id: string }>`
      SELECT id FROM cve WHERE source = 'record'
        AND NOT EXISTS (SELECT FROM announcement WHERE announcement.cve_id = cve.id)
      ORDER BY year, number`),
  };
}
