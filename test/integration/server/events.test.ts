/** The stream of events, metrics and the log of requests, over real HTTP and PostgreSQL's NOTIFY. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { pino } from 'pino';
import { eventSchema } from '#contract';
import type { CveId } from '#domain';
import { addHold, listKernels } from '#store';
import { everywhere, newAccount, sessionHeaders, tokenHeaders } from '../../../testkit/identity.ts';
import { listeningServer } from '../../../testkit/sample-server.ts';
import { addRolledOut } from '../../../testkit/web-world.ts';

const CVE = 'CVE-2026-66666' as CveId;

interface Reading {
  /** What came so far. */
  readonly text: () => string;
  readonly until: (what: RegExp) => Promise<void>;
  readonly ended: Promise<void>;
}

async function reading(url: string, headers: Record<string, string>): Promise<Reading> {
  const response = await fetch(`${url}/api/v1/events`, { headers });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  let text = '';
  let wake = (): void => {};
  const ended = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      wake();
    }
    wake();
  })().catch(() => wake());
  const until = async (what: RegExp): Promise<void> => {
    while (!what.test(text)) await new Promise<void>((resolve) => (wake = resolve));
  };
  await until(/event: hello/);
  return { text: () => text, until, ended };
}

const TIMEOUT = { timeout: 60_000 };

test('what is committed is told to whoever may see it, and nothing else is', TIMEOUT, async () => {
  const { app, url, store } = await listeningServer();
  const kernel = (await listKernels(store.db))[0]!;
  const viewer = await newAccount(store, [everywhere('viewer')]);
  const other = await newAccount(store, [{ role: 'viewer', scope: { kind: 'kernel', id: 'another' } }]);
  const admin = await newAccount(store, [everywhere('admin')]);
  const [one, two, three] = await Promise.all(
    [viewer, other, admin].map(async (account) => reading(url, await tokenHeaders(store, account, account.grants))),
  );
  const hold = { cve: CVE, reason: 'x', author: 'jane', heldAt: new Date() };
  await addHold(store.db, kernel.id, hold);
  await one!.until(/"topic":"hold"/);
  const data = one!
    .text()
    .split('\n')
    .filter((line) => line.startsWith('data: {"topic'));
  assert.deepEqual(eventSchema.parse(JSON.parse(data[0]!.slice(6))), { topic: 'hold', id: CVE, kernel: kernel.id });
  await three!.until(/"topic":"audit"/);
  const { id } = await addRolledOut(store, kernel.buildId!);
  await one!.until(new RegExp(`"topic":"rollout","id":"${id}"`));
  await store.db
    .transaction()
    .execute(async (tx) => {
      await addHold(tx, kernel.id, { ...hold, cve: 'CVE-2026-1111' });
      await sql`UPDATE feed_sync SET at = now() WHERE source = 'lore'`.execute(tx);
      throw new TypeError('rolled back');
    })
    .catch((error: unknown) => assert.ok(error instanceof TypeError));
  await sql`UPDATE feed_sync SET at = now() WHERE source = 'vulns'`.execute(store.db);
  await Promise.all([one, two, three].map((reader) => reader!.until(/"topic":"feed","id":"vulns"/)));
  assert.ok(!one!.text().includes('audit') && !one!.text().includes('1111') && !one!.text().includes('lore'));
  assert.ok(!two!.text().includes(kernel.id), 'a kernel one may not see');
  await app.close();
  await Promise.all([one!.ended, two!.ended, three!.ended]);
});

test('a connection to the database that breaks ends the streams, and the next ones hear again', TIMEOUT, async () => {
  const { url, store } = await listeningServer();
  const viewer = await newAccount(store, [everywhere('viewer')]);
  const headers = await tokenHeaders(store, viewer, viewer.grants);
  const first = await reading(url, headers);
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`.execute(
    store.db,
  );
  await first.ended;
  const second = await reading(url, headers);
  await sql`UPDATE feed_sync SET at = now() WHERE source = 'lore'`.execute(store.db);
  await second.until(/"id":"lore"/);
});

test('one caller has twenty streams and no more; who has no role has none', TIMEOUT, async () => {
  const { url, store } = await listeningServer();
  const viewer = await newAccount(store, [everywhere('viewer')]);
  const headers = await tokenHeaders(store, viewer, viewer.grants);
  await Promise.all(Array.from({ length: 20 }, () => reading(url, headers)));
  assert.equal((await fetch(`${url}/api/v1/events`, { headers })).status, 429);
  assert.equal((await fetch(`${url}/api/v1/events`)).status, 401);
});

test('figures for Prometheus say what is old and slow; the log of requests holds no secret', TIMEOUT, async () => {
  let log = '';
  const { app, url, store } = await listeningServer({
    log: pino({ level: 'debug' }, { write: (text) => void (log += text) }),
  });
  const viewer = await newAccount(store, [everywhere('viewer')]);
  const token = await tokenHeaders(store, viewer, viewer.grants);
  const session = await sessionHeaders(store, viewer);
  await fetch(`${url}/api/v1/cves?q=findme`, { headers: token });
  await fetch(`${url}/api/v1/session`, { headers: { cookie: session['cookie']! } });
  await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'jane', password: 'correct horse battery' }),
  });
  const text = await (await fetch(`${url}/metrics`, { headers: token })).text();
  assert.match(
    text,
    /tuxtape_http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/cves",status="200"\} 1/,
  );
  assert.match(text, /tuxtape_feed_age_seconds\{source="lore"\} \d/);
  assert.doesNotMatch(text, /source="kev"/, 'what was never read has no age');
  assert.match(text, /tuxtape_event_streams 0/);
  assert.match(text, /process_resident_memory_bytes \d/);
  await app.close();
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { route?: string; caller?: string; via?: string; status?: number });
  const line = lines.find(({ route }) => route === '/api/v1/cves');
  assert.deepEqual([line?.caller, line?.status], [viewer.name, 200]);
  assert.match(line?.via ?? '', /^token [0-9a-f-]{36}$/);
  const secrets = [
    'findme',
    'correct horse',
    token['authorization']!.slice(7),
    session['cookie']!.slice(8),
    session['x-csrf-token']!,
  ];
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
});

test('ready is ready for requests: not without a database', TIMEOUT, async () => {
  const { url, store } = await listeningServer();
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  await store.close();
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
});
