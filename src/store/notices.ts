import { sql } from 'kysely';
import { type CveId, type Notice, type NoticeKind, noticeSeverity, type Severity } from '#domain';
import { storable, storableJson } from './storable.ts';
import type { Db } from './store.ts';

/** Notices taken at a time: what is written down for each stays small. */
const PER_BATCH = 5_000;

/** Something to tell that has no trigger of its own (migration 0027 has those). */
export interface NewNotice {
  readonly at: Date;
  readonly kind: NoticeKind;
  readonly state: string;
  readonly kernelId: string | null;
  readonly cve: CveId | null;
  readonly subject: string;
  readonly detail: object;
}

/** Puts a notice into the outbox. Give the transaction that makes it so: both are there, or neither. */
export async function addNotice(tx: Db, notice: NewNotice): Promise<void> {
  const { at, kind, state, kernelId, cve, subject, detail } = notice;
  await sql`
    SELECT notify_tell(${at}::timestamptz, ${kind}, ${storable(state)}, ${kernelId}, ${cve}, ${storable(subject)},
      ${storableJson(detail)}::jsonb)`.execute(tx);
}

interface Row {
  readonly at: Date;
  readonly kind: string;
  readonly state: string;
  readonly cve_id: string | null;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly kernel: string | null;
  /** Kernels that the CVE affects, or may. */
  readonly touched: string[];
  readonly title: string | null;
  readonly score: number | null;
  readonly predicted: number | null;
}

/**
 * Takes what is in the outbox out of it, oldest first, with all that is told of it. Two that take at once get different ones. Nothing is
 * lost when the transaction is not committed.
 */
export async function takeNotices(tx: Db): Promise<Notice[]> {
  const { rows } = await sql<Row>`
    WITH taken AS (
      DELETE FROM notify_notice WHERE id IN (
        SELECT id FROM notify_notice ORDER BY id LIMIT ${PER_BATCH} FOR UPDATE SKIP LOCKED) RETURNING *)
    SELECT n.at, n.kind, n.state, n.cve_id, n.subject, n.detail, k.name AS kernel, cve.title,
      CASE WHEN n.kind = 'exploited' THEN ARRAY (
        SELECT kernel.name FROM verdict v JOIN kernel ON kernel.id = v.kernel_id
        WHERE v.cve_id = n.cve_id AND v.status IN ('affected', 'under_investigation') ORDER BY kernel.name)
        ELSE '{}'::text[] END AS touched,
      coalesce(
        (SELECT d.score FROM decision d WHERE d.cve_id = n.cve_id AND d.kind = 'severity' AND d.revoked_at IS NULL
          ORDER BY d.made_at DESC LIMIT 1),
        cve.score,
        (SELECT max((j ->> 'score')::real) FROM signal s, jsonb_array_elements(s.value -> 'judgements') j
          WHERE s.cve_id = n.cve_id AND s.source IN ('nvd', 'vulnrichment'))) AS score,
      p.probability AS predicted
    FROM taken n LEFT JOIN kernel k ON k.id = n.kernel_id LEFT JOIN cve ON cve.id = n.cve_id
      LEFT JOIN prediction p ON p.cve_id = n.cve_id
    ORDER BY n.id`.execute(tx);
  return rows.map(toNotice);
}

function toNotice(row: Row): Notice {
  const kind = row.kind as NoticeKind;
  return {
    at: row.at.toISOString(),
    ...{ kind, state: row.state },
    ...severity(row),
    kernels: row.kernel === null ? row.touched : [row.kernel],
    cve: row.cve_id as CveId | null,
    subject: row.subject,
    title: titleOf(row),
    count: 1,
    subjects: [row.subject],
  };
}

function severity(row: Row): Pick<Notice, 'severity' | 'severityFrom'> {
  if (row.cve_id !== null) return noticeSeverity(row.score, row.predicted);
  return { severity: ofKind(row), severityFrom: 'kind' };
}

/** What has no CVE: how much it matters that it is looked at soon. */
function ofKind({ kind, state }: Row): Severity {
  if (kind === 'report' || kind === 'rollout' || state === 'quarantined') return 'critical';
  if (['cloned', 'lying', 'reverted', 'fleet-silent'].includes(state)) return 'high';
  return state === 'clock' || state === 'heard-again' ? 'low' : 'medium';
}

function titleOf({ title, detail }: Row): string {
  const word = (key: string): string | null => {
    const value = detail?.[key];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return word('why') ?? word('title') ?? word('alarm') ?? title ?? '';
}

/**
 * Writes down which hosts have gone silent since it was last asked, and which were heard of again, with a notice for each. `before`:
 * whoever was not heard of since then is silent. Give a transaction.
 */
export async function noteSilence(tx: Db, before: Date, now: Date): Promise<void> {
  await sql`
    WITH back AS (
      DELETE FROM notify_silence s USING host h
      WHERE h.id = s.host_id AND (h.decommissioned_at IS NOT NULL OR h.seen_at >= ${before}::timestamptz)
      RETURNING h.id, h.name, h.build_id, h.decommissioned_at)
    SELECT notify_tell(${now}::timestamptz, 'host', 'heard-again', k.id, NULL, back.name, jsonb_build_object('host', back.id))
    FROM back LEFT JOIN kernel k ON k.build_id = back.build_id WHERE back.decommissioned_at IS NULL`.execute(tx);
  await sql`
    WITH gone AS (
      INSERT INTO notify_silence (host_id, since)
      SELECT id, coalesce(seen_at, enrolled_at) FROM host
      WHERE decommissioned_at IS NULL AND coalesce(seen_at, enrolled_at) < ${before}::timestamptz
      ON CONFLICT DO NOTHING RETURNING host_id)
    SELECT notify_tell(${now}::timestamptz, 'host', 'silent', k.id, NULL, h.name, jsonb_build_object('host', h.id))
    FROM gone JOIN host h ON h.id = gone.host_id LEFT JOIN kernel k ON k.build_id = h.build_id`.execute(tx);
}
