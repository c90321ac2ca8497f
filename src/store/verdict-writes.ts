import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { CveId, ModuleExposure, Verdict, VerdictStatus } from '#domain';
import { StoreError } from './error.ts';
import { markDue } from './priorities.ts';
import { jsonBatches } from './storable.ts';
import { type Db, inTransaction } from './store.ts';
import { decidingRung } from './verdicts.ts';

/** A verdict to store, with what the fleet rung says of its module; null: it said nothing. */
export interface ExposedVerdict extends Verdict {
  readonly exposure?: ModuleExposure | null;
}

/** A CVE whose status for a kernel became another. `before` null: it is new; `after` null: it is gone. */
export interface VerdictChange {
  readonly cve: CveId;
  readonly before: VerdictStatus | null;
  readonly after: VerdictStatus | null;
}

/**
 * Stores all verdicts of a kernel in one transaction, writing only what is another than before: a reader sees the old set
 * or the new one, and `decided_at` says since when each stands. Statuses that changed are logged, except for the first
 * time, when all of them are new. Errors: not-found, when there is no such kernel.
 */
export async function storeVerdicts(
  db: Db,
  kernelId: string,
  verdicts: readonly ExposedVerdict[],
  at: Date,
): Promise<VerdictChange[]> {
  return inTransaction(db, async (tx) => {
    // The row lock lines up writers of the same kernel; without it two of them would write from the same state.
    const kernel = await tx.selectFrom('kernel').select('id').where('id', '=', kernelId).forUpdate().executeTakeFirst();
    if (!kernel) throw new StoreError('not-found', 'us', { what: 'verdicts for an unknown kernel', where: kernelId });
    const before = await storedVerdicts(tx, kernelId);
    const now = new Map(verdicts.map((verdict) => [verdict.cve, { verdict, digest: digestOf(verdict) }]));
    const written = [...now.values()].filter(({ verdict, digest }) => before.get(verdict.cve)?.digest !== digest);
    await upsert(tx, kernelId, written, at);
    const gone = [...before.keys()].filter((cve) => !now.has(cve));
    await sql`DELETE FROM verdict WHERE kernel_id = ${kernelId} AND cve_id = ANY(${gone}::text[])`.execute(tx);
    const changes: VerdictChange[] = [
      ...written.map(({ verdict: { cve, status } }) => ({
        cve,
        before: before.get(cve)?.status ?? null,
        after: status,
      })),
      ...gone.map((cve) => ({ cve, before: before.get(cve)!.status, after: null })),
    ].filter((change) => change.before !== change.after);
    // Exposure is a part of every priority: those that touch this kernel now or did before are ranked anew.
    const moved = changes.filter((change) => touches(change.before) !== touches(change.after) || touches(change.after));
    const exposed = written.filter(({ verdict }) => before.get(verdict.cve)?.exposure !== (verdict.exposure ?? null));
    const due = [...moved.map(({ cve }) => cve), ...exposed.map(({ verdict }) => verdict.cve)];
    await markDue(tx, before.size === 0 ? 'all' : [...new Set(due)]);
    if (before.size > 0) await logChanges(tx, kernelId, changes, at);
    return before.size > 0 ? changes : [];
  });
}

function touches(status: VerdictStatus | null): boolean {
  return status === 'affected' || status === 'under_investigation';
}

async function storedVerdicts(
  tx: Db,
  kernelId: string,
): Promise<Map<CveId, { readonly status: VerdictStatus; readonly digest: string; readonly exposure: string | null }>> {
  const rows = await tx
    .selectFrom('verdict')
    .select(['cve_id', 'status', 'digest', 'exposure'])
    .where('kernel_id', '=', kernelId)
    .execute();
  return new Map(
    rows.map(({ cve_id: cve, status, digest, exposure }) => [
      cve as CveId,
      { status: status as VerdictStatus, digest, exposure },
    ]),
  );
}

function digestOf({ status, justification, evidence }: Verdict): string {
  return createHash('sha1')
    .update(JSON.stringify([status, justification, evidence]))
    .digest('base64url');
}

async function upsert(
  tx: Db,
  kernelId: string,
  written: readonly { readonly verdict: ExposedVerdict; readonly digest: string }[],
  at: Date,
): Promise<void> {
  const rows = written.map(({ verdict, digest }) => ({
    cve_id: verdict.cve,
    status: verdict.status,
    justification: verdict.justification,
    rung: decidingRung(verdict.evidence),
    evidence: verdict.evidence,
    digest,
    exposure: verdict.exposure ?? null,
  }));
  for (const batch of jsonBatches(rows)) {
    await sql`
      INSERT INTO verdict (kernel_id, cve_id, status, justification, rung, evidence, digest, exposure, decided_at)
      SELECT ${kernelId}, cve_id, status, justification, rung, evidence, digest, exposure, ${at}::timestamptz
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (
        cve_id text, status text, justification text, rung text, evidence jsonb, digest text, exposure text)
      ON CONFLICT (kernel_id, cve_id) DO UPDATE SET
        status = excluded.status, justification = excluded.justification, rung = excluded.rung,
        evidence = excluded.evidence, digest = excluded.digest, exposure = excluded.exposure, decided_at = excluded.decided_at`.execute(
      tx,
    );
  }
}

async function logChanges(tx: Db, kernelId: string, changes: readonly VerdictChange[], at: Date): Promise<void> {
  for (const batch of jsonBatches(changes)) {
    await sql`
      INSERT INTO verdict_change (kernel_id, cve_id, at, before, after)
      SELECT ${kernelId}, cve, ${at}::timestamptz, before, after
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (cve text, before text, after text)
      ON CONFLICT (kernel_id, at, cve_id) DO UPDATE SET after = excluded.after`.execute(tx);
  }
}

/** What changed for a kernel since a time, by CVE: the first status before it and the last one after it; newest first. */
export async function verdictChanges(
  db: Db,
  kernelId: string,
  since: Date,
): Promise<(VerdictChange & { readonly at: Date; readonly title: string })[]> {
  const { rows } = await sql<{ cve_id: string; at: Date; before: string | null; after: string | null; title: string }>`
    SELECT cve_id, max(at) AS at, (array_agg(before ORDER BY at))[1] AS before,
      (array_agg(after ORDER BY at DESC))[1] AS after, coalesce(min(cve.title), '') AS title
    FROM verdict_change LEFT JOIN cve ON cve.id = cve_id
    WHERE kernel_id = ${kernelId} AND at >= ${since}::timestamptz
    GROUP BY cve_id ORDER BY max(at) DESC, cve_id`.execute(db);
  return rows
    .filter(({ before, after }) => before !== after)
    .map(({ cve_id: cve, at, before, after, title }) => ({
      cve: cve as CveId,
      at,
      before: before as VerdictStatus | null,
      after: after as VerdictStatus | null,
      title,
    }));
}
