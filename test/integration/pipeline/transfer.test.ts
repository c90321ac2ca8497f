/** One signed file carries a feed to a site without a network; nothing of a file that lies is used. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleMail } from '#feed';
import { Git, run, systemClock } from '#host';
import { exportFeed, importFeed, rankDue } from '#pipeline';
import {
  countAnnouncements,
  countCves,
  getCursor,
  listSyncs,
  recordSync,
  replaceSignals,
  type Store,
  searchCves,
  setCursor,
  signalsOf,
} from '#store';
import { testStore } from '../../../testkit/database.ts';
import { addCommit, cve, type Feed, feedOf, sync } from '../../../testkit/feed.ts';
import { scratch } from '../../../testkit/scratch.ts';

const KEYS = generateKeyPairSync('ed25519');
const KEV = { source: 'kev', added: '2026-10-01', due: null, ransomware: false, name: 'n' } as const;

const NVD_READ = { source: 'nvd', address: 'https://nvd.example', newest: null, bundled: false } as const;

/** A site that has read two CVEs and a KEV entry, and the file that it exports. */
async function exported(): Promise<{ feed: Feed; store: Store; file: string }> {
  const store = await testStore();
  const feed = await feedOf([cve(10_001), cve(10_002)]);
  await sync(store, feed);
  const at = new Date('2026-11-20T00:00:00Z');
  await replaceSignals(store.db, 'kev', [{ cve: 'CVE-2026-10002', at: null, value: KEV }], { whole: true, at });
  await recordSync(store.db, { source: 'kev', address: 'https://kev.example', at, newest: null, bundled: false });
  const file = join(await scratch(), 'feed.tuxtape');
  await exportFeed({ store, dataDirectory: feed.data, clock: systemClock, file }, KEYS.privateKey);
  return { feed, store, file };
}

async function site() {
  const store = await testStore();
  const dataDirectory = await scratch();
  const take = (file: string, key = KEYS.publicKey, now = new Date()) =>
    importFeed({ store, dataDirectory, clock: { ...systemClock, now: () => now }, file }, key);
  return { store, dataDirectory, take };
}

test('mails, records and signals arrive, ranked, with the times of the site that read them; the next file brings what is new', async () => {
  const { feed, store: there, file } = await exported();
  const { store, dataDirectory, take } = await site();
  const first = await take(file);
  assert.deepEqual([first.lore?.mails, first.vulns?.changed, first.signals], [2, 2, [{ source: 'kev', signals: 1 }]]);
  const [top] = await searchCves(store.db, { sort: 'priority', limit: 1 });
  assert.deepEqual([top?.id, top?.class], ['CVE-2026-10002', 'exploited']);
  const times = async (of: Store) => (await listSyncs(of.db)).map(({ source, at }) => `${source} ${at.toISOString()}`);
  assert.deepEqual(await times(store), await times(there));
  assert.deepEqual((await readdir(dataDirectory)).sort(), ['mirrors']);
  await addCommit(join(feed.lore, '0.git'), 'm', sampleMail(cve(10_003), 3));
  await sync(there, feed);
  await exportFeed({ store: there, dataDirectory: feed.data, clock: systemClock, file }, KEYS.privateKey);
  const second = await take(file);
  assert.deepEqual([second.lore?.mails, second.vulns?.changed], [1, 0]);
  assert.equal(await countAnnouncements(store.db), 3);
});

