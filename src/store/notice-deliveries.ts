import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { type Notice, type NoticeDelivery, type NoticeRule, retryAfterSeconds } from '#domain';
import { jsonBatches, storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** Whoever sends a message has so long; then another may. */
const LEASE_SECONDS = 120;
/** Notices that one message shows; the others are counted. */
const MOST_NOTICES = 200;
/** A message that nobody took for so long is given up, loudly: it stays in the status. */
const GIVE_UP_AFTER_DAYS = 7;
/** What was sent, and what was given up, is kept so long. */
const KEPT_DAYS = 30;

/** Puts notices into the message that gathers for a rule; into a new one, if none does. */
export async function gather(tx: Db, rule: NoticeRule, notices: readonly Notice[], now: Date): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM notify_delivery WHERE rule_id = ${rule.id} AND channel = ${rule.channel} AND state = 'waiting' AND attempt = 0
      AND due_at > ${now}::timestamptz ORDER BY due_at DESC LIMIT 1 FOR UPDATE`.execute(tx);
  const id = rows[0]?.id ?? (await addDelivery(tx, rule, now));
  const { rows: counted } = await sql<{ n: number }>`
    SELECT coalesce(max(number), 0) AS n FROM notify_item WHERE delivery_id = ${id}::uuid`.execute(tx);
  const first = (counted[0]?.n ?? 0) + 1;
  for (const batch of jsonBatches(notices.map((notice, i) => ({ number: first + i, notice }))))
    await sql`
      INSERT INTO notify_item (delivery_id, number, notice)
      SELECT ${id}::uuid, number, notice FROM jsonb_to_recordset(${batch}::jsonb) AS r (number integer, notice jsonb)`.execute(
      tx,
    );
}

async function addDelivery(
  tx: Db,
  { channel, id: rule, digestMinutes }: Pick<NoticeRule, 'id' | 'channel' | 'digestMinutes'>,
  now: Date,
): Promise<string> {
  const id = randomUUID();
  const due = new Date(now.getTime() + digestMinutes * 60_000);
  await tx
    .insertInto('notify_delivery')
    .values({ id, channel, rule_id: rule, made_at: now, due_at: due, state: 'waiting', next_try_at: due })
    .execute();
  return id;
}

/**
 * Takes the next message of a channel that is due, for two minutes; undefined: none is, or the channel has to wait. Two that take at once
 * get different ones.
 */
export async function claimDelivery(db: Db, channel: string, now: Date): Promise<NoticeDelivery | undefined> {
  const leased = new Date(now.getTime() + LEASE_SECONDS * 1000);
  const { rows } = await sql<{ id: string; rule_id: string; made_at: Date; attempt: number }>`
    UPDATE notify_delivery SET attempt = attempt + 1, leased_until = ${leased}::timestamptz WHERE id = (
      SELECT d.id FROM notify_delivery d JOIN notify_channel c ON c.name = d.channel
      WHERE d.channel = ${channel} AND d.state = 'waiting' AND d.next_try_at <= ${now}::timestamptz
        AND (d.leased_until IS NULL OR d.leased_until <= ${now}::timestamptz)
        AND (c.next_try_at IS NULL OR c.next_try_at <= ${now}::timestamptz)
      ORDER BY d.next_try_at, d.made_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
    RETURNING id, rule_id, made_at, attempt`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  const items = await db
    .selectFrom('notify_item')
    .select('notice')
    .where('delivery_id', '=', row.id)
    .orderBy('number')
    .limit(MOST_NOTICES)
    .execute();
  const { total } = await db
    .selectFrom('notify_item')
    .select(({ fn }) => fn.countAll().as('total'))
    .where('delivery_id', '=', row.id)
    .executeTakeFirstOrThrow();
  return {
    ...{ id: row.id, channel, rule: row.rule_id, madeAt: row.made_at, attempt: row.attempt },
    notices: items.map(({ notice }) => notice as unknown as Notice),
    left: Number(total) - items.length,
  };
}

/** The channel took it. An attempt that lost its lease meanwhile changes nothing that a later one said. */
export async function endDelivery(db: Db, { id, channel, attempt }: NoticeDelivery, now: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx
      .updateTable('notify_delivery')
      .set({ state: 'sent', ended_at: now, leased_until: null, error_code: null, error: null })
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .execute();
    await tx
      .updateTable('notify_channel')
      .set({ failures: 0, failing_since: null, error_code: null, error: null, next_try_at: null, sent_at: now })
      .where('name', '=', channel)
      .execute();
  });
}

export interface DeliveryFailure {
  readonly code: string;
  readonly what: string;
  /** The other side answered, and does not want this message: others may go. */
  readonly refused: boolean;
}

/** It was not taken: it waits, longer each time, and is given up after a week. The channel waits, too, unless it refused just this one. */
export async function failDelivery(
  db: Db,
  delivery: NoticeDelivery,
  { code, what, refused }: DeliveryFailure,
  now: Date,
): Promise<void> {
  const { id, channel, attempt, madeAt } = delivery;
  const error = storable(what);
  const isOver = now.getTime() - madeAt.getTime() > GIVE_UP_AFTER_DAYS * 86_400_000;
  await inTransaction(db, async (tx) => {
    await tx
      .updateTable('notify_delivery')
      .set({
        ...(isOver ? { state: 'given-up', ended_at: now } : { next_try_at: after(now, attempt) }),
        ...{ leased_until: null, error_code: code, error },
      })
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('state', '=', 'waiting')
      .execute();
    const row = await tx
      .updateTable('notify_channel')
      .set((set) => ({
        failures: set('failures', '+', 1),
        failing_since: sql<Date>`coalesce(failing_since, ${now}::timestamptz)`,
        ...{ error_code: code, error },
      }))
      .where('name', '=', channel)
      .returning('failures')
      .executeTakeFirst();
    // The channel may have been taken away meanwhile, and the message with it.
    if (!refused && row !== undefined)
      await tx
        .updateTable('notify_channel')
        .set({ next_try_at: after(now, row.failures) })
        .where('name', '=', channel)
        .execute();
  });
}

function after(now: Date, failures: number): Date {
  return new Date(now.getTime() + retryAfterSeconds(failures) * 1000);
}

/** Forgets what was over long ago. */
export async function pruneDeliveries(db: Db, now: Date): Promise<void> {
  const before = new Date(now.getTime() - KEPT_DAYS * 86_400_000);
  await db.deleteFrom('notify_delivery').where('state', '<>', 'waiting').where('ended_at', '<', before).execute();
}
