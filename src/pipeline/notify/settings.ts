import { isIP } from 'node:net';
import type { Config } from '#config';
import { reachOf, readLimited } from '#host';
import { NotifyError } from './error.ts';

const MAX_SECRET_BYTES = 4 << 10;

/** How the connection to the mail server is kept from others. `none`: only on this machine. */
export const mailSecurities = ['starttls', 'tls', 'none'] as const;

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  readonly security: (typeof mailSecurities)[number];
  readonly from: string;
  /** Null: no login. */
  readonly user: string | null;
  readonly passwordFile: string | null;
}

export interface NotifySettings {
  /** Null: no mail server is configured. */
  readonly mail: MailSettings | null;
  /** Webhooks in private networks are let through. */
  readonly allowPrivate: boolean;
  /** How this installation is called in what it sends; null: by nothing. */
  readonly name: string | null;
}

/** Errors: mail-not-set-up, when what is set cannot be used. */
export function notifySettings(config: Config): NotifySettings {
  const host = config.text('notify.smtp.host');
  return {
    allowPrivate: config.text('notify.allow-private') === 'true',
    name: config.text('notify.name'),
    mail: host === null ? null : mailSettings(config, host),
  };
}

function mailSettings(config: Config, host: string): MailSettings {
  const security = mailSecurities.find((one) => one === config.text('notify.smtp.security'));
  const from = config.text('notify.smtp.from');
  const wrong = (what: string, key: string): NotifyError =>
    new NotifyError('mail-not-set-up', 'input', { what, where: key, remedy: 'see docs/reference/notifications.md' });
  if (security === undefined) throw wrong('starttls, tls or none is wanted', 'notify.smtp.security');
  const isHere = host === 'localhost' || (isIP(host) !== 0 && reachOf(host) === 'loopback');
  if (security === 'none' && !isHere)
    throw wrong('mail goes unencrypted only to a server on this machine', 'notify.smtp.security');
  if (from === null) throw wrong('mail needs a sender', 'notify.smtp.from');
  const [user, passwordFile] = [config.text('notify.smtp.user'), config.text('notify.smtp.password-file')];
  if ((user === null) !== (passwordFile === null))
    throw wrong('a user and the file with its password go together', 'notify.smtp.user');
  return { host, port: config.number('notify.smtp.port'), security, from, user, passwordFile };
}

/** The first line of a file that holds a secret. Errors: secret-unreadable. */
export async function readSecret(file: string | null): Promise<string> {
  const wrong = (what: string, cause?: unknown): NotifyError =>
    new NotifyError('secret-unreadable', 'input', {
      ...{ what, where: file ?? 'the channel', cause },
      remedy: 'put the secret into the file, alone, and let the user that runs TuxTape read it',
    });
  if (file === null) throw wrong('no file with a secret is named');
  const text = await readLimited(file, MAX_SECRET_BYTES).catch((cause: unknown) => {
    throw wrong('the file with the secret cannot be read', cause);
  });
  const secret = text.toString('utf8').split(/\r?\n/, 1)[0]!.trim();
  if (secret === '') throw wrong('the file with the secret is empty');
  return secret;
}
