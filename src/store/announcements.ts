import { sql } from 'kysely';
import type { Announcement, CveId } from '#domain';
import { jsonBatches } from './storable.ts';
import type { Db } from './store.ts';

/** Stores mails; one that is already there (same epoch and commit) is left as it is. */
export async function addAnnouncements(
  tx: Db,
  rows: readonly (Announcement & { readonly body: string })[],
): Promise<void> {
  const values = rows.map((mail) => ({
    epoch: mail.epoch,
    commit: mail.commit,
    message_id: mail.messageId,
    cve_id: mail.cve,
    kind: mail.kind,
    subject: mail.subject,
    sender: mail.sender,
    sent_at: storableDate(mail.sentAt),
    body: mail.body,
  }));
  for (const batch of jsonBatches(values)) {
    await sql`
      INSERT INTO announcement (epoch, commit, message_id, cve_id, kind, subject, sender, sent_at, body)
      SELECT epoch, commit, message_id, cve_id, kind, subject, sender, sent_at, body
      FROM jsonb_to_recordset(${batch}::jsonb) AS r (
        epoch integer, commit text, message_id text, cve_id text, kind text, subject text, sender text, sent_at timestamptz, body text)
      ON CONFLICT (epoch, commit) DO NOTHING`.execute(tx);
  }
}

/** Marks mails that the archive took back; they stay readable. */
export async function withdrawAnnouncements(tx: Db, epoch: number, messageIds: readonly string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql`
    UPDATE announcement SET withdrawn = true
    WHERE epoch <= ${epoch} AND message_id = ANY(${messageIds}::text[])`.execute(tx);
}

/** Puts the date of the first announcement beside each of the CVEs. */
export async function dateCves(tx: Db, cves: readonly CveId[]): Promise<void> {
  await sql`
    UPDATE cve SET announced_at = sent.first
    FROM (
      SELECT cve_id, min(sent_at) AS first FROM announcement
      WHERE kind = 'published' AND cve_id = ANY(${cves}::text[]) GROUP BY cve_id) AS sent
    WHERE sent.cve_id = cve.id AND cve.announced_at IS DISTINCT FROM sent.first`.execute(tx);
}

/** A Date header is hostile text: a year that PostgreSQL cannot read back from ISO 8601 counts as unreadable. */
function storableDate(iso: string | null): string | null {
  const date = new Date(iso ?? Number.NaN);
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9_999 ? date.toISOString() : null;
}

/** The mails about one CVE, oldest first. */
export async function announcementsOf(db: Db, id: CveId): Promise<Announcement[]> {
  const rows = await db
    .selectFrom('announcement')
    .selectAll()
    .where('cve_id', '=', id)
    .orderBy('epoch')
    .orderBy('sent_at')
    .execute();
  return rows.map((row) => ({
    messageId: row.message_id,
    cve: row.cve_id as CveId,
    kind: row.kind as Announcement['kind'],
    subject: row.subject,
    sender: row.sender,
    sentAt: row.sent_at?.toISOString() ?? null,
    commit: row.commit,
    epoch: row.epoch,
    withdrawn: row.withdrawn,
  }));
}

export async function countAnnouncements(db: Db): Promise<number> {
  const row = await db
    .selectFrom('announcement')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return row.n;
}

/** Forgets the mails of an epoch whose history was rewritten, before they are told again. */
export async function dropAnnouncements(tx: Db, epoch: number): Promise<void> {
  await tx.deleteFrom('announcement').where('epoch', '=', epoch).execute();
}
