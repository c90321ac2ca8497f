import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { CveId, Priority } from '#domain';
import { jsonBatches } from './storable.ts';
import type { Db } from './store.ts';

/** A priority as it is stored: `classRank` sorts, `until` is when time alone changes it. Its terms are told anew when asked. */
export interface StoredPriority {
  readonly priority: Omit<Priority, 'terms'>;
  readonly classRank: number;
  readonly until: Date | null;
}

export async function putPriorities(tx: Db, rows: readonly StoredPriority[]): Promise<void> {
  const values = rows.map(({ priority, classRank, until }) => ({
    cve_id: priority.cve,
    class: priority.class,
    class_rank: classRank,
    weight: priority.weight,
    origin: priority.origin,
    reach: priority.reach,
    epss: priority.epss,
    announced_at: priority.announced,
    until,
  }));
  for (const batch of jsonBatches(values)) {
    await sql`
      INSERT INTO priority (cve_id, class, class_rank, weight, origin, reach, epss, announced_at, until)
      SELECT cve_id, class, class_rank, weight, origin, reach, epss, announced_at, until
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (
        cve_id text, class text, class_rank smallint, weight real, origin text, reach text, epss real,
        announced_at timestamptz, until timestamptz)
      ON CONFLICT (cve_id) DO UPDATE SET
        class = excluded.class, class_rank = excluded.class_rank, weight = excluded.weight, origin = excluded.origin,
        reach = excluded.reach, epss = excluded.epss, announced_at = excluded.announced_at, until = excluded.until`.execute(
      tx,
    );
  }
}

/** Tells the planner what a table looks like after most of it changed; else the first lists are planned blindly. */
export async function analyze(tx: Db): Promise<void> {
  await sql`ANALYZE cve, priority, prediction, verdict`.execute(tx);
}

/** Everyone's order, for ORDER BY; the index `priority_order` has it. */
export const priorityOrder = sql`
  priority.class_rank, priority.weight DESC, (priority.origin = 'predicted'), (coalesce(priority.epss, 0)) DESC,
  priority.announced_at DESC NULLS LAST, priority.cve_id`;

/** The columns of `priorityOrder`, each turned so that it rises. */
function place(of: string): RawBuilder<unknown> {
  return sql`
    (${sql.ref(`${of}.class_rank`)}, -${sql.ref(`${of}.weight`)}, (${sql.ref(`${of}.origin`)} = 'predicted'),
      -coalesce(${sql.ref(`${of}.epss`)}, 0),
      coalesce(-extract(epoch FROM ${sql.ref(`${of}.announced_at`)}), 'Infinity'::numeric), ${sql.ref(`${of}.cve_id`)})`;
}

/** Is the row of `priority` behind that of this CVE, as it stands now? Not so when either has no rank yet. */
export function behindRanked(after: CveId): RawBuilder<SqlBool> {
  return sql<SqlBool>`EXISTS (
    SELECT FROM priority AS mark WHERE mark.cve_id = ${after} AND ${place('priority')} > ${place('mark')})`;
}

/** One ranking at a time, and no mark (an UPDATE, even of no row) between what it reads and what it writes. */
export async function lockPriorities(tx: Db): Promise<void> {
  await sql`LOCK TABLE priority IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
}

/** CVEs whose priority is missing, or changes by time alone. */
export async function duePriorities(db: Db, now: Date): Promise<CveId[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT cve.id FROM cve LEFT JOIN priority ON priority.cve_id = cve.id
    WHERE priority.cve_id IS NULL OR priority.until <= ${now}::timestamptz`.execute(db);
  return rows.map((row) => row.id as CveId);
}

/** Marks CVEs whose priority must be made anew; readers see the old one until then. */
export async function markDue(tx: Db, cves: readonly CveId[] | 'all'): Promise<void> {
  if (cves.length === 0) return;
  const among = cves === 'all' ? sql`true` : sql`cve_id = ANY(${cves}::text[])`;
  await sql`UPDATE priority SET until = '-infinity' WHERE ${among}`.execute(tx);
}

/** A prediction of the severity model, for one text. */
export interface PredictionRow {
  readonly cve: CveId;
  readonly probability: number;
  readonly model: string;
  readonly textMd5: string;
}

