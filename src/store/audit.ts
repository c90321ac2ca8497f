import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { storable, storableJson } from './storable.ts';
import type { Db } from './store.ts';

const ROWS_PER_READ = 5_000;
const NO_HASH = '0'.repeat(64);

/**
 * Who did what, why, and what shows it (`detail`; its `reason` is kept as the reason); written in the same transaction as what was
 * done. The database chains the row to the one before (migration 0019).
 */
export async function addAudit(
  tx: Db,
  entry: { at: Date; actor: string; action: string; subject: string; detail: unknown },
): Promise<void> {
  const detail = storableJson(entry.detail);
  const reason = reasonOf(entry.detail);
  await sql`
    INSERT INTO audit (at, actor, action, subject, detail, reason, via)
    VALUES (${entry.at}, ${storable(entry.actor)}, ${entry.action}, ${storable(entry.subject)}, ${detail}::jsonb,
      ${storable(reason)}, coalesce(nullif(current_setting('tuxtape.via', true), ''), 'machine'))`.execute(tx);
}

function reasonOf(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null || !('reason' in detail)) return '';
  return typeof detail.reason === 'string' ? detail.reason : '';
}

/** How whoever acts in this transaction came in, for every row of the audit log that it writes: `session`, `token ID`. */
export async function actVia(tx: Db, via: string): Promise<void> {
  await sql`SELECT set_config('tuxtape.via', ${storable(via)}, true)`.execute(tx);
}

export interface AuditRow {
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly via: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly detail: unknown;
  readonly hash: string;
}

const columns = ['seq', 'at', 'actor', 'via', 'action', 'subject', 'reason', 'detail', 'hash'] as const;

/** What was done to a subject, oldest first. */
export async function auditOf(db: Db, subject: string): Promise<AuditRow[]> {
  const rows = await db.selectFrom('audit').select(columns).where('subject', '=', subject).orderBy('seq').execute();
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

export interface AuditFilter {
  /** Only rows before this one. */
  readonly before?: number | undefined;
  readonly subject?: string | undefined;
  readonly actor?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listAudit(db: Db, { before, subject, actor, limit }: AuditFilter): Promise<AuditRow[]> {
  let query = db.selectFrom('audit').select(columns).orderBy('seq', 'desc').limit(limit);
  if (before !== undefined) query = query.where('seq', '<', String(before));
  if (subject !== undefined) query = query.where('subject', '=', storable(subject));
  if (actor !== undefined) query = query.where('actor', '=', storable(actor));
  return (await query.execute()).map((row) => ({ ...row, seq: Number(row.seq) }));
}

/** A row that was seen once: whoever wrote it down elsewhere can tell that the log was made anew, or cut off. */
export interface AuditMark {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditCheck {
  readonly rows: number;
  /** The newest row that is good; null: there is none. */
  readonly head: AuditMark | null;
  /** The first row that is not as it was written, or is missing; null: the chain is whole. */
  readonly fault: { readonly seq: number; readonly what: string } | null;
}

interface Line {
  seq: number;
  at: string;
  actor: string;
  via: string;
  action: string;
  subject: string;
  reason: string;
  detail: string;
  previous: string;
  hash: string;
}

/** Reads the whole log and makes each hash again. `marks`: rows that must be in it as they were. Nothing is written. */
export async function verifyAudit(db: Db, marks: readonly AuditMark[] = []): Promise<AuditCheck> {
  const known = new Map(marks.map(({ seq, hash }) => [seq, hash]));
  let head: AuditMark = { seq: 0, hash: NO_HASH };
  for (;;) {
    const lines = await readLines(db, head.seq);
    for (const line of lines) {
      const what = faultOf(line, head, known);
      if (what !== null) return { rows: head.seq, head: headOf(head), fault: { seq: head.seq + 1, what } };
      head = { seq: line.seq, hash: line.hash };
    }
    if (lines.length < ROWS_PER_READ) break;
  }
  const lost = Math.min(...marks.map(({ seq }) => seq).filter((seq) => seq > head.seq));
  const fault = Number.isFinite(lost) ? { seq: head.seq + 1, what: `row ${lost} was seen, and is not there` } : null;
  return { rows: head.seq, head: headOf(head), fault };
}

function headOf(head: AuditMark): AuditMark | null {
  return head.seq === 0 ? null : head;
}

function faultOf(line: Line, before: AuditMark, known: ReadonlyMap<number, string>): string | null {
  if (line.seq !== before.seq + 1) return `it is missing; the next one is ${line.seq}`;
  if (line.previous !== before.hash) return 'it does not follow the row before it';
  if (line.hash !== lineHash(line)) return 'its content is not what was written';
  const seen = known.get(line.seq);
  return seen === undefined || seen === line.hash ? null : 'it is not the row that was seen: the log was made anew';
}

/** As `audit_hash` of migration 0019: each field with its length in bytes before it. */
function lineHash({ previous, seq, at, actor, via, action, subject, reason, detail }: Line): string {
  const hash = createHash('sha256');
  const fields = ['tuxtape audit v1', previous, String(seq), at, actor, via, action, subject, reason, detail];
  for (const field of fields) hash.update(`${Buffer.byteLength(field)}:${field}`);
  return hash.digest('hex');
}

async function readLines(db: Db, after: number): Promise<Line[]> {
  const { rows } = await sql<Line>`
    SELECT seq, ((extract(epoch FROM at) * 1000000)::bigint)::text AS at, actor, via, action, subject, reason,
      detail::text AS detail, previous, hash
    FROM audit WHERE seq > ${after} ORDER BY seq LIMIT ${ROWS_PER_READ}`.execute(db);
  return rows;
}
