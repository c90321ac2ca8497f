/** The outside at its worst: epochs that come and go, mirrors that were killed or damaged, disks that are full. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { findEpochs, importStream, mirror, sampleMail } from '#feed';
import { Git, isRoot, run, systemClock } from '#host';
import { syncFeed } from '#pipeline';
import {
  announcementsOf,
  countAnnouncements,
  countCves,
  getCursor,
  getCve,
  listQuarantine,
  openStore,
  type Store,
} from '#store';
import { testStore } from '../../../testkit/database.ts';
import { addCommit, cve, feedOf, sync } from '../../../testkit/feed.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { fakeServer } from '../../../testkit/signal-server.ts';
import { serveFolder } from '../../../testkit/static-server.ts';

const git = (directory: string, ...args: string[]) =>
  run('git', ['-C', directory, ...args], { env: Git.environment() });

/** An archive of these epochs on a web server, as a mirror of lore is: `<url>/0`, `<url>/manifest.js.gz`. */
async function servedArchive(epochs: readonly (readonly number[])[]) {
  const home = await scratch();
  for (const [number, mails] of epochs.entries()) {
    const epoch = join(home, String(number));
    await importStream(epoch, '');
    for (const [i, mail] of mails.entries()) await addCommit(epoch, 'm', sampleMail(cve(mail), mail), { onto: i > 0 });
    await git(epoch, 'update-server-info');
  }
  return { home, server: await serveFolder(home) };
}

function manifest(numbers: readonly number[]): Buffer {
  const entries = numbers.map((number) => [`/linux-cve-announce/git/${number}.git`, { modified: 1, owner: null }]);
  return gzipSync(JSON.stringify(Object.fromEntries(entries)));
}

const mailsOf = (store: Store, data: string, lore: string) =>
  syncFeed({ store, dataDirectory: data, lore, vulns: null, clock: systemClock });

test('epochs are found by the manifest, or one by one where there is none; a new one is read from its start', async () => {
  const { home, server } = await servedArchive([[10_001, 10_002], [10_003]]);
  await using _ = server;
  const numbers = async () => (await findEpochs(`${server.url}/`)).map(({ number }) => number);
  assert.deepEqual(await numbers(), [0, 1]);
  await writeFile(join(home, 'manifest.js.gz'), manifest([0]));
  assert.deepEqual(await numbers(), [0]);
  const store = await testStore();
  const data = await scratch();
  assert.equal((await mailsOf(store, data, server.url)).lore?.mails, 2);
  await writeFile(join(home, 'manifest.js.gz'), manifest([1, 0]));
  assert.equal((await mailsOf(store, data, server.url)).lore?.mails, 1);
  assert.equal(await countAnnouncements(store.db), 3);
  for (const bad of [Buffer.from('no gzip'), gzipSync('[]'), gzipSync('nonsense'), manifest([...Array(90).keys()])]) {
    await writeFile(join(home, 'manifest.js.gz'), bad);
    assert.deepEqual(await numbers(), [0, 1]);
  }
});

test('an epoch that was there and is gone is an error, never the end of the list', async () => {
  const { home, server } = await servedArchive([[10_001], [10_002]]);
  await using _ = server;
  const store = await testStore();
  const data = await scratch();
  await mailsOf(store, data, server.url);
  await rename(join(home, '1'), join(home, 'away'));
  await assert.rejects(mailsOf(store, data, server.url), { code: 'feed-epoch-gone' });
  await rename(join(home, 'away'), join(home, '1'));
  await addCommit(join(home, '1'), 'm', sampleMail(cve(10_003), 3));
  await git(join(home, '1'), 'update-server-info');
  assert.equal((await mailsOf(store, data, server.url)).lore?.mails, 1);
});

test('only "there is no such repository" ends the search for epochs', async () => {
  const { home, server } = await servedArchive([[10_001], [10_002]]);
  await using _ = server;
  await using front = await fakeServer((request, response, url) => {
    if (url.pathname.startsWith('/1/')) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else response.writeHead(307, { location: `${server.url}${request.url}` }).end();
  });
  await assert.rejects(findEpochs(front.url), { code: 'feed-unreachable' });
  await rm(join(home, '1'), { recursive: true });
  assert.equal((await findEpochs(server.url)).length, 1);
});

test('a mail that the archive took back stays readable and says so; a hole in a mirror is no withdrawal', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001), cve(10_002)]);
  const epoch = join(feed.lore, '0.git');
  await sync(store, feed);
  const [sent] = await announcementsOf(store.db, 'CVE-2026-10001');
  const { stdout: mail } = await git(epoch, 'show', `${sent?.commit}:m`);
  await addCommit(epoch, 'd', mail, { alone: true });
  await addCommit(epoch, 'other', 'x', { alone: true });
  const { lore } = await sync(store, feed);
  assert.deepEqual([lore?.withdrawn, lore?.quarantined], [1, 1]);
  assert.deepEqual(
    (await announcementsOf(store.db, 'CVE-2026-10001')).map(({ withdrawn }) => withdrawn),
    [true],
  );
  assert.deepEqual(
    (await announcementsOf(store.db, 'CVE-2026-10002')).map(({ withdrawn }) => withdrawn),
    [false],
  );
  assert.deepEqual(
    (await listQuarantine(store.db)).map(({ code }) => code),
    ['mail-missing'],
  );
});

test('a CVE that was rejected and is published again is published', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001, { state: 'rejected' })]);
  await sync(store, feed);
  assert.equal((await getCve(store.db, 'CVE-2026-10001'))?.record.state, 'rejected');
  const again = await feedOf([cve(10_001)]);
  await sync(store, { ...again, data: feed.data });
  assert.equal((await getCve(store.db, 'CVE-2026-10001'))?.record.state, 'published');
});

