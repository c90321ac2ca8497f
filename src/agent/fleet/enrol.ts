import { hostname } from 'node:os';
import { join } from 'node:path';
import { ENROL_PATH } from '#domain';
import { readLimited, writeAtomic } from '#host';
import { AgentError } from '../error.ts';
import { type HostIdentity, hostKey, parseIdentity, postSigned, publicHalf } from './identity.ts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const MAX_PEM_BYTES = 64 << 10;

export interface EnrolOptions {
  readonly config: string;
  readonly server: string;
  readonly token: string;
  /** Default: the host name of this machine. */
  readonly name?: string | undefined;
  /** File with the authorities of the server's certificate; kept as `server-ca.pem`. */
  readonly ca?: string | undefined;
}

/**
 * Makes this machine a host of a server. Its key is made here and stays here; the same key is sent again where an answer was lost.
 * Errors: server-insecure, enrolment-refused, those of the network.
 */
export async function enrol({ config, server, token, name = hostname(), ca }: EnrolOptions): Promise<HostIdentity> {
  const base = checked(server);
  const authorities = ca === undefined ? null : await readLimited(ca, MAX_PEM_BYTES);
  const key = await hostKey(config);
  const asked = { token, publicKey: publicHalf(key), name };
  const { status, body } = await postSigned({ server: base, id: '-', key, ca: authorities }, ENROL_PATH, asked);
  const identity = status === 200 ? identityIn(body, base) : null;
  if (identity === null)
    throw new AgentError('enrolment-refused', 'input', {
      what: `the server did not take this host (${status}): the token is none, used up or over, or this is no TuxTape gate`,
      where: base,
      remedy: 'make a new one with "tuxtape host token" on the server; nothing was changed here',
    });
  if (authorities !== null) await writeAtomic(join(config, 'server-ca.pem'), authorities);
  await writeAtomic(join(config, 'host.json'), `${JSON.stringify(identity, null, 2)}\n`, 0o600);
  return identity;
}

/** What a server calls this host; null: it is no identity that could be read back. */
function identityIn(body: Buffer, server: string): HostIdentity | null {
  try {
    return parseIdentity({ ...(JSON.parse(body.toString('utf8')) as object), server });
  } catch {
    return null;
  }
}

function checked(server: string): string {
  const url = URL.parse(server);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url !== null && isSafe) return server.replace(/\/+$/, '');
  throw new AgentError('server-insecure', 'input', {
    what: 'the address of the server is not https',
    where: server,
    remedy: 'give an https address; http is taken on this machine only',
  });
}
