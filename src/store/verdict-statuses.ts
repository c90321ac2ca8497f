import type { CveId, VerdictStatus } from '#domain';
import type { Db } from './store.ts';

/** How each CVE stands in a kernel, without the evidence. */
export async function verdictStatusesOf(db: Db, kernelId: string): Promise<Map<CveId, VerdictStatus>> {
  const rows = await db.selectFrom('verdict').select(['cve_id', 'status']).where('kernel_id', '=', kernelId).execute();
  return new Map(rows.map(({ cve_id, status }) => [cve_id as CveId, status as VerdictStatus]));
}
