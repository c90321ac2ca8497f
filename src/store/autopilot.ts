import { type CveId, defaultPolicy, type Policy } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable, storableJson } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** Why something waits for a person. */
export interface StoredReason {
  readonly code: string;
  readonly why: string;
  readonly remedy: string;
}

export interface PolicyRow {
  readonly policy: Policy;
  readonly author: string;
  readonly setAt: Date;
}

/** Sets the policy of a kernel, in place of the one before, with its audit entry. */
export async function setPolicy(db: Db, kernelId: string, { policy, author, setAt }: PolicyRow): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = { policy: storableJson(policy), author: storable(author), set_at: setAt };
    await tx
      .insertInto('policy')
      .values({ kernel_id: kernelId, ...row })
      .onConflict((conflict) => conflict.column('kernel_id').doUpdateSet(row))
      .execute();
    await addAudit(tx, { at: setAt, actor: author, action: 'policy.set', subject: kernelId, detail: policy });
  });
}

/** Takes the policy of a kernel away: the machine does nothing by itself any more. Errors: not-found. */
export async function removePolicy(db: Db, kernelId: string, author: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('policy').where('kernel_id', '=', kernelId).executeTakeFirst();
    if (numDeletedRows !== 1n)
      throw new StoreError('not-found', 'input', {
        what: 'this kernel has no policy',
        remedy: '"tuxtape policy show" lists those that have one',
      });
    await addAudit(tx, { at, actor: author, action: 'policy.remove', subject: kernelId, detail: {} });
  });
}

/** By kernel. */
export async function policies(db: Db): Promise<Map<string, PolicyRow>> {
  const rows = await db.selectFrom('policy').selectAll().execute();
  return new Map(
    rows.map((row) => [
      row.kernel_id,
      {
        policy: { ...defaultPolicy, ...(row.policy as unknown as Partial<Policy>) },
        author: row.author,
        setAt: row.set_at,
      },
    ]),
  );
}

/** What came of trying the fix of one CVE alone. `reason` null: it can be built. */
export interface TrialRow {
  readonly cve: CveId;
  readonly key: string;
  readonly reason: StoredReason | null;
  readonly triedAt: Date;
}

export async function putTrial(db: Db, kernelId: string, { cve, key, reason, triedAt }: TrialRow): Promise<void> {
  const row = {
    ...{ key: storable(key), ready: reason === null, tried_at: triedAt },
    reason: reason === null ? null : storableJson(reason),
  };
  await db
    .insertInto('fix_trial')
    .values({ kernel_id: kernelId, cve_id: cve, ...row })
    .onConflict((conflict) => conflict.columns(['kernel_id', 'cve_id']).doUpdateSet(row))
    .execute();
}

export async function trialsOf(db: Db, kernelId: string): Promise<Map<CveId, TrialRow>> {
  const rows = await db.selectFrom('fix_trial').selectAll().where('kernel_id', '=', kernelId).execute();
  return new Map(
    rows.map(({ cve_id, key, reason, tried_at }) => {
      const cve = cve_id as CveId;
      return [cve, { cve, key, reason: reason as unknown as StoredReason | null, triedAt: tried_at }];
    }),
  );
}

/** A set of fixes that was built into one livepatch, or could not be. */
export interface AutopilotBuildRow {
  readonly wanted: string;
  readonly cves: readonly CveId[];
  readonly livepatch: string | null;
  readonly reason: StoredReason | null;
  /** Null until the livepatch went through its proof. */
  readonly passed: boolean | null;
}

export async function addAutopilotBuild(
  db: Db,
  kernelId: string,
  build: Omit<AutopilotBuildRow, 'passed'>,
  at: Date,
): Promise<void> {
  await db
    .insertInto('autopilot_build')
    .values({
      ...{ kernel_id: kernelId, wanted: storable(build.wanted), cves: [...build.cves] },
      ...{ livepatch_id: build.livepatch, at, reason: build.reason === null ? null : storableJson(build.reason) },
    })
    .execute();
}

/** Newest first. */
export async function autopilotBuilds(db: Db, kernelId: string): Promise<AutopilotBuildRow[]> {
  const rows = await db
    .selectFrom('autopilot_build')
    .leftJoin('livepatch', 'livepatch.id', 'autopilot_build.livepatch_id')
    .select(['wanted', 'cves', 'livepatch_id', 'reason', 'livepatch.gate'])
    .where('autopilot_build.kernel_id', '=', kernelId)
    .orderBy('autopilot_build.id', 'desc')
    .execute();
  return rows.map(({ wanted, cves, livepatch_id, reason, gate }) => ({
    ...{ wanted, cves: cves as CveId[], livepatch: livepatch_id },
    reason: reason as unknown as StoredReason | null,
    passed: gate === null ? null : (gate as unknown as { passed: boolean }).passed,
  }));
}
