import { randomUUID } from 'node:crypto';
import { type CveId, type Justification, type VerdictOverride, type VerdictStatus } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** Records what a person says of a CVE in a kernel, with its audit entry; the word before it is taken back. */
export async function addOverride(
  db: Db,
  kernelId: string,
  override: Omit<VerdictOverride, 'id' | 'madeAt'>,
  at: Date,
): Promise<VerdictOverride> {
  const { cve, status, justification, until, author } = override;
  const [id, reason] = [randomUUID(), storable(override.reason)];
  return inTransaction(db, async (tx) => {
    await revoke(tx, kernelId, cve, author, at);
    await tx
      .insertInto('verdict_override')
      .values({
        id,
        kernel_id: kernelId,
        cve_id: cve,
        status,
        justification,
        reason,
        until,
        author: storable(author),
        made_at: at,
      })
      .execute();
    const detail = { id, kernel: kernelId, status, justification, reason, until };
    await addAudit(tx, { at, actor: author, action: 'verdict.override', subject: cve, detail });
    return { ...override, id, madeAt: at };
  });
}

/** Takes a person's word back; it stays stored. Errors: not-found. */
export async function revokeOverride(db: Db, kernelId: string, cve: CveId, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    if (await revoke(tx, kernelId, cve, by, at)) return;
    throw new StoreError('not-found', 'input', {
      what: `nobody has overridden the verdict on ${cve} for this kernel`,
      remedy: '"tuxtape triage --kernel NAME overrides" lists those that were',
    });
  });
}

async function revoke(tx: Db, kernelId: string, cve: CveId, by: string, at: Date): Promise<boolean> {
  const row = await tx
    .updateTable('verdict_override')
    .set({ revoked_at: at, revoked_by: storable(by) })
    .where('kernel_id', '=', kernelId)
    .where('cve_id', '=', cve)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (row === undefined) return false;
  await addAudit(tx, {
    at,
    actor: by,
    action: 'verdict.revoke',
    subject: cve,
    detail: { id: row.id, kernel: kernelId },
  });
  return true;
}

/** What people say of a kernel at this time, by CVE: neither taken back nor over. */
export async function overridesOf(db: Db, kernelId: string, now: Date): Promise<Map<CveId, VerdictOverride>> {
  const rows = await db
    .selectFrom('verdict_override')
    .selectAll()
    .where('kernel_id', '=', kernelId)
    .where('revoked_at', 'is', null)
    .where('until', '>', now)
    .orderBy('made_at')
    .execute();
  return new Map(
    rows.map((row) => [
      row.cve_id as CveId,
      {
        id: row.id,
        cve: row.cve_id as CveId,
        status: row.status as VerdictStatus,
        justification: row.justification as Justification | null,
        reason: row.reason,
        until: row.until,
        author: row.author,
        madeAt: row.made_at,
      },
    ]),
  );
}
