import { isWanted, messageOf, type Notice, type NoticeDelivery, StageError } from '#domain';
import type { Clock } from '#host';
import {
  type ChannelStatus,
  claimDelivery,
  type DeliveryFailure,
  endDelivery,
  failDelivery,
  gather,
  inTransaction,
  listChannels,
  listRules,
  needChannel,
  noteSilence,
  pruneDeliveries,
  type Store,
  takeNotices,
} from '#store';
import { sendMail } from './mail.ts';
import type { NotifySettings } from './settings.ts';
import { sendSlack, sendWebhook } from './webhook.ts';

/** Messages of one channel in one turn: what is more waits for the next. */
const MOST_PER_TURN = 100;

export interface NotifyOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly settings: NotifySettings;
  /** Who was not heard of since is silent; null: nobody can be said to be, as while the gate has just begun to listen. */
  readonly silentBefore: Date | null;
  readonly signal?: AbortSignal | undefined;
}

/** What one turn did, by channel. */
export interface NotifyTurn {
  readonly channel: string;
  readonly sent: number;
  readonly failure: DeliveryFailure | null;
}

/**
 * Finds what is to be told, sorts it by the rules, and sends what is due. Every channel goes its own way and at its own pace. A process
 * that dies in between loses nothing: what it was about to send is sent again, with the same id.
 */
export async function notify(options: NotifyOptions): Promise<NotifyTurn[]> {
  const { store, clock, silentBefore } = options;
  if (silentBefore !== null) await inTransaction(store.db, (tx) => noteSilence(tx, silentBefore, clock.now()));
  while (await sortNotices(options));
  await pruneDeliveries(store.db, clock.now());
  const channels = await listChannels(store.db);
  return Promise.all(channels.map((channel) => sendDue(options, channel)));
}

/** Moves one batch out of the outbox; false: it is empty. */
async function sortNotices({ store, clock }: NotifyOptions): Promise<boolean> {
  return inTransaction(store.db, async (tx) => {
    const notices = await takeNotices(tx);
    if (notices.length === 0) return false;
    for (const rule of await listRules(tx)) {
      const wanted = notices.filter((notice) => isWanted(rule, notice));
      if (wanted.length > 0) await gather(tx, rule, wanted, clock.now());
    }
    return true;
  });
}

async function sendDue(options: NotifyOptions, channel: ChannelStatus): Promise<NotifyTurn> {
  const { store, clock, signal } = options;
  let failure: DeliveryFailure | null = null;
  let sent = 0;
  for (let left = MOST_PER_TURN; left > 0; left -= 1) {
    if (signal?.aborted === true) break;
    const delivery = await claimDelivery(store.db, channel.name, clock.now());
    if (delivery === undefined) break;
    const failed = await attempt(options, channel, delivery);
    if (failed === null) {
      await endDelivery(store.db, delivery, clock.now());
      sent += 1;
    } else {
      failure = failed;
      await failDelivery(store.db, delivery, failed, clock.now());
    }
  }
  return { channel: channel.name, sent, failure };
}

async function attempt(
  options: NotifyOptions,
  channel: ChannelStatus,
  delivery: NoticeDelivery,
): Promise<DeliveryFailure | null> {
  try {
    await send(options, channel, delivery);
    return null;
  } catch (error) {
    const code = error instanceof StageError ? String(error.code) : 'internal';
    return { code, what: messageOf(error), refused: code === 'mail-refused' || code === 'webhook-refused' };
  }
}

async function send(
  { settings, clock, signal }: NotifyOptions,
  channel: ChannelStatus,
  delivery: NoticeDelivery,
): Promise<void> {
  const doors = { ...settings, now: clock.now(), signal };
  if (channel.kind === 'mail') await sendMail(channel, delivery, settings);
  else if (channel.kind === 'slack') await sendSlack(channel, delivery, doors);
  else await sendWebhook(channel, delivery, doors);
}

/** Sends a test at once, beside all that waits. Errors: not-found, and why it could not be sent. */
export async function testChannel(
  options: Omit<NotifyOptions, 'silentBefore'>,
  name: string,
  id: string,
): Promise<void> {
  const channel = await needChannel(options.store.db, name);
  const at = options.clock.now();
  const notice: Notice = {
    ...{ at: at.toISOString(), kind: 'test', state: 'test', severity: 'none', severityFrom: 'kind' },
    ...{ kernels: [], cve: null, subject: name, title: 'if you read this, the channel works', count: 1 },
    subjects: [name],
  };
  const delivery = { id, channel: name, rule: 'test', madeAt: at, attempt: 1, notices: [notice], left: 0 };
  await send({ ...options, silentBefore: null }, channel, delivery);
}
