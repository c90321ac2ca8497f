import { createTransport } from 'nodemailer';
import type { NoticeChannel, NoticeDelivery } from '#domain';
import { NotifyError } from './error.ts';
import { type MailSettings, readSecret } from './settings.ts';
import { textOf } from './text.ts';

const CONNECT_MS = 15_000;
const SOCKET_MS = 60_000;
/** Of the whole exchange; shorter than the lease of a message, so that no one else sends it meanwhile. */
const WHOLE_MS = 90_000;
const MOST_ADDRESSES = 50;
/** A plain address (RFC 5321 4.1.2, without quoting): no name, no comment, no second one behind a comma. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

/** Errors: channel-invalid. */
export function checkAddresses(addresses: readonly string[]): void {
  const bad = addresses.find((address) => !ADDRESS.test(address));
  if (bad === undefined && addresses.length > 0 && addresses.length <= MOST_ADDRESSES) return;
  throw new NotifyError('channel-invalid', 'input', {
    what: bad === undefined ? `1 to ${MOST_ADDRESSES} addresses are wanted` : 'this is not a plain mail address',
    where: bad ?? String(addresses.length),
    remedy: 'give addresses as security@example.org',
  });
}

/**
 * Sends a message as plain text: nothing in it is markup. The Message-ID is made of the message's id, so one that is sent again is known.
 * Errors: mail-not-set-up, secret-unreadable, mail-refused (the server does not want this message), mail-failed.
 */
export async function sendMail(
  channel: NoticeChannel,
  delivery: NoticeDelivery,
  { mail, name }: { readonly mail: MailSettings | null; readonly name: string | null },
): Promise<void> {
  if (mail === null)
    throw new NotifyError('mail-not-set-up', 'input', {
      what: 'no mail server is configured',
      where: 'notify.smtp.host',
      remedy: 'set notify.smtp.host and notify.smtp.from; see docs/reference/notifications.md',
    });
  checkAddresses([...channel.target, mail.from]);
  const { subject, lines } = textOf(delivery, name);
  const transport = createTransport({
    ...{ host: mail.host, port: mail.port, secure: mail.security === 'tls', requireTLS: mail.security === 'starttls' },
    ignoreTLS: mail.security === 'none',
    ...{ connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: SOCKET_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
    ...(mail.user === null ? {} : { auth: { user: mail.user, pass: await readSecret(mail.passwordFile) } }),
  });
  const sending = transport.sendMail({
    ...{ from: mail.from, to: [...channel.target], subject, text: `${lines.join('\n\n')}\n` },
    messageId: `<${delivery.id}@${mail.from.split('@')[1]}>`,
    date: delivery.madeAt,
    // RFC 3834: no one's absence is answered to a machine.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-TuxTape-Id': delivery.id, 'X-TuxTape-Rule': delivery.rule },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  try {
    await withinDeadline(sending);
  } catch (error) {
    throw mailError(error, mail.host);
  } finally {
    // What still runs ends with it: a server that dribbles is not waited for.
    transport.close();
  }
}

async function withinDeadline(sending: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not taken within ${WHOLE_MS} ms`)), WHOLE_MS);
  });
  await Promise.race([sending, expired]).finally(() => clearTimeout(timer));
}

/** 5yz of the envelope or the message (RFC 5321 4.2.1) will be said again; what else went wrong may pass. */
function mailError(error: unknown, where: string): NotifyError {
  const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0;
  const phase = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isRefused = code >= 500 && ['EENVELOPE', 'EMESSAGE'].includes(phase);
  return new NotifyError(isRefused ? 'mail-refused' : 'mail-failed', 'network', {
    what: `${isRefused ? 'the mail server does not take this message' : 'the mail could not be sent'}${code > 0 ? ` (${code})` : ''}${phase === '' ? '' : `, ${phase}`}`,
    where,
    cause: error,
  });
}
