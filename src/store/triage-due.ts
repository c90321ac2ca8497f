import { sql } from 'kysely';
import type { CveId } from '#domain';
import type { Db } from './store.ts';

/** A verdict that must be decided, and from what: stored with it, so that it is due again when that becomes another. */
export interface DueVerdict {
  readonly cve: CveId;
  /** The content of the CVE alone, as `triagedCves` names it. */
  readonly content: string;
  readonly input: string;
}

/**
 * CVEs whose verdict for a kernel is missing, or was decided from something else: another content of the CVE, another
 * proof, a person's word that was given, taken back or is over. With `all`, every CVE. One join, about 15 ms for 15,000.
 */
export async function dueVerdicts(db: Db, kernelId: string, now: Date, all: boolean): Promise<DueVerdict[]> {
  const { rows } = await sql<{ id: string; content: string; input: string }>`
    SELECT id, content, input FROM (
      SELECT cve.id, cve.content, verdict.input AS decided,
        concat_ws(' ', cve.content, extract(epoch FROM proof.proved_at), verdict_override.id) AS input
      FROM cve
      LEFT JOIN verdict ON verdict.kernel_id = ${kernelId} AND verdict.cve_id = cve.id
      LEFT JOIN proof ON proof.kernel_id = ${kernelId} AND proof.cve_id = cve.id
      LEFT JOIN verdict_override ON verdict_override.kernel_id = ${kernelId} AND verdict_override.cve_id = cve.id
        AND revoked_at IS NULL AND verdict_override.until > ${now}::timestamptz
    ) AS subject
    WHERE ${all} OR decided IS DISTINCT FROM input`.execute(db);
  return rows.map(({ id, content, input }) => ({ cve: id as CveId, content, input }));
}

/** What all verdicts of a kernel were decided with, and its profile's hash; null before. */
export async function triagedWith(
  db: Db,
  kernelId: string,
): Promise<{ readonly with: string | null; readonly profile: string | null }> {
  const row = await db
    .selectFrom('kernel')
    .leftJoin('kernel_profile', 'kernel_profile.kernel_id', 'kernel.id')
    .select(['triaged_with', 'kernel_profile.sha256'])
    .where('kernel.id', '=', kernelId)
    .executeTakeFirst();
  return { with: row?.triaged_with ?? null, profile: row?.sha256 ?? null };
}

export async function markTriaged(tx: Db, kernelId: string, inputs: string): Promise<void> {
  await tx.updateTable('kernel').set({ triaged_with: inputs }).where('id', '=', kernelId).execute();
}
