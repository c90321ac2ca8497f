import { sql } from 'kysely';
import type { HostObservation, HostStanding } from '#domain';
import { storable, storableJson } from './storable.ts';
import type { Db } from './store.ts';

/** What a host said last. `seq` rises with each word, `shape` with each change of what decides about it. */
export interface RolloutHostRow extends Omit<HostObservation, 'silentMs'> {
  readonly seq: number;
  readonly shape: number;
  readonly counted: number | null;
  /** By the clock of the database, as is `ageMs`: time since. */
  readonly seenAt: Date;
  readonly ageMs: number;
}

/** One word of a host, as its check-in gives it. */
export type HostWord = Omit<HostObservation, 'silentMs'>;

/**
 * Stores what hosts said, and gives the serials that they are counted with: a host that moved to another ring, rack or kernel, or
 * that forgot what it had, is not counted until a round has taken it in. Later words replace earlier ones; the last of a host counts.
 */
export async function putHostWords(db: Db, words: readonly HostWord[]): Promise<Map<string, number | null>> {
  if (words.length === 0) return new Map();
  const last = new Map(words.map((word) => [word.id, word]));
  const rows = Array.from(last.values(), ({ id, buildId, ring, labels, current, failed, reports, health }) => ({
    ...{ id, build_id: buildId, ring, labels, failed, reports, health },
    ...{ number: current?.number ?? null, sha: current?.sha256 ?? null, standing: current?.standing ?? null },
  }));
  const { rows: stored } = await sql<{ id: string; counted: number | null }>`
    INSERT INTO rollout_host AS old
      (id, build_id, ring, labels, number, module_sha256, standing, failed, reports, health, seen_at)
    SELECT w.id, w.build_id, w.ring, w.labels, w.number, w.sha, w.standing, w.failed, w.reports, w.health, clock_timestamp()
    FROM jsonb_to_recordset(${storableJson(rows)}::jsonb) AS w(
      id text, build_id text, ring text, labels jsonb, number bigint, sha text, standing text, failed text[],
      reports text[], health text)
    ORDER BY w.id
    ON CONFLICT (id) DO UPDATE SET
      build_id = EXCLUDED.build_id, ring = EXCLUDED.ring, labels = EXCLUDED.labels, number = EXCLUDED.number,
      module_sha256 = EXCLUDED.module_sha256, standing = EXCLUDED.standing, failed = EXCLUDED.failed,
      reports = EXCLUDED.reports, health = EXCLUDED.health, seen_at = EXCLUDED.seen_at, seq = old.seq + 1,
      counted = CASE WHEN ${changed} THEN NULL ELSE old.counted END,
      shape = old.shape + CASE WHEN ${changed} THEN 1 ELSE 0 END
    RETURNING id, counted`.execute(db);
  return new Map(stored.map(({ id, counted }) => [id, counted]));
}

const changed = sql`(old.build_id, old.ring, old.labels) IS DISTINCT FROM (EXCLUDED.build_id, EXCLUDED.ring, EXCLUDED.labels)
        OR (old.standing IS NOT NULL AND EXCLUDED.standing IS NULL)`;

/** A host that is gone for good: it is waited for by nobody, and takes no place of its rack. False: there was none. */
export async function removeRolloutHost(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('rollout_host').where('id', '=', storable(id)).executeTakeFirst();
  return numDeletedRows === 1n;
}

export async function rolloutHosts(db: Db): Promise<RolloutHostRow[]> {
  const rows = await db
    .selectFrom('rollout_host')
    .selectAll()
    .select(sql<number>`extract(epoch FROM clock_timestamp() - seen_at)::float8 * 1000`.as('age_ms'))
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    ...{ id: row.id, buildId: row.build_id, ring: row.ring, failed: row.failed, reports: row.reports },
    labels: row.labels as Record<string, string>,
    current:
      row.standing === null || row.module_sha256 === null
        ? null
        : { number: Number(row.number), sha256: row.module_sha256, standing: row.standing as HostStanding },
    health: row.health as HostObservation['health'],
    ...{ seq: Number(row.seq), shape: Number(row.shape), seenAt: row.seen_at, ageMs: row.age_ms },
    counted: row.counted === null ? null : Number(row.counted),
  }));
}
