import { sql } from 'kysely';
import type { FleetReport } from './hosts.ts';
import { storable } from './storable.ts';
import type { Db } from './store.ts';

export interface ReportFilter {
  readonly blamed?: boolean | undefined;
  readonly kind?: string | undefined;
  readonly host?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** What kernels reported: the same trouble once, what a livepatch is blamed for first, then the newest. */
export async function pageReports(db: Db, filter: ReportFilter): Promise<FleetReport[]> {
  const { blamed, kind, host, limit, offset } = filter;
  const { rows } = await sql<FleetReport>`
    SELECT r.key, min(r.kind) AS kind, min(r.severity) AS severity, min(r.title) AS title, bool_or(r.blamed) AS blamed,
      count(*)::integer AS hosts, sum(r.count)::float8 AS count, min(r.first_at) AS "firstAt", max(r.last_at) AS "lastAt"
    FROM host_report r
    WHERE ${host === undefined ? sql`true` : sql`r.host_id = ${host}::uuid`}
      AND ${kind === undefined ? sql`true` : sql`r.kind = ${storable(kind)}`}
    GROUP BY r.key HAVING ${blamed === undefined ? sql`true` : sql`bool_or(r.blamed) = ${blamed}`}
    ORDER BY bool_or(r.blamed) DESC, max(r.last_at) DESC, r.key LIMIT ${limit} OFFSET ${offset}`.execute(db);
  return rows;
}

/** A host that reported one trouble. */
export interface ReportingHost {
  readonly id: string;
  readonly name: string;
  readonly release: number | null;
  readonly blamed: boolean;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** The hosts that reported it, those that did so last first. */
export async function hostsOfReport(db: Db, key: string, limit: number): Promise<ReportingHost[]> {
  const { rows } = await sql<ReportingHost>`
    SELECT h.id, h.name, r.release::float8 AS release, r.blamed, r.count::float8 AS count, r.first_at AS "firstAt",
      r.last_at AS "lastAt"
    FROM host_report r JOIN host h ON h.id = r.host_id WHERE r.key = ${storable(key)}
    ORDER BY r.last_at DESC, h.name LIMIT ${limit}`.execute(db);
  return rows;
}
