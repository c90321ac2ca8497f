import { sql } from 'kysely';
import type { CveId, Signal, SignalSource, SignalValue } from '#domain';
import { jsonBatches } from './storable.ts';
import type { Db } from './store.ts';

/** A signal with the time we first read this content. */
export interface SignalRow extends Signal {
  readonly readAt: Date;
}

/**
 * Stores what a source says; what it said before of the same CVE is replaced, and `readAt` moves only when the content
 * changed. `whole`: what the source does not name any more is forgotten, but for `keep`. Returns the CVEs whose signal changed.
 */
export async function replaceSignals(
  tx: Db,
  source: SignalSource,
  signals: readonly Signal[],
  options: { readonly whole: boolean; readonly at: Date; readonly keep?: readonly CveId[] },
): Promise<CveId[]> {
  const latest = new Map(signals.map((signal) => [signal.cve, signal]));
  const changed: string[] = [];
  for (const batch of jsonBatches([...latest.values()].map(({ cve, at, value }) => ({ cve_id: cve, at, value })))) {
    const { rows } = await sql<{ cve_id: string }>`
      INSERT INTO signal (source, cve_id, at, read_at, value)
      SELECT ${source}, cve_id, at, ${options.at}::timestamptz, value
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (cve_id text, at timestamptz, value jsonb)
      ON CONFLICT (source, cve_id) DO UPDATE SET at = excluded.at, read_at = excluded.read_at, value = excluded.value
      WHERE signal.value IS DISTINCT FROM excluded.value OR signal.at IS DISTINCT FROM excluded.at
      RETURNING cve_id`.execute(tx);
    for (const { cve_id: id } of rows) changed.push(id);
  }
  if (options.whole) changed.push(...(await forgetOthers(tx, source, [...latest.keys(), ...(options.keep ?? [])])));
  return changed as CveId[];
}

async function forgetOthers(tx: Db, source: SignalSource, kept: readonly CveId[]): Promise<string[]> {
  const { rows } = await sql<{ cve_id: string }>`
    DELETE FROM signal WHERE source = ${source} AND NOT cve_id = ANY(${kept}::text[])
    RETURNING cve_id`.execute(tx);
  return rows.map((row) => row.cve_id);
}

export async function forgetSignals(tx: Db, source: SignalSource, cves: readonly CveId[]): Promise<void> {
  await sql`DELETE FROM signal WHERE source = ${source} AND cve_id = ANY(${cves}::text[])`.execute(tx);
}

export async function countSignals(db: Db, source: SignalSource): Promise<number> {
  const row = await db
    .selectFrom('signal')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('source', '=', source)
    .executeTakeFirstOrThrow();
  return row.n;
}

/** Signals of the given CVEs, or of all; by CVE. */
export async function signalsOf(db: Db, cves: readonly CveId[] | 'all'): Promise<Map<CveId, SignalRow[]>> {
  let query = db.selectFrom('signal').selectAll().orderBy('source');
  if (cves !== 'all') query = query.where(sql<boolean>`cve_id = ANY(${cves}::text[])`);
  const found = new Map<CveId, SignalRow[]>();
  for (const row of await query.execute()) {
    const cve = row.cve_id as CveId;
    const signal: SignalRow = {
      cve,
      at: row.at?.toISOString() ?? null,
      readAt: row.read_at,
      value: row.value as unknown as SignalValue,
    };
    const before = found.get(cve);
    if (before === undefined) found.set(cve, [signal]);
    else before.push(signal);
  }
  return found;
}

/** Contents of a source's files that were read before, by CVE. */
export async function knownFiles(db: Db, source: SignalSource): Promise<Map<CveId, string>> {
  const rows = await db.selectFrom('signal_file').select(['cve_id', 'oid']).where('source', '=', source).execute();
  return new Map(rows.map((row) => [row.cve_id as CveId, row.oid]));
}

/** The next reading of the source takes every file for a new one. */
export async function forgetKnownFiles(tx: Db, source: SignalSource): Promise<void> {
  await tx.deleteFrom('signal_file').where('source', '=', source).execute();
}

export async function setKnownFiles(
  tx: Db,
  source: SignalSource,
  files: readonly { readonly cve: CveId; readonly oid: string }[],
): Promise<void> {
  for (const batch of jsonBatches(files)) {
    await sql`
      INSERT INTO signal_file (source, cve_id, oid)
      SELECT ${source}, cve, oid FROM jsonb_to_recordset(${batch}::jsonb) AS r (cve text, oid text)
      ON CONFLICT (source, cve_id) DO UPDATE SET oid = excluded.oid`.execute(tx);
  }
}
