/** What the API changes: once, in the audit log, and only as the contract says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { auditPageSchema, cvePageSchema, cveSchema, decisionSchema, kernelSchema } from '#contract';
import { listAudit, type Store, searchCves, verifyAudit } from '#store';
import { everywhere, newAccount, sessionHeaders, tokenHeaders } from '../../../testkit/identity.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';

type Headers = Record<string, string>;

async function send(
  app: FastifyInstance,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  headers: Headers,
  payload?: object,
) {
  const response = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  const body = response.body === '' ? null : response.json<{ code?: string; id?: string }>();
  return { status: response.statusCode, code: body?.code, body, headers: response.headers };
}

async function place() {
  const { app, store, kernel } = await sampleServer();
  const manager = await newAccount(store, [everywhere('release-manager')], 'manager');
  const headers = await sessionHeaders(store, manager);
  const cve = (await searchCves(store.db, { sort: 'priority', limit: 1 }))[0]!.id;
  return { app, store, kernel, manager, headers, cve };
}

const actions = async (store: Store) =>
  (await listAudit(store.db, { limit: 50 })).map(({ action, actor, via }) => `${action} ${actor} ${via}`);

test('lists of CVEs are read page by page, each CVE once, in both orders', async () => {
  const { app, store, headers } = await place();
  for (const sort of ['priority', 'newest'] as const) {
    const whole = (await searchCves(store.db, { sort, limit: 0 })).map(({ id }) => id);
    const seen: string[] = [];
    for (let next = ''; ; ) {
      const { body } = await send(app, 'GET', `/api/v1/cves?sort=${sort}&limit=3${next}`, headers);
      const page = cvePageSchema.parse(body);
      seen.push(...page.cves.map(({ id }) => id));
      if (page.next === null) break;
      next = `&cursor=${page.next}`;
    }
    assert.deepEqual(seen, whole, sort);
  }
  await store.db.deleteFrom('priority').where('cve_id', '>', 'CVE-2026').execute();
  const whole = (await searchCves(store.db, { sort: 'priority', limit: 0 })).map(({ id }) => id);
  const rest = (await searchCves(store.db, { sort: 'priority', limit: 0, after: whole[2]! })).map(({ id }) => id);
  assert.deepEqual(rest, whole.slice(3), 'also where some wait for their rank');
  const waiting = whole.at(-3)!;
  assert.deepEqual(
    (await searchCves(store.db, { sort: 'priority', limit: 0, after: waiting })).map(({ id }) => id),
    whole.slice(-2),
  );
});

test('one CVE and one kernel are told in the form of the contract', async () => {
  const { app, kernel, headers, cve } = await place();
  const { body } = await send(app, 'GET', `/api/v1/cves/${cve}`, headers);
  assert.equal(cveSchema.parse(body).id, cve);
  assert.equal(kernelSchema.parse((await send(app, 'GET', `/api/v1/kernels/${kernel}`, headers)).body).name, kernel);
  assert.equal((await send(app, 'GET', '/api/v1/cves/CVE-2099-1234', headers)).code, 'not-found');
  assert.equal((await send(app, 'GET', '/api/v1/cves/none', headers)).code, 'bad-request');
});

test('an answer that did not change is told by its tag', async () => {
  const { app, headers, cve } = await place();
  const first = await send(app, 'GET', `/api/v1/cves/${cve}`, headers);
  const tag = String(first.headers['etag']);
  assert.match(tag, /^"[\w-]{27}"$/);
  const again = await app.inject({
    url: `/api/v1/cves/${cve}`,
    headers: { ...headers, 'if-none-match': `W/"x", ${tag}` },
  });
  assert.deepEqual([again.statusCode, again.body, again.headers['etag']], [304, '', tag]);
  assert.match(String(again.headers['content-security-policy']), /default-src/);
  await send(app, 'POST', `/api/v1/cves/${cve}/notes`, headers, { reason: 'asked' });
  const other = await app.inject({ url: `/api/v1/cves/${cve}`, headers: { ...headers, 'if-none-match': tag } });
  assert.equal(other.statusCode, 200);
});

test('a decision counts, is audited with who and how, and can be taken back', async () => {
  const { app, store, headers, manager, cve } = await place();
  const made = await send(app, 'POST', `/api/v1/cves/${cve}/decisions`, headers, {
    kind: 'severity',
    score: 9.9,
    reason: 'our tenants',
  });
  assert.equal(made.status, 201);
  const { id, author } = decisionSchema.parse(made.body);
  assert.equal(author, 'manager');
  const shown = cveSchema.parse((await send(app, 'GET', `/api/v1/cves/${cve}`, headers)).body);
  assert.ok(shown.standing.terms.some(({ sentence }) => sentence.includes('manager')));
  const token = await tokenHeaders(store, manager, [everywhere('release-manager')]);
  assert.equal((await send(app, 'POST', `/api/v1/decisions/${id}/revoke`, token, {})).status, 200);
  assert.equal((await send(app, 'POST', `/api/v1/decisions/${id}/revoke`, token, {})).code, 'not-found');
  const [last, , before] = await actions(store);
  assert.match(last!, /^decision\.revoke manager token [0-9a-f-]{36}$/);
  assert.equal(before, 'decision.severity manager session');
  assert.equal((await verifyAudit(store.db)).fault, null);
});

test('what is not as the contract says changes nothing', async () => {
  const { app, store, headers, cve } = await place();
  const before = await actions(store);
  for (const body of [
    {},
    { kind: 'severity', score: 11, reason: 'x' },
    { kind: 'severity', score: 5, reason: ' ' },
    { kind: 'severity', score: 5, reason: 'x', more: 1 },
    { kind: 'accept', reason: 'x' },
    { kind: 'accept', until: '2020-01-01T00:00:00Z', reason: 'x' },
    { kind: 'mitigation', mitigation: { kind: 'sysctl', key: 'a.b', value: '$(x)' }, untilPatched: true, reason: 'x' },
    { kind: 'mitigation', mitigation: { kind: 'shell', command: 'x' }, untilPatched: true, reason: 'x' },
    { kind: 'mitigation', mitigation: { kind: 'bpf-lsm', note: 'x' }, reason: 'without an end' },
  ]) {
    const { status } = await send(app, 'POST', `/api/v1/cves/${cve}/decisions`, headers, body);
    assert.ok([400, 422].includes(status), `${status} ${JSON.stringify(body)}`);
  }
  assert.equal(
    (await send(app, 'POST', '/api/v1/cves/CVE-2099-1234/notes', headers, { reason: 'x' })).code,
    'not-found',
  );
  assert.deepEqual(await actions(store), before);
});

test('a request with an Idempotency-Key is done once, also when two come at once', async () => {
  const { app, store, headers, cve } = await place();
  const note = (key: string, reason: string) =>
    send(app, 'POST', `/api/v1/cves/${cve}/notes`, { ...headers, 'idempotency-key': key }, { reason });
  const answers = await Promise.all([1, 2, 3, 4].map(() => note('key-00000001', 'once')));
  assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body?.id}`)).size, 1);
  assert.equal(answers[0]!.status, 201);
  assert.equal((await note('key-00000001', 'another')).code, 'key-reused');
  assert.equal((await note('x', 'once')).code, 'key-invalid');
  assert.equal((await note('key-00000002', 'once')).status, 201);
  const notes = (await actions(store)).filter((line) => line.startsWith('decision.note'));
  assert.equal(notes.length, 2);
  // What failed leaves the key free.
  const gone = { ...headers, 'idempotency-key': 'key-00000003' };
  assert.equal((await send(app, 'POST', '/api/v1/cves/CVE-2099-1234/notes', gone, { reason: 'x' })).status, 404);
  assert.equal((await send(app, 'POST', `/api/v1/cves/${cve}/notes`, gone, { reason: 'x' })).status, 201);
});

test('secrets are not kept for a repetition', async () => {
  const { app, store, headers } = await place();
  const keyed = { ...headers, 'idempotency-key': 'key-00000001' };
  const make = () => send(app, 'POST', '/api/v1/tokens', keyed, { name: 'ci', days: 1 });
  const [first, second] = [await make(), await make()];
  const { secret, id } = first.body as { secret: string; id: string };
  assert.deepEqual([first.status, second.status, second.body], [201, 201, { ...first.body, secret: null }]);
  const admin = await sessionHeaders(store, await newAccount(store, [everywhere('admin')]));
  const password = 'correct horse battery';
  await send(
    app,
    'POST',
    '/api/v1/accounts',
    { ...admin, 'idempotency-key': 'key-00000002' },
    { name: 'bo', password },
  );
  const kept = JSON.stringify(await store.db.selectFrom('idempotency').selectAll().execute());
  assert.ok(kept.includes(id) && kept.includes('bo') && !kept.includes(secret) && !kept.includes(password));
});

test('a fix is taken back and let in again for the kernels one holds a role for', async () => {
  const { app, store, kernel, headers, cve } = await place();
  const hold = `/api/v1/kernels/${kernel}/holds/${cve}`;
  assert.equal((await send(app, 'PUT', hold, headers, { reason: 'breaks our driver' })).status, 200);
  const { body } = await send(app, 'GET', `/api/v1/kernels/${kernel}/holds`, headers);
  assert.deepEqual(
    (body as unknown as { cve: string; author: string }[]).map((one) => [one.cve, one.author]),
    [[cve, 'manager']],
  );
  const other = await newAccount(store, [{ role: 'release-manager', scope: { kind: 'kernel', id: 'another' } }]);
  assert.equal((await send(app, 'DELETE', hold, await sessionHeaders(store, other))).code, 'forbidden');
  assert.equal((await send(app, 'DELETE', hold, headers)).status, 204);
  assert.equal((await send(app, 'DELETE', hold, headers)).code, 'not-found');
  assert.deepEqual((await actions(store)).slice(0, 1), ['fix.release manager session']);
});

test('the audit log is paged through and checked by administrators', async () => {
  const { app, store, cve, headers } = await place();
  for (let i = 0; i < 5; i += 1) await send(app, 'POST', `/api/v1/cves/${cve}/notes`, headers, { reason: `${i}` });
  const admin = await sessionHeaders(store, await newAccount(store, [everywhere('admin')]));
  const seen: number[] = [];
  for (let next = ''; ; ) {
    const page = auditPageSchema.parse((await send(app, 'GET', `/api/v1/audit?limit=2${next}`, admin)).body);
    seen.push(...page.entries.map(({ seq }) => seq));
    if (page.next === null) break;
    next = `&cursor=${page.next}`;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: seen.length }, (_, i) => seen.length - i),
  );
  const { body } = await send(app, 'GET', '/api/v1/audit/check', admin);
  assert.deepEqual((body as unknown as { rows: number; fault: null }).fault, null);
});
