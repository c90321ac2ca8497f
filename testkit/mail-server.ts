import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly mail: Email;
}

export interface MailServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** Reply code for the next messages; null: they are taken. */
  refuseWith: number | null;
}

/** A real SMTP server on a free port of the loopback address. `tls`: it offers STARTTLS, with a certificate that nobody trusts. */
export async function mailServer({
  tls = false,
  login = null as { user: string; pass: string } | null,
} = {}): Promise<MailServer> {
  const made: { port: number; mails: ReceivedMail[]; refuseWith: number | null } = {
    port: 0,
    mails: [],
    refuseWith: null,
  };
  const server = new SMTPServer({
    disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(login === null ? ['AUTH'] : [])],
    authOptional: login === null,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) => {
      if (username === login?.user && password === login?.pass) done(null, { user: username });
      else done(new Error('no such user'));
    },
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (made.refuseWith !== null)
          return done(Object.assign(new Error('not now'), { responseCode: made.refuseWith }));
        const raw = Buffer.concat(chunks).toString('utf8');
        void PostalMime.parse(raw).then((mail) => {
          const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
          made.mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw, mail });
          done();
        });
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  made.port = (server.server.address() as AddressInfo).port;
  return made;
}
