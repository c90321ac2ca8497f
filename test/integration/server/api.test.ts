import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { kernelSchema, standingSchema, statusSchema, summarySchema, verdictPageSchema } from '#contract';
import type { CveId } from '#domain';
import { systemClock } from '#host';
import { rankDue } from '#pipeline';
import { markDue, replaceSignals } from '#store';
import { sampleServer } from '../../../testkit/sample-server.ts';

const headers = { host: '127.0.0.1' };
const KEV = {
  source: 'kev',
  added: '2026-10-01',
  due: null,
  ransomware: true,
  name: '<b>Linux Kernel</b> Use-After-Free',
} as const;

test('every route answers in the form the contract states', async () => {
  const { app, kernel } = await sampleServer();
  const get = async (url: string): Promise<unknown> => {
    const response = await app.inject({ url, headers });
    assert.equal(response.statusCode, 200, `${url}: ${response.body}`);
    return response.json();
  };
  const status = statusSchema.parse(await get('/api/v1/status'));
  assert.equal(status.sampleData, true);
  assert.deepEqual(
    status.sources.map(({ source, state }) => [source, state]),
    [
      ['lore', 'fresh'],
      ['vulns', 'fresh'],
      ['kev', 'never'],
    ],
  );
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

test('what is exploited comes first, then the heaviest; what has no score is a class of its own', async () => {
  const { app, kernel, store } = await sampleServer();
  const list = async () => {
    const { body } = await app.inject({ url: `/api/v1/kernels/${kernel}/verdicts?status=affected&limit=500`, headers });
    return verdictPageSchema.parse(JSON.parse(body)).verdicts;
  };
  const exploited = (await list()).findLast(({ score }) => score === null)?.cve as CveId;
  const signal = { cve: exploited, at: '2026-11-20T00:00:00Z', value: KEV } as const;
  const [at, clock] = [new Date(), systemClock];
  await replaceSignals(store.db, 'kev', [signal], { whole: true, at });
  await markDue(store.db, [exploited]);
  await rankDue({ store, clock });
  const verdicts = await list();
  const standings = await Promise.all(
    verdicts.map(async ({ cve }) => {
      const { body: text } = await app.inject({ url: `/api/v1/cves/${cve}/standing`, headers });
      return standingSchema.parse(JSON.parse(text));
    }),
  );
  const order = standings.map(({ class: standing, weight }) => [standing === 'exploited' ? 0 : 1, -weight] as const);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
  );
  assert.deepEqual([verdicts[0]?.cve, verdicts[0]?.class, verdicts[0]?.score], [exploited, 'exploited', null]);
  assert.match(standings[0]?.signals[0]?.sentence ?? '', /^exploited, added 2026-10-01, used by ransomware/);
  assert.ok(verdicts.every(({ score, predicted }) => (score === null) === (predicted !== null)));
  assert.ok(verdicts.some(({ score, severity }) => score === null && severity === 'not-scored'));
  assert.ok(!verdicts.some(({ score }) => score === 0));
  await app.close();
});

test('what waits for its rank is paged through, too: each verdict once', async () => {
  const { app, kernel, store } = await sampleServer();
  const page = async (query: string) => {
    const { body } = await app.inject({ url: `/api/v1/kernels/${kernel}/verdicts?${query}`, headers });
    return verdictPageSchema.parse(JSON.parse(body));
  };
  const whole = (await page('limit=500')).verdicts.map(({ cve }) => cve).toSorted();
  for (const gone of [sql`cve_id > 'CVE-2025-4'`, sql`true`]) {
    await sql`DELETE FROM priority WHERE ${gone}`.execute(store.db);
    const order = (await page('limit=500')).verdicts.map(({ cve }) => cve);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { verdicts, next } = await page(`limit=3${cursor}`);
      seen.push(...verdicts.map(({ cve }) => cve));
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    assert.deepEqual(seen, order);
    assert.deepEqual(seen.toSorted(), whole);
  }
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
  assert.deepEqual(await problem('/api/v1/cves/CVE-2026-1/standing'), [404, 'not-found']);
  assert.deepEqual(await problem('/api/v1/cves/CVE-2099-99999/standing'), [404, 'not-found']);
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

test('answers carry the security headers', async () => {
  const { app } = await sampleServer();
  const response = await app.inject({ url: '/api/v1/status', headers });
  assert.match(String(response.headers['content-security-policy']), /default-src 'self'/);
  assert.doesNotMatch(String(response.headers['content-security-policy']), /script-src[^;]*unsafe/);
  const { headers: sent } = response;
  assert.match(String(sent['content-security-policy']), /frame-ancestors 'none'.*|object-src 'none'/);
  assert.deepEqual(
    [sent['x-content-type-options'], sent['referrer-policy'], sent['cache-control']],
    ['nosniff', 'no-referrer', 'private, no-cache'],
  );
  await app.close();
});
