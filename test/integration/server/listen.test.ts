/** What a server needs before others may reach it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { hasCode } from '#domain';
import { plainEnvironment } from '#host';
import { checkOrigin, isLoopback, refuseOpen } from '../../../src/server/listen.ts';
import { databaseUrl, testStore } from '../../../testkit/database.ts';
import { everywhere, newAccount } from '../../../testkit/identity.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SERVER = join(import.meta.dirname, '../../../src/server/main.ts');
const ORIGIN = 'https://tuxtape.example.org';

test('only addresses of this machine are its own', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) assert.ok(isLoopback(host), host);
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.example.org',
    'localhost.example.org',
    '',
    '::ffff:127.0.0.1',
  ])
    assert.ok(!isLoopback(host), host);
});

test('the address of a server is https without a path; http only on this machine', () => {
  assert.equal(checkOrigin(null), null);
  assert.equal(checkOrigin(`${ORIGIN}/`), ORIGIN);
  assert.equal(checkOrigin('http://127.0.0.1:8460'), 'http://127.0.0.1:8460');
  for (const origin of [
    'http://tuxtape.example.org',
    `${ORIGIN}/x`,
    'tuxtape',
    'https://a:b@tuxtape.example.org',
    'ftp://x',
  ])
    assert.throws(
      () => checkOrigin(origin),
      (error) => hasCode(error, 'origin-invalid'),
      origin,
    );
});

test('a server that others can reach needs its address and an account', async () => {
  const store = await testStore();
  await refuseOpen(store.db, '127.0.0.1', null);
  await assert.rejects(refuseOpen(store.db, '0.0.0.0', null), (error) => hasCode(error, 'origin-invalid'));
  for (const host of ['0.0.0.0', '127.0.0.1'])
    await assert.rejects(refuseOpen(store.db, host, ORIGIN), (error) => hasCode(error, 'accounts-missing'), host);
  await newAccount(store, [everywhere('admin')]);
  await refuseOpen(store.db, '0.0.0.0', ORIGIN);
});

test('the program refuses to listen for others', { timeout: 60_000 }, async () => {
  const start = async (host: string): Promise<[number | null, string]> => {
    const env = plainEnvironment({
      DATABASE_URL: await databaseUrl(),
      TUXTAPE_DATA: await scratch(),
      TUXTAPE_SERVER_HOST: host,
      TUXTAPE_SERVER_PORT: '0',
      TUXTAPE_SERVER_ORIGIN: ORIGIN,
    });
    const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    after(() => void child.kill('SIGKILL'));
    const [said] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return [child.exitCode, said];
  };
  const [code, said] = await start('0.0.0.0');
  assert.equal(code, 1);
  assert.match(said, /accounts-missing[\s\S]*tuxtape user add/);
});

test('behind its proxy a server answers to its own name, with a cookie for TLS only', async () => {
  const { app, store } = await sampleServer({ origin: ORIGIN, proxies: 'loopback' });
  const get = async (host: string) => (await app.inject({ url: '/api/v1/status', headers: { host } })).statusCode;
  assert.equal(await get('tuxtape.example.org'), 401, 'no visitor, although there is no account');
  assert.equal(await get('127.0.0.1'), 401);
  assert.equal(await get('evil.example'), 421);
  const response = await app.inject({ url: '/api/v1/session', headers: { host: 'tuxtape.example.org' } });
  assert.match(String(response.headers['strict-transport-security']), /max-age=31536000/);
  await newAccount(store, []);
});