test('the default branch is found, not assumed', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  for (const repository of [join(feed.lore, '0.git'), feed.vulns]) {
    await git(repository, 'branch', '--move', 'master', 'trunk');
    await git(repository, 'symbolic-ref', 'HEAD', 'refs/heads/trunk');
  }
  const { lore, vulns } = await sync(store, feed);
  assert.deepEqual([lore?.mails, vulns?.changed], [1, 1]);
});

test('two syncs at once: each item is stored once, and the second waits or says that it is locked', async () => {
  const store = await testStore();
  const feed = await feedOf(Array.from({ length: 300 }, (_, i) => cve(20_000 + i)));
  const results = await Promise.allSettled([sync(store, feed), sync(store, feed), sync(store, feed)]);
  assert.ok(results.some(({ status }) => status === 'fulfilled'));
  for (const result of results)
    if (result.status === 'rejected') assert.equal((result.reason as { code: string }).code, 'locked');
  assert.deepEqual(await countCves(store.db), { published: 300, rejected: 0, scored: 0 });
  assert.equal(await countAnnouncements(store.db), 300);
});

test('what a killed git left behind stops nobody', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001)]);
  await sync(store, feed);
  const mirrored = join(feed.data, 'mirrors/vulns.git');
  await addCommit(feed.vulns, 'README', 'one more');
  for (const name of ['packed-refs.lock', 'refs/heads/master.lock', 'objects/pack/tmp_pack_abc123'])
    await writeFile(join(mirrored, name), 'half');
  await mkdir(`${mirrored}.part`);
  await sync(store, feed);
  assert.equal(await new Git(mirrored).head(), await new Git(feed.vulns).head());
  assert.deepEqual(
    (await readdir(join(mirrored, 'objects/pack'))).filter((name) => name.startsWith('tmp_')),
    [],
  );
});

test('a damaged mirror is made anew from the source; the damage alone changes nothing that was stored', async () => {
  const store = await testStore();
  const feed = await feedOf([cve(10_001), cve(10_002)]);
  await sync(store, feed);
  const pack = join(feed.data, 'mirrors/lore/0.git/objects/pack');
  await git(join(feed.data, 'mirrors/lore/0.git'), 'repack', '-adq');
  const file = (await readdir(pack)).find((name) => name.endsWith('.pack'))!;
  await run('chmod', ['u+w', join(pack, file)]);
  await truncate(join(pack, file), 40);
  await addCommit(join(feed.lore, '0.git'), 'm', sampleMail(cve(10_003), 3));
  const { lore } = await sync(store, feed);
  assert.deepEqual([lore?.mails, lore?.quarantined, lore?.rewritten], [1, 0, 0]);
  assert.equal(await countAnnouncements(store.db), 3);
  await rm(feed.lore, { recursive: true });
  await assert.rejects(mirror(join(feed.lore, '0.git'), join(feed.data, 'mirrors/lore/0.git')), {
    code: 'feed-unreachable',
  });
  assert.ok((await stat(join(feed.data, 'mirrors/lore/0.git'))).isDirectory(), 'the mirror that was there still is');
});

/** A file system of so many MiB that is full when it is full. */
async function smallDisk(mebibytes: number) {
  const place = await scratch();
  const mount = (options: string): void =>
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', place]).status, 0);
  mount(`size=${mebibytes}m,mode=0755`);
  return {
    place,
    grow: (more: number): void => mount(`remount,size=${more}m`),
    async [Symbol.asyncDispose]() {
      await run('umount', ['--lazy', place]);
    },
  };
}

const skip = isRoot() ? false : 'mounting a small file system needs root';

test('a full disk under the mirrors: nothing is stored, nothing is lost, and the next sync goes on', {
  skip,
}, async () => {
  await using disk = await smallDisk(1);
  const store = await testStore();
  const random = Array.from({ length: 1_500 }, (_, i) =>
    cve(20_000 + i, { description: crypto.randomUUID().repeat(20) }),
  );
  const feed = await feedOf(random);
  await assert.rejects(sync(store, { ...feed, data: disk.place }), (error: { code: string; cause?: unknown }) => {
    assert.ok(['feed-unreachable', 'disk-full'].includes(error.code), error.code);
    return true;
  });
  assert.equal(await getCursor(store.db, 'vulns'), null, 'a source is stored whole or not at all');
  disk.grow(64);
  await sync(store, { ...feed, data: disk.place });
  assert.equal((await countCves(store.db)).published, 1_500);
  assert.equal(await countAnnouncements(store.db), 1_500);
});

test('a full disk under the database: the sync is undone whole, and goes on when there is room', { skip }, async () => {
  await using disk = await smallDisk(120);
  await run('chmod', ['0777', disk.place]);
  const place = { dataDirectory: join(disk.place, 'db'), databaseUrl: null };
  let store = await openStore(place);
  const cves = Array.from({ length: 4_000 }, (_, i) =>
    cve(20_000 + i, { description: crypto.randomUUID().repeat(60) }),
  );
  const feed = await feedOf(cves);
  const filler = join(disk.place, 'filler');
  const { stdout } = await run('df', ['--output=avail', '-B1', disk.place]);
  await writeFile(filler, Buffer.alloc(Number(stdout.split('\n')[1]) - (6 << 20), 1));
  await assert.rejects(sync(store, feed), (error: { code: string }) =>
    ['database-full', 'database-lost'].includes(error.code),
  );
  await store.close();
  await rm(filler);
  store = await openStore(place);
  assert.equal(await getCursor(store.db, 'vulns'), null);
  await sync(store, feed);
  assert.equal((await countCves(store.db)).published, 4_000);
  assert.equal(await countAnnouncements(store.db), 4_000);
  await store.close();
});