test('a file that was cut, changed, added to, signed by another or is older changes nothing', async () => {
  const { feed, store: there, file } = await exported();
  const { store, dataDirectory, take } = await site();
  const whole = await readFile(file);
  const bad = join(await scratch(), 'bad');
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(whole);
    copy[at] = copy[at]! ^ 1;
    return copy;
  };
  const cases: [Buffer, string][] = [
    [whole.subarray(0, whole.length - 1), 'transfer-unreadable'],
    [Buffer.concat([whole, Buffer.from('x')]), 'transfer-unreadable'],
    [flipped(whole.length - 100), 'transfer-unreadable'],
    [flipped(40), 'transfer-untrusted'],
    [whole.subarray(0, 100), 'transfer-unreadable'],
    [Buffer.from('nonsense'), 'transfer-unreadable'],
    [Buffer.alloc(0), 'transfer-unreadable'],
  ];
  for (const [content, code] of cases) {
    await writeFile(bad, content);
    await assert.rejects(take(bad), { code }, code);
  }
  await assert.rejects(take(file, generateKeyPairSync('ed25519').publicKey), { code: 'transfer-untrusted' });
  await assert.rejects(take(join(bad, 'none')), { code: 'transfer-unreadable' });
  assert.deepEqual(await countCves(store.db), { published: 0, rejected: 0, scored: 0 });
  assert.deepEqual(await readdir(dataDirectory), []);
  const old = `${file}.old`;
  await copyFile(file, old);
  await sync(there, feed);
  await exportFeed({ store: there, dataDirectory: feed.data, clock: systemClock, file }, KEYS.privateKey);
  await take(file);
  await assert.rejects(take(old), { code: 'transfer-older' });
  assert.deepEqual(await signalsOf(store.db, ['CVE-2026-10001']), new Map());
  assert.equal(await rankDue({ store, clock: systemClock }), 0);
});

test('a mirror whose history is cut off is carried, too', async () => {
  const { feed, store: there, file } = await exported();
  await addCommit(feed.vulns, 'README', 'a second commit');
  const shallow = join(await scratch(), 'vulns.git');
  await run('git', ['clone', '--quiet', '--mirror', '--depth=1', `file://${feed.vulns}`, shallow], {
    env: Git.environment(),
  });
  const cut = { ...feed, data: await scratch(), vulns: shallow };
  await sync(there, cut);
  await exportFeed({ store: there, dataDirectory: cut.data, clock: systemClock, file }, KEYS.privateKey);
  const { store, take } = await site();
  assert.equal((await take(file)).vulns?.changed, 2);
  assert.equal((await take(file)).vulns?.changed, 0);
  assert.equal((await countCves(store.db)).published, 2);
});

test('a source that was read here since then stays as it is; one that is replaced is read whole the next time', async () => {
  const { feed, store: there, file } = await exported();
  await recordSync(there.db, { ...NVD_READ, at: new Date('2026-11-20T00:00:00Z') });
  await exportFeed({ store: there, dataDirectory: feed.data, clock: systemClock, file }, KEYS.privateKey);
  const { store, take } = await site();
  const later = new Date();
  await recordSync(store.db, { source: 'lore', address: 'here', at: later, newest: null, bundled: false });
  await recordSync(store.db, { source: 'kev', address: 'here', at: later, newest: null, bundled: false });
  await setCursor(store.db, 'nvd', '2026-11-01T00:00:00.000Z');
  const { lore, vulns, signals } = await take(file);
  assert.deepEqual([lore, vulns?.changed, signals], [null, 2, [{ source: 'nvd', signals: 0 }]]);
  assert.equal((await signalsOf(store.db, 'all')).size, 0);
  assert.equal(await getCursor(store.db, 'nvd'), null);
  assert.equal((await listSyncs(store.db)).find(({ source }) => source === 'lore')?.address, 'here');
});

test('a file from the future is refused: it would shut every later one out', async () => {
  const { file } = await exported();
  const { dataDirectory, take } = await site();
  const before = new Date(Date.now() - 2 * 86_400_000);
  await assert.rejects(take(file, KEYS.publicKey, before), { code: 'transfer-future' });
  assert.deepEqual(await readdir(dataDirectory), []);
});

test('there is no export of nothing, nor of the sample', async () => {
  const { store, dataDirectory } = await site();
  const file = join(await scratch(), 'feed.tuxtape');
  const write = exportFeed({ store, dataDirectory, clock: systemClock, file }, KEYS.privateKey);
  await assert.rejects(write, { code: 'feed-empty' });
  await assert.rejects(readFile(file), { code: 'ENOENT' });
});
