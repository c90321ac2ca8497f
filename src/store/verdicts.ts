import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import {
  type CveId,
  type Evidence,
  type Justification,
  type PriorityClass,
  type ReachClass,
  type Severity,
  severityOf,
  type Verdict,
  type VerdictStatus,
} from '#domain';
import { behindRanked, priorityOrder } from './priorities.ts';
import type { Db } from './store.ts';

export interface VerdictRow {
  readonly verdict: Verdict;
  /** Since when it stands, with this evidence. */
  readonly decidedAt: Date;
  readonly title: string;
  readonly score: number | null;
  readonly vector: string | null;
  readonly files: readonly string[];
  /** Null until the CVE is ranked, as are the next two. */
  readonly class: PriorityClass | null;
  readonly reach: ReachClass | null;
  /** Severity x reach x exposure. */
  readonly weight: number | null;
  /** Predicted probability that the CNA would score it HIGH or above. */
  readonly predicted: number | null;
}

/** The rung that decided: the last one that cleared or supported. */
export function decidingRung(evidence: readonly Evidence[]): string {
  return evidence.findLast(({ outcome }) => outcome !== 'inconclusive')?.rung ?? evidence.at(-1)?.rung ?? 'ranges';
}

export interface VerdictFilter {
  readonly status?: VerdictStatus | undefined;
  readonly severity?: Severity | undefined;
  /** Text to find in id, title or files. */
  readonly text?: string | undefined;
  /** 0 = all. */
  readonly limit: number;
  /** Only what stands behind this CVE in everyone's order, as it stands now. */
  readonly after?: CveId | undefined;
}

/** Is the CNA's score in this band? */
export function bandOf(severity: Severity): Expression<SqlBool> {
  const bands: Record<Severity, Expression<SqlBool>> = {
    critical: sql`cve.score >= 9`,
    high: sql`cve.score >= 7 AND cve.score < 9`,
    medium: sql`cve.score >= 4 AND cve.score < 7`,
    low: sql`cve.score > 0 AND cve.score < 4`,
    none: sql`cve.score = 0`,
    'not-scored': sql`cve.score IS NULL`,
  };
  return bands[severity];
}

function base(db: Db, kernelId: string) {
  return db
    .selectFrom('verdict')
    .innerJoin('cve', 'cve.id', 'verdict.cve_id')
    .where('verdict.kernel_id', '=', kernelId);
}

const columns = [
  ...([
    'verdict.cve_id',
    'status',
    'justification',
    'evidence',
    'decided_at',
    'title',
    'score',
    'cvss_vector',
    'files',
  ] as const),
  ...(['priority.class', 'priority.reach', 'priority.weight', 'prediction.probability'] as const),
] as const;

function ranked(db: Db, kernelId: string) {
  return base(db, kernelId)
    .leftJoin('priority', 'priority.cve_id', 'cve.id')
    .leftJoin('prediction', 'prediction.cve_id', 'cve.id')
    .select(columns);
}

type Row = Awaited<ReturnType<ReturnType<typeof ranked>['execute']>>[number];

function fromRow(row: Row): VerdictRow {
  const verdict: Verdict = {
    cve: row.cve_id as CveId,
    status: row.status as VerdictStatus,
    justification: row.justification as Justification | null,
    evidence: row.evidence as unknown as Evidence[],
  };
  return {
    verdict,
    decidedAt: row.decided_at,
    title: row.title,
    score: row.score,
    vector: row.cvss_vector,
    files: row.files,
    class: row.class as PriorityClass | null,
    reach: row.reach as ReachClass | null,
    weight: row.weight,
    predicted: row.probability,
  };
}

/** In everyone's order. */
export async function listVerdicts(db: Db, kernelId: string, filter: VerdictFilter): Promise<VerdictRow[]> {
  let query = ranked(db, kernelId);
  if (filter.status !== undefined) query = query.where('verdict.status', '=', filter.status);
  if (filter.severity !== undefined) query = query.where(bandOf(filter.severity));
  if (filter.text !== undefined && filter.text !== '') {
    const pattern = `%${filter.text.replace(/[\\%_]/g, '\\$&')}%`;
    query = query.where(
      sql<boolean>`(cve.id ILIKE ${pattern} OR cve.title ILIKE ${pattern} OR array_to_string(cve.files, ' ') ILIKE ${pattern})`,
    );
  }
  query = query.orderBy(priorityOrder).orderBy('verdict.cve_id');
  if (filter.limit > 0) query = query.limit(filter.limit);
  if (filter.after !== undefined) query = query.where(behind(filter.after));
  return (await query.execute()).map(fromRow);
}

/** What has no rank yet stands behind what has one, by id. */
function behind(after: CveId): RawBuilder<SqlBool> {
  const isRanked = sql`EXISTS (SELECT FROM priority AS mark WHERE mark.cve_id = ${after})`;
  return sql<SqlBool>`CASE WHEN ${isRanked} THEN priority.cve_id IS NULL OR ${behindRanked(after)}
    ELSE priority.cve_id IS NULL AND verdict.cve_id > ${after} END`;
}

export async function getVerdict(db: Db, kernelId: string, cve: CveId): Promise<VerdictRow | undefined> {
  const row = await ranked(db, kernelId).where('verdict.cve_id', '=', cve).executeTakeFirst();
  return row && fromRow(row);
}

export interface VerdictCount {
  readonly status: VerdictStatus;
  /** The rung that decided. */
  readonly rung: string;
  readonly severity: Severity;
  readonly count: number;
}

export async function countVerdicts(db: Db, kernelId: string): Promise<VerdictCount[]> {
  const rows = await base(db, kernelId)
    .select(({ fn }) => ['verdict.status', 'verdict.rung', 'cve.score', fn.countAll<number>().as('n')])
    .groupBy(['verdict.status', 'verdict.rung', 'cve.score'])
    .execute();
  const counts = new Map<string, VerdictCount>();
  for (const row of rows) {
    const severity = severityOf(row.score);
    const key = `${row.status} ${row.rung} ${severity}`;
    const before = counts.get(key)?.count ?? 0;
    counts.set(key, { status: row.status as VerdictStatus, rung: row.rung, severity, count: before + row.n });
  }
  return [...counts.values()];
}
