import { sql } from 'kysely';
import type { CveId, Proof } from '#domain';
import { storableJson } from './storable.ts';
import type { Db } from './store.ts';

/** Stores what was found about a CVE in a kernel's source; it takes the place of what was found before. */
export async function putProof(tx: Db, kernelId: string, cve: CveId, proof: Proof, at: Date): Promise<void> {
  await sql`
    INSERT INTO proof (kernel_id, cve_id, proof, proved_at)
    VALUES (${kernelId}, ${cve}, ${storableJson(proof)}::jsonb, ${at}::timestamptz)
    ON CONFLICT (kernel_id, cve_id) DO UPDATE SET proof = excluded.proof, proved_at = excluded.proved_at`.execute(tx);
}

/** What was found about one CVE in a kernel's source, if it was looked for. */
export async function getProof(db: Db, kernelId: string, cve: CveId): Promise<Proof | undefined> {
  const row = await db
    .selectFrom('proof')
    .select('proof')
    .where('kernel_id', '=', kernelId)
    .where('cve_id', '=', cve)
    .executeTakeFirst();
  return row?.proof as Proof | undefined;
}

/** What was found about a kernel's source, by CVE. */
export async function proofsOf(db: Db, kernelId: string): Promise<Map<CveId, Proof>> {
  const rows = await db.selectFrom('proof').select(['cve_id', 'proof']).where('kernel_id', '=', kernelId).execute();
  return new Map(rows.map((row) => [row.cve_id as CveId, row.proof as unknown as Proof]));
}
