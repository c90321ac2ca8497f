import { sql } from 'kysely';
import type { CveId, VerdictStatus } from '#domain';
import { priorityOrder } from './priorities.ts';
import type { Db } from './store.ts';

const CVES_PER_PAGE = 500;

/** One CVE and its status for each kernel; a kernel that is not named was not decided: unknown, never harmless. */
export interface MatrixRow {
  readonly cve: CveId;
  readonly title: string;
  /** By kernel id. */
  readonly status: ReadonlyMap<string, VerdictStatus>;
}

/** Every CVE in everyone's order with its status for these kernels. Reads each verdict once, a page of CVEs at a time. */
export async function* matrixRows(db: Db, kernelIds: readonly string[]): AsyncGenerator<MatrixRow> {
  const { rows: ids } = await sql<{ id: string }>`
    SELECT cve.id FROM cve LEFT JOIN priority ON priority.cve_id = cve.id
    ORDER BY ${priorityOrder}, cve.id`.execute(db);
  for (let start = 0; start < ids.length; start += CVES_PER_PAGE) {
    const page = ids.slice(start, start + CVES_PER_PAGE).map(({ id }) => id);
    const { rows } = await sql<{ id: string; title: string; kernels: string[]; statuses: string[] }>`
      SELECT cve.id, cve.title, coalesce(v.kernels, '{}') AS kernels, coalesce(v.statuses, '{}') AS statuses
      FROM unnest(${page}::text[]) WITH ORDINALITY AS wanted (id, place)
      JOIN cve ON cve.id = wanted.id
      LEFT JOIN (
        SELECT cve_id, array_agg(kernel_id) AS kernels, array_agg(status) AS statuses
        FROM verdict WHERE kernel_id = ANY(${kernelIds}::text[]) AND cve_id = ANY(${page}::text[])
        GROUP BY cve_id) AS v ON v.cve_id = cve.id
      ORDER BY wanted.place`.execute(db);
    for (const { id, title, kernels, statuses } of rows) {
      const status = new Map(kernels.map((kernel, i) => [kernel, statuses[i] as VerdictStatus]));
      yield { cve: id as CveId, title, status };
    }
  }
}
