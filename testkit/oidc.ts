/** A real provider of OpenID Connect in this process (oidc-provider, certified), whose login form takes any name. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export const CLIENT = { clientId: 'tuxtape', clientSecret: 'a secret of the client, long enough' };

interface Provider {
  callback(): RequestListener;
}
type ProviderClass = new (issuer: string, configuration: object) => Provider;

export interface TestProvider {
  readonly issuer: string;
  /** Wraps what the provider answers; for one that lies. */
  lie: ((path: string, body: string) => string) | null;
}

/** Starts one that knows the client `CLIENT`, allowed to send browsers back to these addresses. */
export async function testProvider(redirectUris: readonly string[]): Promise<TestProvider> {
  // @ts-expect-error -- the package has no types
  const { Provider } = (await import('oidc-provider')) as { Provider: ProviderClass };
  let handle: RequestListener = () => {};
  const test: { issuer: string; lie: TestProvider['lie'] } = { issuer: '', lie: null };
  const server = createServer((request, response) => {
    const end = response.end.bind(response) as (body?: unknown) => typeof response;
    response.end = ((body?: unknown) => {
      if (test.lie === null || typeof body !== 'string') return end(body);
      const text = test.lie(request.url ?? '', body);
      if (!response.headersSent) response.setHeader('content-length', Buffer.byteLength(text));
      return end(text);
    }) as typeof response.end;
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  test.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const provider = new Provider(test.issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: redirectUris,
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'test' }] },
    cookies: { keys: ['for this test only'] },
    findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
  });
  handle = provider.callback();
  return test;
}

/** A browser without scripts: keeps cookies by origin, and follows nothing by itself. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  cookie(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).origin)?.get(name);
  }

  async open(
    url: string,
    form?: Record<string, string>,
  ): Promise<{ status: number; location: string | null; body: string }> {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, jar);
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      location: location === null ? null : new URL(location, url).href,
      body: await response.text(),
    };
  }

  /** Goes on from `url` until it leaves for an address that begins with `until`, logging in as `name` on the way. */
  async walk(url: string, until: string, name: string): Promise<string> {
    let next = url;
    for (let step = 0; step < 12; step += 1) {
      if (next.startsWith(until)) return next;
      const { location, body, status } = await this.open(next);
      if (location !== null) {
        next = location;
        continue;
      }
      const action = /action="([^"]+)"/.exec(body)?.[1];
      const prompt = /name="prompt" value="(\w+)"/.exec(body)?.[1];
      if (action === undefined || prompt === undefined)
        throw new TypeError(`${status} at ${next}: ${body.slice(0, 300)}`);
      const posted = await this.open(new URL(action, next).href, { prompt, login: name, password: 'any' });
      if (posted.location === null)
        throw new TypeError(`${posted.status} after the form: ${posted.body.slice(0, 300)}`);
      next = posted.location;
    }
    throw new TypeError(`it never came to ${until}`);
  }
}
