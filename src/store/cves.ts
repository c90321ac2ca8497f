import { sql } from 'kysely';
import type { CveId, CveRecord, CveState, Range } from '#domain';
import { jsonBatches } from './storable.ts';
import type { Db } from './store.ts';

export interface CveRow {
  readonly record: CveRecord;
  /** CVSS base score computed from the vector; null = not scored. */
  readonly score: number | null;
  /** Ids of the git blobs the record was read from; '' for a mail. */
  readonly oid: string;
}

/** Inserts or replaces CVEs; of several rows for one CVE the last counts. */
export async function upsertCves(tx: Db, rows: readonly CveRow[]): Promise<void> {
  const latest = new Map(rows.map((row) => [row.record.id, row]));
  const values = [...latest.values()].map(({ record, score, oid }) => ({
    id: record.id,
    state: record.state,
    source: record.source,
    title: record.title,
    description: record.description,
    files: record.files,
    ranges: record.ranges,
    cvss_vector: record.cvssVector,
    rationale: record.rationale,
    vulnerable_commits: record.vulnerableCommits,
    score,
    refs: record.references,
    oid,
  }));
  for (const batch of jsonBatches(values)) {
    await sql`
      INSERT INTO cve (id, state, source, title, description, files, ranges, cvss_vector, rationale,
        vulnerable_commits, score, refs, oid)
      SELECT id, state, source, title, description, files, ranges, cvss_vector, rationale, vulnerable_commits, score, refs, oid
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (
        id text, state text, source text, title text, description text, files text[],
        ranges jsonb, cvss_vector text, rationale text, vulnerable_commits text[], score real, refs text[], oid text)
      ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, source = excluded.source, title = excluded.title, description = excluded.description,
        files = excluded.files, ranges = excluded.ranges, cvss_vector = excluded.cvss_vector, rationale = excluded.rationale,
        vulnerable_commits = excluded.vulnerable_commits, score = excluded.score, refs = excluded.refs, oid = excluded.oid`.execute(
      tx,
    );
  }
}

/** Every CVE that is known. */
export async function cveIds(db: Db): Promise<Set<CveId>> {
  const rows = await db.selectFrom('cve').select('id').execute();
  return new Set(rows.map(({ id }) => id as CveId));
}

/** Which blobs each stored record was read from. */
export async function storedOids(db: Db): Promise<Map<CveId, string>> {
  const rows = await db.selectFrom('cve').select(['id', 'oid']).execute();
  return new Map(rows.map((row) => [row.id as CveId, row.oid]));
}

const columns = [
  'id',
  'state',
  'source',
  'title',
  'description',
  'files',
  'ranges',
  'cvss_vector',
  'rationale',
  'vulnerable_commits',
  'refs',
  'score',
  'oid',
] as const;

interface StoredCve {
  id: string;
  state: string;
  source: string;
  title: string;
  description: string;
  files: string[];
  ranges: unknown;
  cvss_vector: string | null;
  rationale: string | null;
  vulnerable_commits: string[];
  refs: string[];
  score: number | null;
  oid: string;
}

function fromRow(row: StoredCve): CveRow {
  const record: CveRecord = {
    id: row.id as CveId,
    state: row.state as CveState,
    source: row.source as CveRecord['source'],
    title: row.title,
    description: row.description,
    files: row.files,
    ranges: row.ranges as Range[],
    cvssVector: row.cvss_vector,
    rationale: row.rationale,
    vulnerableCommits: row.vulnerable_commits,
    references: row.refs,
  };
  return { record, score: row.score, oid: row.oid };
}

export async function getCve(db: Db, id: CveId): Promise<CveRow | undefined> {
  const row = await db.selectFrom('cve').select(columns).where('id', '=', id).executeTakeFirst();
  return row && fromRow(row);
}

/** CVEs of the given ids, those that are there. */
export async function getCves(db: Db, ids: readonly CveId[]): Promise<CveRow[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('cve')
    .select(columns)
    .where('id', 'in', [...ids])
    .execute();
  return rows.map(fromRow);
}

const light = columns.filter((column) => column !== 'description' && column !== 'rationale');

/** Every CVE without the long texts, which no verdict reads. */
export async function allCves(db: Db): Promise<CveRow[]> {
  const rows = await db.selectFrom('cve').select(light).execute();
  return rows.map((row) => fromRow({ ...row, description: '', rationale: null }));
}

/** A CVE as a verdict reads it, and the word for that content which `dueVerdicts` knows it by. */
export interface TriagedCve {
  readonly record: CveRecord;
  readonly content: string;
}

/** These CVEs, or all, for triage: without the long texts. */
export async function triagedCves(db: Db, ids: readonly CveId[] | 'all'): Promise<Map<CveId, TriagedCve>> {
  let query = db.selectFrom('cve').select([...light, 'content']);
  if (ids !== 'all') query = query.where(sql<boolean>`id = ANY(${ids}::text[])`);
  const rows = await query.execute();
  return new Map(
    rows.map(({ content, ...row }) => [
      row.id as CveId,
      { record: fromRow({ ...row, description: '', rationale: null }).record, content },
    ]),
  );
}

export async function countCves(db: Db): Promise<{ published: number; rejected: number; scored: number }> {
  const row = await db
    .selectFrom('cve')
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere('state', '=', 'published').as('published'),
      fn.countAll<number>().filterWhere('state', '=', 'rejected').as('rejected'),
      fn.countAll<number>().filterWhere('score', 'is not', null).as('scored'),
    ])
    .executeTakeFirstOrThrow();
  return { published: row.published, rejected: row.rejected, scored: row.scored };
}
