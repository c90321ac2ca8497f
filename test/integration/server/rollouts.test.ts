/** What people ask of a rollout over the API: taken by the next round of a controller, in the audit log, refused where it must be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rolloutAskedSchema, rolloutDetailSchema } from '#contract';
import { listAudit, listKernels } from '#store';
import { everywhere, newAccount, sessionHeaders } from '../../../testkit/identity.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';
import { addRolledOut } from '../../../testkit/web-world.ts';

type Headers = Record<string, string>;

async function place() {
  const { app, store } = await sampleServer();
  const { id, controller } = await addRolledOut(store, (await listKernels(store.db))[0]!.buildId!);
  await controller.roundBetween();
  const as = async (role: 'author' | 'release-manager' | 'viewer') =>
    sessionHeaders(store, await newAccount(store, [everywhere(role)], role));
  const read = async (headers: Headers) =>
    rolloutDetailSchema.parse((await app.inject({ url: `/api/v1/rollouts/${id}`, headers })).json());
  const post = async (what: string, headers: Headers, payload: object) => {
    const response = await app.inject({ method: 'POST', url: `/api/v1/rollouts/${id}/${what}`, headers, payload });
    return { status: response.statusCode, body: response.json<{ code?: string }>() };
  };
  return { app, store, id, controller, as, read, post };
}

test('a halt waits for the controller and is then done; to go on is for the release manager', async () => {
  const { store, controller, as, read, post } = await place();
  const [author, manager] = [await as('author'), await as('release-manager')];
  assert.equal((await read(author)).phase, 'paused');
  const asked = await post('stop', author, { do: 'halt', reason: 'the disks of rack 4' });
  assert.equal(asked.status, 202);
  assert.equal(rolloutAskedSchema.parse(asked.body).asked, 'halt');
  const before = await read(author);
  assert.deepEqual([before.phase, before.waiting.map(({ by }) => by)], ['paused', ['author']]);
  await controller.roundBetween();
  const halted = await read(author);
  assert.deepEqual([halted.phase, halted.waiting], ['halted', []]);
  assert.match(halted.stop?.why ?? '', /the disks of rack 4/);

  assert.equal((await post('resume', author, { failures: 0, reason: 'fixed' })).body.code, 'forbidden');
  assert.equal((await post('resume', manager, { failures: 0, reason: 'fixed' })).status, 202);
  await controller.roundBetween();
  assert.equal((await read(manager)).phase, 'running');
  const log = (await listAudit(store.db, { limit: 50 })).map(({ action, actor, via }) => [action, actor, via]);
  assert.ok(log.some((entry) => String(entry) === 'rollout.halt,author,session'));
});

test('refused, with nothing asked for: no reason, a viewer, a host that is not known, a rollout that is not there', async () => {
  const { app, as, read, post } = await place();
  const [viewer, manager] = [await as('viewer'), await as('release-manager')];
  assert.equal((await post('stop', manager, { do: 'halt', reason: '  ' })).body.code, 'bad-request');
  assert.equal((await post('stop', manager, { do: 'expedite', reason: 'x' })).body.code, 'bad-request');
  assert.equal((await post('stop', viewer, { do: 'halt', reason: 'x' })).body.code, 'forbidden');
  const none = { do: 'hold', host: 'nobody', reason: 'x' };
  assert.equal((await post('holds', manager, none)).body.code, 'not-found');
  const url = '/api/v1/rollouts/4f0ad3ee-0000-4000-8000-000000000000/stop';
  const gone = await app.inject({ method: 'POST', url, headers: manager, payload: { do: 'halt', reason: 'x' } });
  assert.equal(gone.json<{ code: string }>().code, 'not-found');
  assert.deepEqual((await read(manager)).waiting, []);
});

test('asked for twice with one key, it is asked for once', async () => {
  const { as, read, post } = await place();
  const headers = { ...(await as('release-manager')), 'idempotency-key': 'one-and-the-same' };
  for (let i = 0; i < 2; i++)
    assert.equal((await post('stop', headers, { do: 'recall', reason: 'wrong' })).status, 202);
  assert.equal((await read(headers)).waiting.length, 1);
});
