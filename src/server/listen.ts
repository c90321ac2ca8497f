import { isIP } from 'node:net';
import { type Db, hasAccounts } from '#store';
import { ServerError } from './error.ts';

/** Addresses that only programs of this machine reach (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** `https://name[:port]` without anything behind it. Errors: origin-invalid. */
export function checkOrigin(origin: string | null): string | null {
  if (origin === null) return null;
  const url = URL.parse(origin);
  const isWhole = url !== null && url.origin === origin.replace(/\/$/, '');
  if (isWhole && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))))
    return url.origin;
  throw new ServerError('origin-invalid', 'input', {
    what: 'the address people reach this server at must be https://NAME, without a path',
    where: origin,
    remedy: 'set server.origin; a proxy in front of this server speaks TLS',
  });
}

/**
 * A server that others can reach needs accounts first: without them everybody would read everything. Errors: accounts-missing,
 * origin-invalid.
 */
export async function refuseOpen(db: Db, host: string, origin: string | null): Promise<void> {
  const isReachable = !isLoopback(host);
  if (!isReachable && origin === null) return;
  if (isReachable && origin === null)
    throw new ServerError('origin-invalid', 'input', {
      what: 'a server that others can reach needs to know its own address',
      where: host,
      remedy: 'set server.origin to the https address of the proxy in front of it',
    });
  if (await hasAccounts(db)) return;
  throw new ServerError('accounts-missing', 'input', {
    what: 'a server that others can reach needs an account first',
    where: origin ?? host,
    remedy: 'make one with "tuxtape user add NAME --role admin"',
  });
}
