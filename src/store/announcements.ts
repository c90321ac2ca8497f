import { sql } from 'kysely';
import type { Announcement, CveId } from '#domain';
import type { Db } from './store.ts';

const ROWS_PER_STATEMENT = 1_000;

/** Stores mails; one that is already there (same epoch and commit) is left as it is. */
export async function addAnnouncements(
  tx: Db,
  rows: readonly (Announcement & { readonly body: string })[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const values = rows.slice(start, start + ROWS_PER_STATEMENT).map((mail) => ({
      epoch: mail.epoch,
      commit: mail.commit,
      message_id: mail.messageId,
      cve_id: mail.cve,
      kind: mail.kind,
      subject: mail.subject.replaceAll('\0', '\u{fffd}'),
      sender: mail.sender,
      sent_at: mail.sentAt,
      body: mail.body.replaceAll('\0', '\u{fffd}'),
    }));
    await sql`
      INSERT INTO announcement (epoch, commit, message_id, cve_id, kind, subject, sender, sent_at, body)
      SELECT epoch, commit, message_id, cve_id, kind, subject, sender, sent_at, body
      FROM jsonb_to_recordset(${JSON.stringify(values)}::jsonb) AS r (
        epoch integer, commit text, message_id text, cve_id text, kind text, subject text, sender text, sent_at timestamptz, body text)
      ON CONFLICT (epoch, commit) DO NOTHING`.execute(tx);
  }
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
  }));
}

export async function countAnnouncements(db: Db): Promise<number> {
  const row = await db
    .selectFrom('announcement')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}
