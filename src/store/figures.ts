import { sql } from 'kysely';
import type { PriorityClass, ReachClass } from '#domain';
import type { Db } from './store.ts';

/** CVEs announced in a month (`2026-08`), by what the CNA scored; `notScored` is no zero. */
export interface MonthFigures {
  readonly month: string;
  readonly critical: number;
  readonly high: number;
  readonly lower: number;
  readonly notScored: number;
  /** Announced then, rejected since or at once. */
  readonly rejected: number;
}

/** CVEs by month of announcement, oldest first; those without a mail are not in it. */
export async function monthFigures(db: Db): Promise<MonthFigures[]> {
  const { rows } = await sql<MonthFigures>`
    SELECT to_char(announced_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
      count(*) FILTER (WHERE state = 'published' AND score >= 9) AS critical,
      count(*) FILTER (WHERE state = 'published' AND score >= 7 AND score < 9) AS high,
      count(*) FILTER (WHERE state = 'published' AND score < 7) AS lower,
      count(*) FILTER (WHERE state = 'published' AND score IS NULL) AS "notScored",
      count(*) FILTER (WHERE state = 'rejected') AS rejected
    FROM cve WHERE announced_at IS NOT NULL GROUP BY 1 ORDER BY 1`.execute(db);
  return rows;
}

/** Published CVEs by class and by reach. */
export async function classFigures(db: Db): Promise<{ class: PriorityClass; reach: ReachClass; count: number }[]> {
  const { rows } = await sql<{ class: PriorityClass; reach: ReachClass; count: number }>`
    SELECT priority.class, priority.reach, count(*) AS count
    FROM priority JOIN cve ON cve.id = priority.cve_id
    WHERE cve.state = 'published' GROUP BY 1, 2`.execute(db);
  return rows;
}
