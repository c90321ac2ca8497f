/** Logins, sessions and tokens, over real HTTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { sessionSchema } from '#contract';
import { type Clock, systemClock } from '#host';
import { hashPassword, hotp, newTotpSecret, secretHash, totpStep } from '#identity';
import { addAccount, disableAccount, type Store, setGrants, setTotp } from '#store';
import { everywhere, newAccount, sessionHeaders, tokenHeaders } from '../../../testkit/identity.ts';
import { listeningServer } from '../../../testkit/sample-server.ts';

const PASSWORD = 'correct horse battery';
const by = { by: 'test', at: new Date() };

function moving(): { clock: Clock; readonly forward: (ms: number) => void } {
  let ahead = 0;
  return {
    clock: { ...systemClock, now: () => new Date(Date.now() + ahead) },
    forward: (ms) => void (ahead += ms),
  };
}

async function jane(store: Store): Promise<void> {
  const password = await hashPassword(PASSWORD, 'jane');
  await addAccount(store.db, { name: 'jane', password, subject: null, grants: [everywhere('viewer')] }, by);
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly cookie: string;
  readonly attributes: string;
  readonly body: unknown;
}

async function send(url: string, method: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const [cookie = '', ...attributes] = (response.headers.get('set-cookie') ?? '').split('; ');
  const text = await response.text();
  const value = text === '' ? null : (JSON.parse(text) as { code?: string });
  return { status: response.status, code: value?.code, cookie, attributes: attributes.join('; '), body: value };
}

const login = (url: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  send(`${url}/api/v1/session`, 'POST', { name: 'jane', password: PASSWORD, ...body }, headers);

test('a login gives a new id in a cookie no script reads; only its hash is stored; logging out ends it', async () => {
  const { app, url, store } = await listeningServer();
  await jane(store);
  assert.equal((await send(`${url}/api/v1/status`, 'GET', undefined)).status, 401);
  const first = await login(url, {});
  assert.equal(first.status, 200);
  assert.match(first.attributes, /Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  const { as, name, csrf } = sessionSchema.parse(first.body);
  assert.deepEqual([as, name, typeof csrf], ['session', 'jane', 'string']);
  const id = first.cookie.replace('tuxtape=', '');
  const rows = JSON.stringify(await store.db.selectFrom('session').selectAll().execute());
  assert.ok(rows.includes(secretHash(id)) && !rows.includes(id));
  assert.equal((await send(`${url}/api/v1/status`, 'GET', undefined, { cookie: first.cookie })).status, 200);
  // Whoever planted an id in the browser holds one that is worth nothing.
  const second = await login(url, {}, { cookie: first.cookie });
  assert.notEqual(second.cookie, first.cookie);
  assert.equal((await send(`${url}/api/v1/status`, 'GET', undefined, { cookie: first.cookie })).status, 401);
  const planted = await login(url, {}, { cookie: `tuxtape=${'A'.repeat(43)}` });
  assert.ok(!planted.cookie.includes('AAAA'));
  const word = sessionSchema.parse(second.body).csrf!;
  const out = await send(`${url}/api/v1/session`, 'DELETE', undefined, { cookie: second.cookie, 'x-csrf-token': word });
  assert.equal(out.status, 204);
  assert.equal((await send(`${url}/api/v1/status`, 'GET', undefined, { cookie: second.cookie })).status, 401);
  await app.close();
});

test('a session ends after half an hour without use, and after twelve hours with it', async () => {
  const { clock, forward } = moving();
  const { app, url, store } = await listeningServer({ clock });
  const account = await newAccount(store, [everywhere('viewer')]);
  const get = async (headers: Record<string, string>) =>
    (await send(`${url}/api/v1/status`, 'GET', undefined, { cookie: headers['cookie']! })).status;
  const idle = await sessionHeaders(store, account);
  forward(29 * 60_000);
  assert.equal(await get(idle), 200);
  forward(29 * 60_000);
  assert.equal(await get(idle), 200, 'it was used meanwhile');
  forward(31 * 60_000);
  assert.equal(await get(idle), 401);
  const busy = await sessionHeaders(store, account, clock.now());
  for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
    forward(20 * 60_000);
    assert.equal(await get(busy), 200, `${minutes}`);
  }
  forward(20 * 60_000);
  assert.equal(await get(busy), 401);
  await app.close();
});

test('what changes something in a session needs its word, and a page of this server', async () => {
  const { app, url, store } = await listeningServer();
  const admin = await newAccount(store, [everywhere('admin')]);
  const { host: _, ...headers } = await sessionHeaders(store, admin);
  const add = (name: string, more: Record<string, string>) =>
    send(`${url}/api/v1/accounts`, 'POST', { name, password: null }, { ...headers, ...more });
  for (const [what, more] of [
    ['no word', { 'x-csrf-token': '' }],
    ['the word of another', { 'x-csrf-token': (await sessionHeaders(store, admin))['x-csrf-token']! }],
    ['another site', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['no site at all', { origin: 'null' }],
    ['a cross-site form', { 'sec-fetch-site': 'cross-site' }],
    ['a sister site', { 'sec-fetch-site': 'same-site' }],
  ] as const) {
    const { status, code } = await add('mallory', more);
    assert.deepEqual([status, code], [403, 'csrf-refused'], what);
  }
  assert.deepEqual((await send(`${url}/api/v1/accounts`, 'GET', undefined, headers)).status, 200, 'reading needs none');
  const names = await store.db.selectFrom('account').select('name').execute();
  assert.ok(!names.some(({ name }) => name === 'mallory'));
  assert.equal((await add('bo', { origin: url, 'sec-fetch-site': 'same-origin' })).status, 201);
  const foreign = await login(url, {}, { origin: 'https://evil.example' });
  assert.equal(foreign.code, 'csrf-refused', 'nobody is logged in as somebody else either');
  await app.close();
});

test('name, password and account that are wrong are told apart by nothing; many tries wait', async () => {
  const { clock, forward } = moving();
  const { app, url, store } = await listeningServer({ clock });
  await jane(store);
  await addAccount(
    store.db,
    { name: 'gone', password: await hashPassword(PASSWORD, 'gone'), subject: null, grants: [] },
    by,
  );
  await disableAccount(store.db, 'gone', by);
  const told = await Promise.all([
    login(url, { name: 'nobody' }),
    login(url, { name: 'gone' }),
    login(url, { password: 'wrong password' }),
    login(url, { name: "' OR 1=1 --" }),
  ]);
  for (const { status, code, body, cookie } of told)
    assert.deepEqual([status, code, body, cookie], [401, 'login-failed', told[0].body, '']);
  for (let i = 0; i < 5; i += 1) await login(url, { password: 'wrong password' });
  const waiting = await login(url, {});
  assert.deepEqual([waiting.status, waiting.code], [429, 'too-many'], 'the right password, too, waits');
  forward(1_100);
  assert.equal(
    (await store.db.selectFrom('account').select('failures').where('name', '=', 'jane').executeTakeFirst())?.failures,
    6,
  );
  await app.close();
});

test('one address may try ten times a minute, whatever names it tries', async () => {
  const { app, url, store } = await listeningServer();
  await jane(store);
  const codes = [];
  for (let i = 0; i < 12; i += 1) codes.push((await login(url, { name: `name${i}` })).code);
  assert.deepEqual(codes, [...Array<string>(10).fill('login-failed'), 'too-many', 'too-many']);
  await app.close();
});

test('with one-time codes the password alone is not enough, and a code opens one session', async () => {
  const { clock, forward } = moving();
  const { app, url, store } = await listeningServer({ clock });
  await jane(store);
  const secret = newTotpSecret();
  await setTotp(store.db, 'jane', secret, by);
  const code = () => hotp(secret, totpStep(clock.now()));
  assert.equal((await login(url, {})).code, 'code-needed');
  assert.equal((await login(url, { password: 'wrong password', code: code() })).code, 'login-failed');
  assert.equal((await login(url, { code: code() === '000000' ? '000001' : '000000' })).code, 'login-failed');
  const used = code();
  const both = await Promise.all([login(url, { code: used }), login(url, { code: used })]);
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 401],
    'at once, too',
  );
  forward(30_000);
  assert.equal((await login(url, { code: code() })).status, 200);
  await app.close();
});

test('a new password ends the other sessions; the old one is asked for', async () => {
  const { app, url, store } = await listeningServer();
  await jane(store);
  const [one, other] = [await login(url, {}), await login(url, {})];
  const word = sessionSchema.parse(one.body).csrf!;
  const change = (body: object) =>
    send(`${url}/api/v1/session/password`, 'PUT', body, { cookie: one.cookie, 'x-csrf-token': word });
  assert.equal((await change({ old: 'wrong', new: 'another good password' })).code, 'login-failed');
  assert.equal((await change({ old: PASSWORD, new: 'short' })).code, 'password-refused');
  assert.equal((await change({ old: PASSWORD, new: 'another good password' })).status, 204);
  const seen = async ({ cookie }: Answer) => (await send(`${url}/api/v1/status`, 'GET', undefined, { cookie })).status;
  assert.deepEqual([await seen(one), await seen(other)], [200, 401]);
  assert.equal((await login(url, {})).code, 'login-failed');
  assert.equal((await login(url, { password: 'another good password' })).status, 200);
  await app.close();
});

test('roles that are taken away, accounts that are disabled and tokens that are over count from the next request on', async () => {
  const { app, url, store } = await listeningServer();
  const grants = [everywhere('viewer')];
  const [bo, cy] = [await newAccount(store, grants), await newAccount(store, grants)];
  const get = async (headers: Record<string, string>) =>
    (await send(`${url}/api/v1/status`, 'GET', undefined, headers)).status;
  const [session, token] = [await sessionHeaders(store, bo), await tokenHeaders(store, bo, grants)];
  const over = await tokenHeaders(store, bo, grants, new Date(Date.now() - 1));
  assert.deepEqual([await get(session), await get(token), await get(over)], [200, 200, 401]);
  await setGrants(store.db, bo.name, [], by);
  assert.deepEqual([await get(session), await get(token)], [403, 403]);
  await setGrants(store.db, bo.name, grants, by);
  await disableAccount(store.db, bo.name, by);
  assert.deepEqual([await get(session), await get(token)], [401, 401]);
  const forged = { ...token, authorization: `Bearer ttx_${'A'.repeat(43)}` };
  const others = await sessionHeaders(store, cy);
  assert.equal(await get({ ...forged, cookie: others['cookie']! }), 401, 'a wrong token is not saved by a cookie');
  await app.close();
});

test('a token is made in a session, shown once, no wider than its account, and taken back by its owner', async () => {
  const { app, url, store } = await listeningServer();
  const bo = await newAccount(store, [everywhere('viewer')]);
  const { host: _, ...headers } = await sessionHeaders(store, bo);
  const make = (body: object) => send(`${url}/api/v1/tokens`, 'POST', { name: 'ci', days: 1, ...body }, headers);
  assert.equal((await make({ grants: [everywhere('admin')] })).code, 'forbidden');
  for (const wrong of [{ days: 0 }, { days: 367 }, { days: 1.5 }, { grants: [] }, { more: 1 }, { name: '' }])
    assert.equal((await make(wrong)).code, 'bad-request', JSON.stringify(wrong));
  const { status, body } = await make({});
  const { id, secret } = body as { id: string; secret: string };
  assert.equal(status, 201);
  assert.ok(!JSON.stringify(await store.db.selectFrom('api_token').selectAll().execute()).includes(secret));
  assert.ok(!JSON.stringify(await store.db.selectFrom('audit').selectAll().execute()).includes(secret));
  const authorization = `Bearer ${secret}`;
  assert.equal((await send(`${url}/api/v1/status`, 'GET', undefined, { authorization })).status, 200);
  const { host: __, ...other } = await sessionHeaders(store, await newAccount(store, [everywhere('viewer')]));
  assert.equal((await send(`${url}/api/v1/tokens/${id}`, 'DELETE', undefined, other)).code, 'not-found');
  assert.equal((await send(`${url}/api/v1/tokens/${id}`, 'DELETE', undefined, headers)).status, 204);
  assert.equal((await send(`${url}/api/v1/status`, 'GET', undefined, { authorization })).status, 401);
  await app.close();
});

test('a body that is too long, or no JSON, is refused unread', async () => {
  const { app, url, store } = await listeningServer();
  await jane(store);
  assert.equal((await login(url, { password: 'x'.repeat(70_000) })).status, 413);
  assert.equal((await login(url, { password: 'x'.repeat(2_000) })).code, 'bad-request');
  const form = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `name=jane&password=${PASSWORD}`,
  });
  assert.equal(form.status, 415);
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM session`.execute(store.db);
  assert.equal(rows[0]?.n, 0);
  await app.close();
});
