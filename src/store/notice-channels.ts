import { randomUUID } from 'node:crypto';
import type { ChannelKind, LeastSeverity, NoticeChannel, NoticeRule } from '#domain';
import { addAudit } from './audit.ts';
import { StoreError } from './error.ts';
import { storable } from './storable.ts';
import { type Db, inTransaction } from './store.ts';

/** Adds a channel, or sets what the one of this name was. What waits for it goes there from then on. */
export async function putChannel(db: Db, channel: NoticeChannel, by: string, at: Date): Promise<void> {
  const row = {
    kind: channel.kind,
    target: channel.target.map(storable),
    secret_file: channel.secretFile,
    ...{ added_by: storable(by), added_at: at },
    // Another place is tried at once.
    ...{ failures: 0, failing_since: null, error_code: null, error: null, next_try_at: null },
  };
  await inTransaction(db, async (tx) => {
    await tx
      .insertInto('notify_channel')
      .values({ name: channel.name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
    const detail = { kind: channel.kind, target: channel.target, secretFile: channel.secretFile };
    await addAudit(tx, { at, actor: by, action: 'notify.channel', subject: channel.name, detail });
  });
}

/** Its rules, and what waits for it, go with it. Errors: not-found. */
export async function removeChannel(db: Db, name: string, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('notify_channel').where('name', '=', name).executeTakeFirst();
    if (numDeletedRows !== 1n) throw noChannel(name);
    await addAudit(tx, { at, actor: by, action: 'notify.channel-remove', subject: name, detail: {} });
  });
}

/** How a channel goes. */
export interface ChannelStatus extends NoticeChannel {
  /** Failures since it last took something; 0: it works, or nothing was sent yet. */
  readonly failures: number;
  readonly failingSince: Date | null;
  readonly error: { readonly code: string; readonly what: string } | null;
  readonly nextTryAt: Date | null;
  readonly sentAt: Date | null;
  /** Messages that were not sent yet, those that are still gathered among them. */
  readonly waiting: number;
  readonly oldestWaiting: Date | null;
  readonly gaveUp: number;
}

/** By name. */
export async function listChannels(db: Db): Promise<ChannelStatus[]> {
  const rows = await db
    .selectFrom('notify_channel')
    .selectAll('notify_channel')
    .select((select) => [
      select
        .selectFrom('notify_delivery')
        .select(({ fn }) => fn.countAll().as('n'))
        .whereRef('channel', '=', 'notify_channel.name')
        .where('state', '=', 'waiting')
        .as('waiting'),
      select
        .selectFrom('notify_delivery')
        .select(({ fn }) => fn.min('made_at').as('at'))
        .whereRef('channel', '=', 'notify_channel.name')
        .where('state', '=', 'waiting')
        .as('oldest'),
      select
        .selectFrom('notify_delivery')
        .select(({ fn }) => fn.countAll().as('n'))
        .whereRef('channel', '=', 'notify_channel.name')
        .where('state', '=', 'given-up')
        .as('gave_up'),
    ])
    .orderBy('name')
    .execute();
  return rows.map((row) => ({
    ...{ name: row.name, kind: row.kind as ChannelKind, target: row.target, secretFile: row.secret_file },
    ...{ failures: row.failures, failingSince: row.failing_since, nextTryAt: row.next_try_at, sentAt: row.sent_at },
    error: row.error_code === null ? null : { code: row.error_code, what: row.error ?? '' },
    ...{ waiting: Number(row.waiting), oldestWaiting: row.oldest, gaveUp: Number(row.gave_up) },
  }));
}

/** Errors: not-found. */
export async function needChannel(db: Db, name: string): Promise<ChannelStatus> {
  const found = (await listChannels(db)).find((channel) => channel.name === name);
  if (found === undefined) throw noChannel(name);
  return found;
}

function noChannel(name: string): StoreError {
  return new StoreError('not-found', 'input', {
    what: 'there is no channel of this name',
    where: name,
    remedy: '"tuxtape notify status" lists them; "tuxtape notify channel add" makes one',
  });
}

/** `kernel` is its id. Errors: not-found, when there is no such channel. */
export async function addRule(
  db: Db,
  rule: Omit<NoticeRule, 'id' | 'kernel'> & { readonly kernelId: string | null },
  by: string,
  at: Date,
): Promise<string> {
  const id = randomUUID().slice(0, 8);
  await inTransaction(db, async (tx) => {
    await needChannel(tx, rule.channel);
    await tx
      .insertInto('notify_rule')
      .values({
        ...{ id, channel: rule.channel, kinds: [...rule.kinds], states: rule.states.map(storable), least: rule.least },
        ...{ kernel_id: rule.kernelId, digest_minutes: rule.digestMinutes, added_by: storable(by), added_at: at },
      })
      .execute();
    await addAudit(tx, { at, actor: by, action: 'notify.rule', subject: id, detail: rule });
  });
  return id;
}

/** What it gathered is sent. Errors: not-found. */
export async function removeRule(db: Db, id: string, by: string, at: Date): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numDeletedRows } = await tx.deleteFrom('notify_rule').where('id', '=', id).executeTakeFirst();
    if (numDeletedRows !== 1n)
      throw new StoreError('not-found', 'input', {
        what: 'there is no such rule',
        where: id,
        remedy: '"tuxtape notify rule list" lists them',
      });
    await addAudit(tx, { at, actor: by, action: 'notify.rule-remove', subject: id, detail: {} });
  });
}

/** In the order in which they were added. */
export async function listRules(db: Db): Promise<NoticeRule[]> {
  const rows = await db
    .selectFrom('notify_rule')
    .leftJoin('kernel', 'kernel.id', 'notify_rule.kernel_id')
    .select(['notify_rule.id', 'channel', 'kinds', 'states', 'least', 'kernel.name as kernel', 'digest_minutes'])
    .orderBy('notify_rule.added_at')
    .orderBy('notify_rule.id')
    .execute();
  return rows.map(({ digest_minutes: digestMinutes, least, ...row }) => ({
    ...{ ...row, least: least as LeastSeverity, digestMinutes },
  }));
}
