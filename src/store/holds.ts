import type { CveId } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** A fix that a person took back for one kernel. */
export interface Hold {
  readonly cve: CveId;
  readonly reason: string;
  readonly author: string;
  readonly heldAt: Date;
}

/** Takes a fix back, with its audit entry; a second time changes the reason. */
export async function addHold(db: Db, kernelId: string, { cve, reason, author, heldAt }: Hold): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = { reason: storable(reason), author: storable(author), held_at: heldAt };
    await tx
      .insertInto('hold')
      .values({ kernel_id: kernelId, cve_id: cve, ...row })
      .onConflict((conflict) => conflict.columns(['kernel_id', 'cve_id']).doUpdateSet(row))
      .execute();
    await addAudit(tx, { at: heldAt, actor: author, action: 'fix.hold', subject: kernelId, detail: { cve, reason } });
  });
}

/** Lets a fix in again. Errors: not-found. */
export async function removeHold(db: Db, kernelId: string, cve: CveId, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom('hold')
      .where('kernel_id', '=', kernelId)
      .where('cve_id', '=', cve)
      .executeTakeFirst();
    if (numDeletedRows === 0n)
      throw new StoreError('not-found', 'input', {
        what: 'the fix of this CVE is not held for this kernel',
        where: cve,
        remedy: '"tuxtape pipeline" lists what is held',
      });
    await addAudit(tx, { at, actor: by, action: 'fix.release', subject: kernelId, detail: { cve } });
  });
}

export async function holdsOf(db: Db, kernelId: string): Promise<Map<CveId, Hold>> {
  const rows = await db.selectFrom('hold').selectAll().where('kernel_id', '=', kernelId).execute();
  return new Map(
    rows.map(({ cve_id, reason, author, held_at }) => {
      const cve = cve_id as CveId;
      return [cve, { cve, reason, author, heldAt: held_at }];
    }),
  );
}
