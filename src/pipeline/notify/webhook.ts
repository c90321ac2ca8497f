import { createHmac } from 'node:crypto';
import { mergeNotices, type NoticeChannel, type NoticeDelivery } from '#domain';
import { type PinnedAnswer, parsePinned, postPinned } from '#host';
import { NotifyError } from './error.ts';
import { readSecret } from './settings.ts';
import { textOf } from './text.ts';

const TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 64 << 10;
const LEAST_KEY_LETTERS = 16;

export interface PostDoors {
  readonly allowPrivate: boolean;
  readonly name: string | null;
  readonly now: Date;
  readonly signal?: AbortSignal | undefined;
}

/** `v1=` and the HMAC-SHA256, in hexadecimal, over the time (Unix seconds), a full stop and the body. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

/** Errors: secret-unreadable, webhook-refused, webhook-failed, and those of `postPinned`. */
export async function sendWebhook(channel: NoticeChannel, delivery: NoticeDelivery, doors: PostDoors): Promise<void> {
  const secret = await readSecret(channel.secretFile);
  if (secret.length < LEAST_KEY_LETTERS)
    throw new NotifyError('secret-unreadable', 'input', {
      what: `the key that webhooks are signed with has less than ${LEAST_KEY_LETTERS} letters`,
      where: channel.name,
      remedy: 'make one with "openssl rand -hex 32"',
    });
  const { id, rule, madeAt, attempt, left } = delivery;
  const { subject } = textOf(delivery, doors.name);
  const message = { version: 1, id, installation: doors.name, rule, madeAt, attempt, summary: subject, left };
  const body = JSON.stringify({ ...message, notices: mergeNotices(delivery.notices) });
  const timestamp = String(Math.floor(doors.now.getTime() / 1000));
  const headers = {
    'tuxtape-id': id,
    'tuxtape-timestamp': timestamp,
    'tuxtape-signature': signatureOf(secret, timestamp, body),
  };
  await post(channel.target[0] ?? '', body, headers, doors);
}

/**
 * As Slack's incoming webhooks take it, and those who do as it does (Mattermost, Rocket.Chat): what is not ours stands in a code block, with
 * what could end it, mention somebody or be a link taken out. Errors: as `sendWebhook`.
 */
export async function sendSlack(channel: NoticeChannel, delivery: NoticeDelivery, doors: PostDoors): Promise<void> {
  const url = await readSecret(channel.secretFile);
  const { lines } = textOf(delivery, doors.name);
  const [head = '', ...rest] = lines;
  const text = `${slackPlain(head)}\n\`\`\`\n${rest.map(slackPlain).join('\n')}\n\`\`\``;
  const quiet = { mrkdwn: true, link_names: false, parse: 'none', unfurl_links: false, unfurl_media: false };
  await post(url, JSON.stringify({ text, ...quiet }), {}, doors);
}

function slackPlain(line: string): string {
  return line
    .replaceAll('`', "'")
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@\u{200b}');
}

async function post(url: string, body: string, headers: Readonly<Record<string, string>>, doors: PostDoors) {
  const answer = await postPinned(url, Buffer.from(body), {
    headers: { ...headers, 'content-type': 'application/json; charset=utf-8', 'user-agent': 'TuxTape' },
    ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, allowPrivate: doors.allowPrivate, signal: doors.signal },
  });
  check(answer, url);
}

/** What says that just this message is not wanted; the path of the address may be a secret, and is not told. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

function check({ status }: PinnedAnswer, url: string): void {
  if (status >= 200 && status < 300) return;
  const isRefused = REFUSALS.has(status);
  throw new NotifyError(isRefused ? 'webhook-refused' : 'webhook-failed', 'network', {
    what: `the receiver answered ${status}${status >= 300 && status < 400 ? ': it sends us elsewhere, which is not followed' : ''}`,
    where: new URL(url).origin,
  });
}

/** Errors: address-refused. */
export function checkWebhook(url: string): void {
  parsePinned(url);
}
