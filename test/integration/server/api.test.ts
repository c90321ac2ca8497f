import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelSchema, statusSchema, summarySchema, verdictPageSchema } from '#contract';
import { access } from '../../../src/server/access.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';

const headers = { host: '127.0.0.1' };

test('every route answers in the form the contract states', async () => {
  const { app, kernel } = await sampleServer();
  const get = async (url: string): Promise<unknown> => {
    const response = await app.inject({ url, headers });
    assert.equal(response.statusCode, 200, `${url}: ${response.body}`);
    return response.json();
  };
  const status = statusSchema.parse(await get('/api/v1/status'));
  assert.equal(status.sampleData, true);
  assert.equal(kernelSchema.array().parse(await get('/api/v1/kernels'))[0]?.name, kernel);
  const { counts } = summarySchema.parse(await get(`/api/v1/kernels/${kernel}/summary`));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const first = verdictPageSchema.parse(await get(`/api/v1/kernels/${kernel}/verdicts?limit=3`));
  assert.equal(first.verdicts.length, 3);
  let seen = first.verdicts.length;
  for (let next = first.next; next !== null; ) {
    const page = verdictPageSchema.parse(await get(`/api/v1/kernels/${kernel}/verdicts?limit=7&cursor=${next}`));
    seen += page.verdicts.length;
    next = page.next;
  }
  assert.equal(seen, total, 'the pages together are everything that was counted');
  const openapi = (await get('/api/v1/openapi.json')) as { paths: Record<string, unknown> };
  assert.ok(openapi.paths['/api/v1/kernels/{kernel}/verdicts']);
  assert.deepEqual([await get('/healthz'), await get('/readyz')], [{ ok: true }, { ok: true }]);
  await app.close();
});

test('the worst comes first, and what has no score is a class of its own', async () => {
  const { app, kernel } = await sampleServer();
  const { body } = await app.inject({ url: `/api/v1/kernels/${kernel}/verdicts?status=affected&limit=500`, headers });
  const { verdicts } = verdictPageSchema.parse(JSON.parse(body));
  const scores = verdicts.map(({ score }) => score ?? -1);
  assert.deepEqual(
    scores,
    scores.toSorted((a, b) => b - a),
  );
  assert.ok(verdicts.some(({ score, severity }) => score === null && severity === 'not-scored'));
  assert.ok(!verdicts.some(({ score }) => score === 0));
  await app.close();
});

test('errors are problems with a code, and say nothing of the inside', async () => {
  const { app, kernel } = await sampleServer();
  const problem = async (url: string, host = '127.0.0.1'): Promise<[number, string]> => {
    const response = await app.inject({ url, headers: { host } });
    assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
    return [response.statusCode, response.json<{ code: string }>().code];
  };
  assert.deepEqual(await problem('/api/v1/kernels/none/summary'), [404, 'not-found']);
  assert.deepEqual(await problem('/api/v1/nothing'), [404, 'not-found']);
  for (const query of [
    'limit=0',
    'limit=501',
    'limit=x',
    'status=maybe',
    'cursor=-1',
    'cursor=x',
    `q=${'x'.repeat(5_000)}`,
  ]) {
    assert.deepEqual(await problem(`/api/v1/kernels/${kernel}/verdicts?${query}`), [400, 'bad-request'], query);
  }
  assert.deepEqual(await problem('/api/v1/status', 'evil.example'), [421, 'host-refused']);
  assert.deepEqual(await problem("/api/v1/kernels/'%20OR%201=1--/summary"), [404, 'not-found']);
  await app.close();
});

test('every route stands in the access table, and answers carry the security headers', async () => {
  const { app } = await sampleServer();
  await app.ready();
  for (const route of Object.keys(access)) {
    const [method, url] = route.split(' ') as ['GET', string];
    assert.ok(app.hasRoute({ method, url }), route);
  }
  const response = await app.inject({ url: '/api/v1/status', headers });
  assert.match(String(response.headers['content-security-policy']), /default-src 'self'/);
  assert.doesNotMatch(String(response.headers['content-security-policy']), /script-src[^;]*unsafe/);
  assert.equal(response.headers['x-content-type-options'], 'nosniff');
  await app.close();
});
