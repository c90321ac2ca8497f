/** Every route x role, allowed and refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { type Grant, roles, type Scope } from '#domain';
import { hasAccounts, listKernels } from '#store';
import { type Access, access } from '../../../src/server/access.ts';
import { everywhere, newAccount, sessionHeaders, tokenHeaders } from '../../../testkit/identity.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';

const routes = Object.entries(access).map(([route, row]) => {
  const [method, url] = route.split(' ') as ['GET' | 'POST' | 'PUT' | 'DELETE', string];
  return { route, method, url, row };
});

/** The address of a route for one kernel; nothing of the rest exists, so that nobody who is let in changes anything. */
function addressOf(url: string, kernel: string): string {
  return url.replace('*', 'nothing').replace(':kernel', kernel).replaceAll(/:\w+/g, 'none');
}

/** Is this refusal that of the guard? What was let in ends in any other way: done, not found, or a body that is none. */
async function isRefused(
  app: FastifyInstance,
  { method, url }: (typeof routes)[number],
  kernel: string,
  headers: Record<string, string>,
): Promise<number | null> {
  const body = method === 'POST' || method === 'PUT' ? { payload: { nothing: true } } : {};
  // The stream of events has no end: what was answered is known before.
  const asked = { method, url: addressOf(url, kernel), headers, ...body, payloadAsStream: true } as const;
  const response = await app.inject(asked);
  response.stream().destroy();
  assert.notEqual(response.statusCode, 500, url);
  return [401, 403].includes(response.statusCode) ? response.statusCode : null;
}

/** What the table says, in other words than the guard's. */
function expected(row: Access, { role, scope }: Grant, kernelId: string): boolean {
  if (!('on' in row)) return true;
  if (!row.who.includes(role)) return false;
  if (scope.kind === 'all' || row.on === 'any') return true;
  return row.on === 'kernel' && scope.kind === 'kernel' && scope.id === kernelId;
}

test('each route lets in exactly the roles of its row, for what they are held for', async () => {
  const { app, store, kernel } = await sampleServer();
  const kernelId = (await listKernels(store.db))[0]!.id;
  const scopes: Scope[] = [
    { kind: 'all' },
    { kind: 'kernel', id: kernelId },
    { kind: 'kernel', id: 'another' },
    { kind: 'group', id: kernelId },
  ];
  let [allowed, refused] = [0, 0];
  for (const grant of roles.flatMap((role) => scopes.map((scope) => ({ role, scope })))) {
    const account = await newAccount(store, [grant]);
    for (const one of routes) {
      // A new session for each: one of the routes ends it.
      const got = await isRefused(app, one, kernel, await sessionHeaders(store, account));
      const isAllowed = expected(one.row, grant, kernelId);
      // A person, whoever it is, opens nothing of the routes of builders.
      const wanted = one.row.who === 'itself' ? 401 : isAllowed ? null : 403;
      assert.equal(got, wanted, `${one.route} as ${JSON.stringify(grant)}`);
      if (isAllowed) allowed += 1;
      else refused += 1;
    }
  }
  assert.ok(allowed > 100 && refused > 50, `${allowed} allowed, ${refused} refused`);
  await app.close();
});

test('without a login, and with an account that holds nothing, only what is for anyone is answered', async () => {
  const { app, store, kernel } = await sampleServer();
  const nobody = await newAccount(store, []);
  for (const one of routes) {
    const { who } = one.row;
    const stranger = await isRefused(app, one, kernel, { host: '127.0.0.1' });
    assert.equal(stranger, who === 'anyone' || who === 'visitor' ? null : 401, `${one.route} as a stranger`);
    const empty = await isRefused(app, one, kernel, await sessionHeaders(store, nobody));
    assert.equal(empty, who === 'itself' ? 401 : typeof who === 'string' ? null : 403, `${one.route} without a role`);
  }
  await app.close();
});

test('a token does what both its account and the token carry, and makes no credentials', async () => {
  const { app, store, kernel } = await sampleServer();
  const admin = await newAccount(store, [everywhere('admin')]);
  const both = await newAccount(store, [everywhere('admin'), everywhere('viewer')]);
  const status = async (headers: Record<string, string>, url: string, method: 'GET' | 'POST' = 'GET') =>
    (await app.inject({ method, url, headers, ...(method === 'POST' ? { payload: { name: 'x', days: 1 } } : {}) }))
      .statusCode;
  const viewing = await tokenHeaders(store, both, [everywhere('viewer')]);
  assert.equal(await status(viewing, `/api/v1/kernels/${kernel}/summary`), 200);
  assert.equal(await status(viewing, '/api/v1/accounts'), 403, 'the token does not carry it');
  const claiming = await tokenHeaders(store, admin, [everywhere('admin'), everywhere('viewer')]);
  assert.equal(await status(claiming, '/api/v1/accounts'), 200);
  const small = await tokenHeaders(store, admin, [{ role: 'admin', scope: { kind: 'kernel', id: 'x' } }]);
  assert.equal(await status(small, '/api/v1/accounts'), 403);
  assert.equal(await status(claiming, '/api/v1/tokens', 'POST'), 403);
  await app.close();
});

test('while there is no account, a visitor of this machine reads everything and changes nothing', async () => {
  const { app, store, kernel } = await sampleServer();
  const local = { host: 'localhost:8460' };
  for (const one of routes) {
    const reads =
      one.row.who === 'anyone' || one.row.who === 'visitor' || ('on' in one.row && one.row.who.includes('viewer'));
    assert.equal(await isRefused(app, one, kernel, local), reads ? null : 401, one.route);
    // Whoever comes through a proxy is no visitor of this machine.
    if ('on' in one.row)
      assert.equal(await isRefused(app, one, kernel, { ...local, 'x-forwarded-for': '192.0.2.1' }), 401, one.route);
  }
  assert.ok(!(await hasAccounts(store.db)), 'nothing came of it');
  await newAccount(store, [everywhere('admin')]);
  assert.equal((await app.inject({ url: '/api/v1/status', headers: local })).statusCode, 401);
  await app.close();
});

test('a route that stands in no row does not start', async () => {
  const { app } = await sampleServer();
  for (const method of ['GET', 'POST', 'PATCH'] as const)
    assert.throws(
      () => app.route({ method, url: '/api/v1/new', handler: () => null }),
      (error: { code?: string }) => error.code === 'route-unlisted',
      method,
    );
  await app.close();
});
