/** What the server does by itself: each step goes its own way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '#host';
import { addBundledKernel } from '#pipeline';
import { getVerdict, listFailures, signalsOf } from '#store';
import { catchUp, type TurnSettings, turn } from '../../../src/server/turn.ts';
import { testStore } from '../../../testkit/database.ts';
import { cve, feedOf, sync } from '../../../testkit/feed.ts';
import { fakeFile, kevCatalog, signalsOff } from '../../../testkit/signal-server.ts';

const log = createLogger('silent');

test('while one source is away, what the others bring is decided and ranked', { timeout: 60_000 }, async () => {
  const store = await testStore();
  const kernel = await addBundledKernel(store);
  const feed = await feedOf([cve(10_001)]);
  await using kev = await fakeFile(kevCatalog([{ cve: 'CVE-2026-10001' }]));
  const settings: TurnSettings = {
    ...feed,
    lore: 'http://127.0.0.1:1/nothing',
    signals: { ...signalsOff, kev: { url: kev.url, seconds: 60 }, epss: { url: 'http://127.0.0.1:1/', seconds: 60 } },
    ...{ fixes: null, jobs: 1, builders: false },
    stopped: new AbortController().signal,
  };
  await turn(store, settings, log);
  assert.ok(await getVerdict(store.db, kernel.id, 'CVE-2026-10001'), 'the record is decided');
  assert.equal((await signalsOf(store.db, ['CVE-2026-10001'])).size, 1, 'the signal is read');
  const failed = (await listFailures(store.db)).map(({ source, code }) => `${source} ${code}`);
  assert.deepEqual(failed, ['epss http-failed', 'lore feed-unreachable']);
});

test('what another process brought is decided when the server starts', { timeout: 60_000 }, async () => {
  const store = await testStore();
  const kernel = await addBundledKernel(store);
  const feed = await feedOf([cve(10_001)]);
  await sync(store, feed);
  await catchUp(
    store,
    { ...feed, signals: signalsOff, fixes: null, jobs: 1, builders: false, stopped: new AbortController().signal },
    log,
  );
  assert.ok(await getVerdict(store.db, kernel.id, 'CVE-2026-10001'));
});
