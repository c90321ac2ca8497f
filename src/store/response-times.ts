import { sql } from 'kysely';
import { approvalNeed, type CveId, type LivepatchRecipe, type ResponseTimes } from '#domain';
import type { Db } from './store.ts';

export interface ResponseFilter {
  readonly kernelId?: string | undefined;
  readonly cve?: CveId | undefined;
  /** Only CVEs that were published from then on; one without a date is left out. */
  readonly since?: Date | undefined;
}

/** A livepatch as far as it came. */
interface LivepatchTimes {
  readonly id: string;
  readonly kernel_id: string;
  readonly recipe: LivepatchRecipe;
  readonly built_at: Date;
  readonly proved_at: Date | null;
  readonly approvals: { readonly actor: string; readonly at: string }[] | null;
  readonly published_at: Date | null;
  readonly accepted_at: Date | null;
}

interface PairRow {
  readonly cve_id: string;
  readonly kernel_id: string;
  readonly kernel: string;
  readonly added_at: Date;
  readonly published: Date | null;
  readonly read: Date | null;
  readonly verdict: Date | null;
}

/** For every CVE that affects, or was once said to affect, a kernel: when each stage was reached. By publication, newest first. */
export async function responseTimes(db: Db, filter: ResponseFilter): Promise<ResponseTimes[]> {
  const pairs = await affectedPairs(db, filter);
  const byKernel = Map.groupBy(await livepatchTimes(db, filter.kernelId), ({ kernel_id: id }) => id);
  const having = new Map(
    [...byKernel].map(([kernel, all]) => {
      const perCve = new Map<string, LivepatchTimes[]>();
      for (const one of all) for (const cve of one.recipe.cves) perCve.set(cve, [...(perCve.get(cve) ?? []), one]);
      return [kernel, perCve];
    }),
  );
  return pairs.map((pair) => {
    const livepatches = having.get(pair.kernel_id)?.get(pair.cve_id) ?? [];
    const { published, read, verdict } = pair;
    const times = {
      ...{ published, read, verdict },
      built: earliest(livepatches.map(({ built_at: at }) => at)),
      proved: earliest(livepatches.map(({ proved_at: at }) => at)),
      approved: earliest(livepatches.map(approvedAt)),
      released: earliest(livepatches.map(({ published_at: at }) => at)),
      accepted: earliest(livepatches.map(({ accepted_at: at }) => at)),
    };
    const backlog = published !== null && published < pair.added_at;
    return { cve: pair.cve_id as CveId, kernel: pair.kernel, times, backlog };
  });
}

function earliest(times: readonly (Date | null)[]): Date | null {
  const known = times.filter((at) => at !== null).map((at) => at.getTime());
  return known.length === 0 ? null : new Date(Math.min(...known));
}

/** When so many people had said yes as the livepatch needs; null: not yet, or it was published without. */
function approvedAt({ approvals, recipe }: LivepatchTimes): Date | null {
  const first = new Map<string, number>();
  for (const { actor, at } of approvals ?? []) {
    const time = Date.parse(at);
    first.set(actor, Math.min(time, first.get(actor) ?? time));
  }
  const time = [...first.values()].toSorted((a, b) => a - b)[approvalNeed(recipe).needed - 1];
  return time === undefined ? null : new Date(time);
}

/**
 * Since when a CVE affects a kernel: the first change to it that was logged; where none was (the first verdicts of a kernel are not), since
 * when the verdict stands.
 */
async function affectedPairs(db: Db, { kernelId, cve, since }: ResponseFilter): Promise<PairRow[]> {
  const { rows } = await sql<PairRow>`
    SELECT p.cve_id, p.kernel_id, k.name AS kernel, k.added_at, c.announced_at AS published, c.read_at AS read,
      coalesce(min(p.changed), min(p.stands)) AS verdict
    FROM (
      SELECT cve_id, kernel_id, at AS changed, NULL::timestamptz AS stands FROM verdict_change WHERE after = 'affected'
      UNION ALL
      SELECT cve_id, kernel_id, NULL, decided_at FROM verdict WHERE status = 'affected') p
    JOIN kernel k ON k.id = p.kernel_id JOIN cve c ON c.id = p.cve_id
    WHERE (${kernelId ?? null}::text IS NULL OR p.kernel_id = ${kernelId ?? null})
      AND (${cve ?? null}::text IS NULL OR p.cve_id = ${cve ?? null})
      AND (${since ?? null}::timestamptz IS NULL OR c.announced_at >= ${since ?? null}::timestamptz)
    GROUP BY p.cve_id, p.kernel_id, k.name, k.added_at, c.announced_at, c.read_at
    ORDER BY c.announced_at DESC NULLS LAST, p.cve_id DESC, k.name`.execute(db);
  return rows;
}

/**
 * A host's accepted release counts for the kernel that it ran then, by its own history: numbers of releases are told apart only within a
 * build-id.
 */
async function livepatchTimes(db: Db, kernelId: string | undefined): Promise<LivepatchTimes[]> {
  const { rows } = await sql<LivepatchTimes>`
    WITH released AS (
      SELECT subject AS id, min(at) AS at, min(detail ->> 'buildId') AS build_id, min((detail ->> 'number')::bigint) AS number
      FROM audit WHERE action IN ('livepatch.publish', 'livepatch.publish-without-approval') GROUP BY subject),
    accepted AS (
      SELECT ran.build_id, (e.detail ->> 'release')::bigint AS number, min(e.at) AS at
      FROM host_event e CROSS JOIN LATERAL (
        SELECT b.detail ->> 'to' AS build_id FROM host_event b
        WHERE b.host_id = e.host_id AND b.kind = 'kernel' AND b.at <= e.at ORDER BY b.at DESC, b.id DESC LIMIT 1) ran
      WHERE e.kind = 'state' AND e.detail ->> 'to' = 'accepted' AND e.detail ->> 'release' IS NOT NULL
      GROUP BY ran.build_id, e.detail ->> 'release')
    SELECT l.id, l.kernel_id, l.recipe, l.built_at, r.at AS published_at, a.at AS accepted_at,
      CASE WHEN l.gate ->> 'passed' = 'true'
        THEN (l.gate ->> 'startedAt')::timestamptz + make_interval(secs => (l.gate ->> 'seconds')::double precision) END AS proved_at,
      (SELECT jsonb_agg(jsonb_build_object('actor', actor, 'at', at)) FROM audit
        WHERE action = 'livepatch.approve' AND subject = l.id) AS approvals
    FROM livepatch l LEFT JOIN released r ON r.id = l.id
      LEFT JOIN accepted a ON a.build_id = r.build_id AND a.number = r.number
    WHERE ${kernelId ?? null}::text IS NULL OR l.kernel_id = ${kernelId ?? null}`.execute(db);
  return rows;
}
