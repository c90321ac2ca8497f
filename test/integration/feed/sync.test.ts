/** Both sources, as real git repositories that we make: what is new is stored, once, and nothing is lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { importStream, readSample, sampleMail } from '#feed';
import { Git, run, systemClock } from '#host';
import { syncFeed } from '#pipeline';
import {
  announcementsOf,
  countAnnouncements,
  countCves,
  getCursor,
  getCve,
  listFailures,
  listQuarantine,
} from '#store';
import { databaseUrl, testStore } from '../../../testkit/database.ts';
import { addCommit, COMMIT, cve, feedOf, sync } from '../../../testkit/feed.ts';
import { scratch } from '../../../testkit/scratch.ts';

test('the sample feed is stored whole, and a second sync finds nothing new', async () => {
  const store = await testStore();
  const cves = await readSample();
  const feed = await feedOf(cves);
  const first = await sync(store, feed);
  assert.equal(first.lore?.mails, cves.length);
  assert.equal(first.vulns?.changed, cves.length);
  assert.deepEqual(await listQuarantine(store.db), []);
  const again = await sync(store, feed);
  assert.deepEqual([again.lore?.mails, again.vulns?.changed], [0, 0]);
});

test('one new mail is one new mail, and its CVE stands in until the record comes', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  await sync(store, feed);
  const next = cve(10_002);
  await addCommit(join(feed.lore, '0.git'), 'm', sampleMail(next, 2));
  assert.deepEqual((await sync(store, feed)).lore?.mails, 1);
  const stored = await getCve(store.db, 'CVE-2026-10002');
  assert.equal(stored?.record.source, 'mail');
  assert.deepEqual(stored.record.ranges, [
    { introduced: { version: '5.4', commit: COMMIT }, fixed: { version: '6.1.171', commit: COMMIT } },
  ]);
  assert.equal((await announcementsOf(store.db, 'CVE-2026-10002')).length, 1);
});

test('a mail never overrides a record, and a rejection in the records wins', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001, { title: 'the record' }), cve(10_002, { state: 'rejected' })]);
  await sync(store, feed);
  await addCommit(join(feed.lore, '0.git'), 'm', sampleMail(cve(10_001, { title: 'a later mail' }), 3));
  await sync(store, feed);
  assert.equal((await getCve(store.db, 'CVE-2026-10001'))?.record.title, 'the record');
  assert.equal((await getCve(store.db, 'CVE-2026-10002'))?.record.state, 'rejected');
});

test('a bad mail and a bad record are set aside with their reason; the rest is stored', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  await addCommit(join(feed.lore, '0.git'), 'm', Buffer.alloc(3_000, 0xff));
  await addCommit(join(feed.lore, '0.git'), 'm', sampleMail(cve(10_003), 3));
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10004.json', '{ broken');
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10001.dyad', 'no dyad at all');
  const summary = await sync(store, feed);
  assert.deepEqual([summary.lore?.quarantined, summary.vulns?.quarantined], [1, 2]);
  const codes = (await listQuarantine(store.db)).map(({ source, code }) => `${source} ${code}`).sort();
  assert.deepEqual(codes, ['lore/0 mail-sender', 'vulns dyad-unreadable', 'vulns record-unreadable']);
  assert.ok(await getCve(store.db, 'CVE-2026-10003'), 'what came after the bad mail is there');
  assert.equal((await getCve(store.db, 'CVE-2026-10001'))?.record.source, 'mail', 'its mail stands in');
});

test('a rewritten archive is told again from its start, without doubling', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001), cve(10_002)]);
  await sync(store, feed);
  const epoch = join(feed.lore, '0.git');
  await addCommit(epoch, 'm', sampleMail(cve(10_002), 2), { onto: false });
  const summary = await sync(store, feed);
  assert.equal(summary.lore?.rewritten, 1);
  assert.equal(await countAnnouncements(store.db), 1);
  assert.equal(await getCursor(store.db, 'lore/0'), await new Git(epoch).head());
});

test('a CVE that vanished from the records keeps its last content, and that is said', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  await sync(store, feed);
  await addCommit(feed.vulns, 'README', 'everything is gone', { onto: false });
  await sync(store, feed);
  assert.equal((await getCve(store.db, 'CVE-2026-10001'))?.record.state, 'published');
  assert.deepEqual(
    (await listQuarantine(store.db)).map(({ code }) => code),
    ['record-vanished'],
  );
});

test('what was set aside is released when it can be read, comes back, or is gone', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001), cve(10_002)]);
  const aside = async () => (await listQuarantine(store.db)).map(({ item }) => item).toSorted();
  const head = await new Git(feed.vulns).head();
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10003.json', '{ broken');
  await addCommit(feed.vulns, 'cve/published/2026/CVE-2026-10004.json', '{ broken');
  await sync(store, feed);
  assert.deepEqual(await aside(), ['published/CVE-2026-10003', 'published/CVE-2026-10004']);
  await addCommit(feed.vulns, 'README', 'everything is gone', { onto: false });
  await sync(store, feed);
  assert.deepEqual(await aside(), ['gone/CVE-2026-10001', 'gone/CVE-2026-10002']);
  await run('git', ['-C', feed.vulns, 'update-ref', 'refs/heads/master', head!], { env: Git.environment() });
  await sync(store, feed);
  assert.deepEqual(await aside(), []);
  await addCommit(join(feed.lore, '0.git'), 'm', 'no mail');
  await sync(store, feed);
  assert.equal((await aside()).length, 1);
  await addCommit(join(feed.lore, '0.git'), 'm', sampleMail(cve(10_001), 1), { onto: false });
  await sync(store, feed);
  assert.deepEqual(await aside(), [], 'what stood in a history that was rewritten');
});

test('an address that is no archive, or does not answer, changes nothing', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  await sync(store, feed);
  const before = await getCursor(store.db, 'vulns');
  await assert.rejects(sync(store, { ...feed, lore: await scratch() }), { code: 'feed-not-an-archive' });
  await assert.rejects(sync(store, { ...feed, lore: 'http://127.0.0.1:1/nothing' }), { code: 'feed-unreachable' });
  await assert.rejects(sync(store, { ...feed, vulns: join(feed.data, 'nothing') }), { code: 'feed-unreachable' });
  const empty = join(await scratch(), 'empty.git');
  await importStream(empty, '');
  const elsewhere = { ...feed, data: await scratch(), vulns: empty };
  await assert.rejects(sync(await testStore(), elsewhere), { code: 'feed-not-an-archive' });
  assert.equal(await getCursor(store.db, 'vulns'), before);
  assert.equal((await countCves(store.db)).published, 1);
  assert.deepEqual(
    (await listFailures(store.db)).map(({ source, code }) => [source, code]),
    [['vulns', 'feed-unreachable']],
    'the failure that was not followed by a success is written down',
  );
});

test('a sync that is stopped is no failure: what was read whole is kept, and the next one goes on', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  const stop = new AbortController();
  const base = { store, dataDirectory: feed.data, lore: feed.lore, vulns: feed.vulns, clock: systemClock };
  const stopped = syncFeed({ ...base, signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(stopped, { name: 'AbortError' });
  assert.deepEqual(await listFailures(store.db), []);
  assert.equal(await countAnnouncements(store.db), 1, 'the mails were read when it was stopped');
  assert.equal(await getCursor(store.db, 'vulns'), null);
  const { lore, vulns } = await syncFeed(base);
  assert.deepEqual([lore?.mails, vulns?.changed], [0, 1]);
});

/** A process that syncs; killed at some instant. */
const SYNCER = `
import { systemClock } from '#host';
import { syncFeed } from '#pipeline';
import { openStore } from '#store';
const [data, lore, vulns, databaseUrl] = process.argv.slice(1);
const store = await openStore({ dataDirectory: data, databaseUrl });
process.stdout.write('go\\n');
await syncFeed({ store, dataDirectory: data, lore, vulns, clock: systemClock });
await store.close();
`;

