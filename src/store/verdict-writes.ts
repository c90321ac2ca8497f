import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { CveId, ModuleExposure, Verdict, VerdictStatus } from '#domain';
import { StoreError } from './error.ts';
import { markDue } from './priorities.ts';
import { jsonBatches } from './storable.ts';
import { type Db, inTransaction } from './store.ts';
import { decidingRung } from './verdicts.ts';

/** A verdict to store. */
export interface DecidedVerdict extends Verdict {
  /** What the fleet rung says of its module; null: it said nothing. */
  readonly exposure?: ModuleExposure | null;
  /** What it was decided from, as `dueVerdicts` gave it. */
  readonly input: string;
}

/** A CVE whose status for a kernel became another. `before` null: it is new. */
export interface VerdictChange {
  readonly cve: CveId;
  readonly before: VerdictStatus | null;
  readonly after: VerdictStatus;
}

/**
 * Stores verdicts of a kernel in one transaction, writing only what is another than before: a reader sees the old ones or
 * the new ones, and `decided_at` says since when each stands. Statuses that changed are logged, except for the first time,
 * when all of them are new. Verdicts that are not given stay. Errors: not-found, when there is no such kernel.
 */
export async function storeVerdicts(
  db: Db,
  kernelId: string,
  verdicts: readonly DecidedVerdict[],
  at: Date,
): Promise<VerdictChange[]> {
  return inTransaction(db, async (tx) => {
    await lockKernel(tx, kernelId);
    const before = await storedVerdicts(
      tx,
      kernelId,
      verdicts.map(({ cve }) => cve),
    );
    const isFirst = before.size === 0 && !(await hasVerdicts(tx, kernelId));
    const written = verdicts
      .map((verdict) => ({ verdict, digest: digestOf(verdict) }))
      .filter(({ verdict, digest }) => {
        const stored = before.get(verdict.cve);
        return stored?.digest !== digest || stored.input !== verdict.input;
      });
    await upsert(tx, kernelId, written, at);
    const changes: VerdictChange[] = written
      .map(({ verdict: { cve, status } }) => ({ cve, before: before.get(cve)?.status ?? null, after: status }))
      .filter((change) => change.before !== change.after);
    // Exposure is a part of every priority: those that touch this kernel now or did before are ranked anew.
    const moved = changes.filter((change) => touches(change.before) || touches(change.after));
    const exposed = written.filter(({ verdict }) => before.get(verdict.cve)?.exposure !== (verdict.exposure ?? null));
    const due = [...moved.map(({ cve }) => cve), ...exposed.map(({ verdict }) => verdict.cve)];
    await markDue(tx, isFirst ? 'all' : [...new Set(due)]);
    if (isFirst) return [];
    await logChanges(tx, kernelId, changes, at);
    return changes;
  });
}

/**
 * Lines up writers of the same kernel until the transaction ends; without it two of them would decide from the same state.
 * Errors: not-found.
 */
export async function lockKernel(tx: Db, kernelId: string): Promise<void> {
  const kernel = await tx.selectFrom('kernel').select('id').where('id', '=', kernelId).forUpdate().executeTakeFirst();
  if (!kernel) throw new StoreError('not-found', 'us', { what: 'verdicts for an unknown kernel', where: kernelId });
}

async function hasVerdicts(tx: Db, kernelId: string): Promise<boolean> {
  const row = await tx.selectFrom('verdict').select('cve_id').where('kernel_id', '=', kernelId).executeTakeFirst();
  return row !== undefined;
}

function touches(status: VerdictStatus | null): boolean {
  return status === 'affected' || status === 'under_investigation';
}

interface StoredVerdict {
  readonly status: VerdictStatus;
  readonly digest: string;
  readonly input: string;
  readonly exposure: string | null;
}

async function storedVerdicts(tx: Db, kernelId: string, cves: readonly CveId[]): Promise<Map<CveId, StoredVerdict>> {
  const { rows } = await sql<{
    cve_id: string;
    status: string;
    digest: string;
    input: string;
    exposure: string | null;
  }>`
    SELECT cve_id, status, digest, input, exposure FROM verdict
    WHERE kernel_id = ${kernelId} AND cve_id = ANY(${cves}::text[])`.execute(tx);
  return new Map(
    rows.map(({ cve_id: cve, status, ...rest }) => [cve as CveId, { ...rest, status: status as VerdictStatus }]),
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
  written: readonly { readonly verdict: DecidedVerdict; readonly digest: string }[],
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
    input: verdict.input,
  }));
  for (const batch of jsonBatches(rows)) {
    await sql`
      INSERT INTO verdict AS old (
        kernel_id, cve_id, status, justification, rung, evidence, digest, exposure, input, decided_at)
      SELECT ${kernelId}, cve_id, status, justification, rung, evidence, digest, exposure, input, ${at}::timestamptz
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (cve_id text, status text, justification text, rung text,
        evidence jsonb, digest text, exposure text, input text)
      ON CONFLICT (kernel_id, cve_id) DO UPDATE SET
        status = excluded.status, justification = excluded.justification, rung = excluded.rung,
        evidence = excluded.evidence, digest = excluded.digest, exposure = excluded.exposure, input = excluded.input,
        decided_at = CASE WHEN old.digest = excluded.digest THEN old.decided_at ELSE excluded.decided_at END`.execute(
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

/** A change as a person is told of it. */
export interface LoggedChange extends VerdictChange {
  readonly at: Date;
  readonly title: string;
  /** The CNA took the CVE back meanwhile. */
  readonly rejected: boolean;
}

/** What changed for a kernel since a time, by CVE: the first status before it and the last one after it; newest first. */
export async function verdictChanges(db: Db, kernelId: string, since: Date): Promise<LoggedChange[]> {
  const { rows } = await sql<{
    cve_id: string;
    at: Date;
    before: string | null;
    after: string;
    title: string;
    rejected: boolean;
  }>`
    SELECT cve_id, max(at) AS at, (array_agg(before ORDER BY at))[1] AS before,
      (array_agg(after ORDER BY at DESC))[1] AS after, min(cve.title) AS title, bool_or(cve.state = 'rejected') AS rejected
    FROM verdict_change JOIN cve ON cve.id = cve_id
    WHERE kernel_id = ${kernelId} AND at >= ${since}::timestamptz
    GROUP BY cve_id ORDER BY max(at) DESC, cve_id`.execute(db);
  return rows
    .filter(({ before, after }) => before !== after)
    .map(({ cve_id: cve, before, after, ...rest }) => ({
      cve: cve as CveId,
      before: before as VerdictStatus | null,
      after: after as VerdictStatus,
      ...rest,
    }));
}