export async function putPredictions(tx: Db, rows: readonly PredictionRow[]): Promise<void> {
  for (const batch of jsonBatches(rows)) {
    await sql`
      INSERT INTO prediction (cve_id, probability, model, text_md5)
      SELECT cve, probability, model, "textMd5"
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (cve text, probability real, model text, "textMd5" text)
      ON CONFLICT (cve_id) DO UPDATE SET
        probability = excluded.probability, model = excluded.model, text_md5 = excluded.text_md5`.execute(tx);
  }
}

/** What a prediction depends on: title, description and files, as one digest. */
const TEXT = sql<string>`md5(jsonb_build_array(cve.title, cve.description, cve.files)::text)`;

/** Texts that this model has not seen yet, of the given CVEs or of all. */
export async function unpredicted(
  db: Db,
  model: string,
  cves: readonly CveId[] | 'all',
): Promise<{ cve: CveId; title: string; description: string; files: string[]; textMd5: string }[]> {
  const among = cves === 'all' ? sql`true` : sql`cve.id = ANY(${cves}::text[])`;
  const { rows } = await sql<{ id: string; title: string; description: string; files: string[]; text_md5: string }>`
    SELECT cve.id, cve.title, cve.description, cve.files, ${TEXT} AS text_md5
    FROM cve LEFT JOIN prediction ON prediction.cve_id = cve.id
    WHERE ${among} AND (prediction.cve_id IS NULL OR prediction.model <> ${model} OR prediction.text_md5 <> ${TEXT})`.execute(
    db,
  );
  return rows.map(({ id, text_md5: textMd5, ...text }) => ({ ...text, cve: id as CveId, textMd5 }));
}

/** What a priority is made of beside signals and decisions. */
export interface RankedCve {
  readonly id: CveId;
  readonly state: 'published' | 'rejected';
  readonly files: string[];
  readonly cvssVector: string | null;
  readonly score: number | null;
  readonly announced: Date | null;
  readonly predicted: number;
  readonly affected: number;
  readonly open: number;
  /** The module is loaded on no host of any kernel that it affects, and what can have it loaded; null: loaded or unknown. */
  readonly loadedNowhere: 'on-demand' | 'hardware' | null;
}

/** The given CVEs, or all, with prediction and how many kernels they affect. */
export async function rankedCves(db: Db, cves: readonly CveId[] | 'all'): Promise<RankedCve[]> {
  const among = cves === 'all' ? sql`true` : sql`cve.id = ANY(${cves}::text[])`;
  const touched = cves === 'all' ? sql`true` : sql`verdict.cve_id = ANY(${cves}::text[])`;
  const { rows } = await sql<RankedCve>`
    SELECT cve.id, cve.state, cve.files, cve.cvss_vector AS "cvssVector", cve.score, cve.announced_at AS announced,
      coalesce(prediction.probability, 0) AS predicted, coalesce(v.affected, 0) AS affected, coalesce(v.open, 0) AS open,
      CASE v.hidden WHEN 1 THEN 'on-demand' WHEN 2 THEN 'hardware' END AS "loadedNowhere"
    FROM cve
    LEFT JOIN prediction ON prediction.cve_id = cve.id
    LEFT JOIN (
      SELECT cve_id, count(*) FILTER (WHERE status = 'affected') AS affected,
        count(*) FILTER (WHERE status = 'under_investigation') AS open,
        -- The most exposed kernel counts; 0: its code is there, or nobody knows.
        min(CASE exposure WHEN 'on-demand' THEN 1 WHEN 'hardware' THEN 2 WHEN 'by-name' THEN 2 WHEN 'blocked' THEN 2 ELSE 0 END)
          FILTER (WHERE status = 'affected') AS hidden
      FROM verdict WHERE ${touched} GROUP BY cve_id) AS v ON v.cve_id = cve.id
    WHERE ${among}`.execute(db);
  return rows;
}

/** Kernels that have verdicts: what an exposure is counted against. */
export async function countTriagedKernels(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(DISTINCT kernel_id) AS n FROM verdict`.execute(db);
  return rows[0]?.n ?? 0;
}
