/** Logging in at a real provider of OpenID Connect, and every way in which what comes back is not what was asked for. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { sessionSchema } from '#contract';
import { addAccount, disableAccount, listAudit } from '#store';
import { OidcProvider } from '../../../src/server/oidc.ts';
import { everywhere } from '../../../testkit/identity.ts';
import { Browser, CLIENT, testProvider } from '../../../testkit/oidc.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';

const by = { by: 'test', at: new Date() };
const CALLBACK = '/api/v1/session/oidc/callback';
const TIMEOUT = { timeout: 100_000 };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function place() {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await testProvider([`${url}${CALLBACK}`]);
  const { app, store } = await sampleServer({ oidc: { issuer: provider.issuer, ...CLIENT } });
  await app.listen({ host: '127.0.0.1', port });
  const person = { name: 'jane', password: null, grants: [everywhere('viewer')] };
  await addAccount(store.db, { ...person, subject: { issuer: provider.issuer, subject: 'jane-at-provider' } }, by);
  const browser = new Browser();
  const start = `${url}/api/v1/session/oidc`;
  const come = (name: string) => browser.walk(start, `${url}${CALLBACK}`, name);
  const whoami = async () => sessionSchema.parse(JSON.parse((await browser.open(`${url}/api/v1/session`)).body));
  return { url, provider, store, browser, come, whoami, start };
}

test('who has an account that names this person gets a session; the code is good once', TIMEOUT, async () => {
  const { url, browser, come, whoami, store, start } = await place();
  assert.equal((await whoami()).oidc, true);
  const asked = new URL((await browser.open(start)).location ?? '');
  assert.deepEqual(
    ['response_type', 'code_challenge_method', 'scope', 'client_id'].map((name) => asked.searchParams.get(name)),
    ['code', 'S256', 'openid', CLIENT.clientId],
  );
  for (const name of ['state', 'nonce', 'code_challenge'])
    assert.ok((asked.searchParams.get(name) ?? '').length >= 20, name);
  const back = await come('jane-at-provider');
  const kept = browser.cookie(url, 'tuxtape-oidc')!;
  const landed = await browser.open(back);
  assert.deepEqual([landed.status, landed.location], [303, `${url}/`]);
  const { as, name } = await whoami();
  assert.deepEqual([as, name], ['session', 'jane']);
  assert.equal(browser.cookie(url, 'tuxtape-oidc'), undefined, 'the attempt is over');
  const [entry] = await listAudit(store.db, { limit: 1 });
  assert.deepEqual(
    [entry?.action, entry?.actor, entry?.via, entry?.detail],
    ['session.begin', 'jane', 'session', { how: 'oidc' }],
  );
  const again = await fetch(back, { headers: { cookie: `tuxtape-oidc=${kept}` }, redirect: 'manual' });
  assert.equal(again.status, 401, 'a code that was used');
});

test('nobody is added by logging in, and who was disabled stays out', TIMEOUT, async () => {
  const { browser, come, whoami, store } = await place();
  const { status, body } = await browser.open(await come('mallory'));
  assert.equal(status, 403);
  assert.match(body, /account-missing.*mallory|mallory.*account-missing/s);
  assert.equal((await whoami()).as, 'nobody');
  await disableAccount(store.db, 'jane', by);
  const other = await place();
  await disableAccount(other.store.db, 'jane', by);
  assert.equal((await other.browser.open(await other.come('jane-at-provider'))).status, 403);
});

test('an answer that this browser did not ask for is no login', TIMEOUT, async () => {
  const { url, browser, come, whoami, start } = await place();
  const back = new URL(await come('jane-at-provider'));
  const [state, nonce, verifier] = browser.cookie(url, 'tuxtape-oidc')!.split('.');
  const changed = (name: string, value: string | null): string => {
    const copy = new URL(back);
    if (value === null) copy.searchParams.delete(name);
    else copy.searchParams.set(name, value);
    return copy.href;
  };
  const send = async (address: string, cookie: string): Promise<number> =>
    (await fetch(address, { headers: { cookie: `tuxtape-oidc=${cookie}` }, redirect: 'manual' })).status;
  const good = `${state}.${nonce}.${verifier}`;
  // The code is not used up by an answer that does not fit its state, so each of these could still have opened a session.
  assert.equal((await fetch(back, { redirect: 'manual' })).status, 401, 'another browser');
  assert.equal(await send(changed('state', 'x'.repeat(43)), good), 401, 'another state');
  assert.equal(await send(changed('state', null), good), 401, 'no state');
  assert.equal(await send(changed('iss', 'https://evil.example'), good), 401, 'another issuer (RFC 9207)');
  assert.equal(await send(changed('code', 'x'.repeat(43)), good), 401, 'another code');
  assert.equal(await send(back.href, `${state}.${'n'.repeat(43)}.${verifier}`), 401, 'another nonce');
  await browser.open(start);
  assert.equal(await send(back.href, `${state}.${nonce}.${'v'.repeat(43)}`), 401, 'another verifier');
  assert.equal(await send(back.href, 'rubbish'), 401);
  assert.equal((await whoami()).as, 'nobody');
});

test('an identity that the provider did not sign is no login', TIMEOUT, async () => {
  const { browser, come, whoami, provider, start, url } = await place();
  provider.lie = (path, body) => {
    if (path !== '/token') return body;
    const said = JSON.parse(body) as { id_token: string };
    const [head, claims = '', signature] = said.id_token.split('.');
    const forged = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), sub: 'jane-at-provider' };
    const token = [head, Buffer.from(JSON.stringify(forged)).toString('base64url'), signature].join('.');
    return JSON.stringify({ ...said, id_token: token });
  };
  assert.equal((await browser.open(await come('mallory'))).status, 401);
  provider.lie = (path, body) => {
    if (path !== '/token') return body;
    const said = JSON.parse(body) as { id_token: string };
    const [, claims = ''] = said.id_token.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    return JSON.stringify({ ...said, id_token: `${none}.${claims}.` });
  };
  assert.equal((await browser.open(await come('jane-at-provider'))).status, 401);
  assert.equal((await whoami()).as, 'nobody');
  provider.lie = null;
  const fresh = new Browser();
  const back = await fresh.walk(start, `${url}${CALLBACK}`, 'jane-at-provider');
  assert.equal((await fresh.open(back)).status, 303, 'and without a lie it is one');
});

test('a provider that is away is said, and asked again; one without TLS is not taken', TIMEOUT, async () => {
  const { app } = await sampleServer({ oidc: { issuer: 'http://127.0.0.1:1', ...CLIENT } });
  const response = await app.inject({ url: '/api/v1/session/oidc', headers: { host: '127.0.0.1' } });
  assert.deepEqual([response.statusCode, response.json<{ code: string }>().code], [502, 'provider-unreachable']);
  for (const issuer of ['http://provider.example.org', 'provider', 'ftp://127.0.0.1'])
    assert.throws(
      () => new OidcProvider({ issuer, ...CLIENT }),
      (error: { code?: string }) => error.code === 'origin-invalid',
    );
});