test('kill -9 at any instant loses nothing and doubles nothing', async () => {
  const cves = Array.from({ length: 3_000 }, (_, i) => cve(20_000 + i));
  const feed = await feedOf(cves);
  const url = await databaseUrl();
  for (const wait of [30, 150, 400, 800, 1_500]) {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', SYNCER, feed.data, feed.lore, feed.vulns, url],
      {
        cwd: join(import.meta.dirname, '../../..'),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    setTimeout(() => child.kill('SIGKILL'), wait);
    await ended;
  }
  const { openStore } = await import('#store');
  const store = await openStore({ dataDirectory: feed.data, databaseUrl: url });
  await sync(store, feed);
  assert.deepEqual(await countCves(store.db), { published: 3_000, rejected: 0, scored: 0 });
  assert.equal(await countAnnouncements(store.db), 3_000);
  await store.close();
});

test('no program is run from a repository that is mirrored', async () => {
  const home = await scratch();
  const evil = join(home, '0.git');
  await importStream(evil, '');
  await addCommit(evil, 'm', sampleMail(cve(10_001), 1), { onto: false });
  await run('git', ['-C', evil, 'config', 'core.fsmonitor', `touch ${home}/owned`], { env: Git.environment() });
  await run('git', ['-C', evil, 'config', 'uploadpack.packObjectsHook', `touch ${home}/owned;`], {
    env: Git.environment(),
  });
  const store = await testStore();
  await syncFeed({ store, dataDirectory: home, lore: evil, vulns: null, clock: systemClock });
  await assert.rejects(run('test', ['-e', join(home, 'owned')]));
});
