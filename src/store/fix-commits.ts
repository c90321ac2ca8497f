import { sql } from 'kysely';
import type { CveId } from '#domain';
import type { Db } from './store.ts';

/** CVEs whose records name one of these commits as a fix, by commit. */
export async function cvesOfFixes(db: Db, commits: readonly string[]): Promise<Map<string, CveId[]>> {
  if (commits.length === 0) return new Map();
  const { rows } = await sql<{ commit: string; id: string }>`
    SELECT DISTINCT wanted.commit, cve.id
    FROM unnest(${commits}::text[]) AS wanted (commit)
    JOIN cve ON cve.state = 'published'
      AND cve.ranges @> jsonb_build_array(jsonb_build_object('fixed', jsonb_build_object('commit', wanted.commit)))
    ORDER BY cve.id`.execute(db);
  const found = Map.groupBy(rows, ({ commit }) => commit);
  return new Map([...found].map(([commit, list]) => [commit, list.map(({ id }) => id as CveId)]));
}
