/** What keeps an archive alive, small and believable: expiry, refresh, garbage, verification. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { archiveStatus, collectGarbage, initArchive, readState, refreshArchive, verifyArchive } from '#archive';
import { indexPath } from '#domain';
import { systemClock } from '#host';
import { establishRoot, MetadataFolder, TufClient } from '#trust';
import { BUILD_ID, bundle, clockAt, newArchive, type OneFolder, publishOne } from '../../../testkit/archive.ts';
import { rootOf, visit } from '../../../testkit/ceremony.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { serveFolder } from '../../../testkit/static-server.ts';

const DAY_MS = 86_400_000;
const MAX = 1 << 20;

async function files(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true }))
    .filter((name) => /\.(?:json|ko|patch|tmp)$/.test(name))
    .toSorted();
}

/** Files keep the time of the real clock; the clock of these tests goes ahead. */
async function age(directory: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * DAY_MS);
  for (const name of await files(directory)) await utimes(join(directory, name), then, then);
}

test('a refresh signs the timestamp, and the snapshot and the rest only at half their time', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  const before = await files(place.directory);
  assert.deepEqual(await refreshArchive(place), { adopted: [], renewed: [], skipped: [], snapshot: false });
  assert.deepEqual(await files(place.directory), before);
  const later = await refreshArchive({ ...place, clock: clockAt(4 * DAY_MS) });
  assert.deepEqual(later, { adopted: [], renewed: ['rollout'], skipped: [], snapshot: true });
  const much = await refreshArchive({ ...place, clock: clockAt(50 * DAY_MS) });
  assert.equal(much.renewed.length, 1 + 64 + 1);
  const clock = clockAt(50 * DAY_MS);
  const read = await visit({ ...place, clock }, await rootOf(place), join(place.directory, '../h'), (archive) =>
    archive.read(indexPath(BUILD_ID), MAX),
  );
  assert.ok(read);
});

test('without release keys a refresh keeps the rest alive, and the status says what is due', async () => {
  const place = await newArchive(await scratch());
  for (const name of await readdir(place.keys))
    if (/^(?:root|targets|modules)\./.test(name)) await rm(join(place.keys, name));
  const clock = clockAt(80 * DAY_MS);
  const { renewed } = await refreshArchive({ ...place, clock });
  assert.deepEqual(renewed, ['rollout']);
  const status = await archiveStatus(place.directory, clock);
  assert.equal(status.worst, 'due');
  const due = status.roles.filter(({ urgency }) => urgency === 'due').map(({ role }) => role);
  assert.deepEqual(due.toSorted(), ['modules', 'modules (first of 64 bins)']);
  assert.equal((await archiveStatus(place.directory, clockAt(91 * DAY_MS))).worst, 'expired');
});

test('a release key that is locked lets nothing else expire', async () => {
  const home = await scratch();
  const place = { directory: join(home, 'archive'), keys: join(home, 'keys'), clock: systemClock };
  await initArchive(place, { offlinePassphrase: 'secret', bits: 1 });
  const clock = clockAt(50 * DAY_MS);
  const done = await refreshArchive({ ...place, clock });
  assert.deepEqual([done.renewed, done.skipped.map(({ role }) => role)], [['rollout'], ['modules']]);
  await verifyArchive(place.directory, clock);
  const opened = { ...place, clock, passphrase: () => Promise.resolve('secret') };
  assert.deepEqual((await refreshArchive(opened)).renewed, ['modules-0', 'modules-1', 'modules']);
});

test('a countdown of every role, the most urgent first', async () => {
  const place = await newArchive(await scratch());
  const fresh = await archiveStatus(place.directory, systemClock);
  assert.equal(fresh.worst, 'fine');
  assert.equal(fresh.roles[0]?.role, 'timestamp');
  assert.ok(fresh.roles.every(({ secondsLeft }) => secondsLeft > 0));
  const night = await archiveStatus(place.directory, clockAt(0.8 * DAY_MS));
  assert.deepEqual([night.worst, night.roles[0]?.urgency], ['due', 'due']);
  const missed = await archiveStatus(place.directory, clockAt(1.1 * DAY_MS));
  assert.deepEqual(
    [missed.worst, missed.roles[0]?.urgency, missed.roles[0]?.role],
    ['expired', 'expired', 'timestamp'],
  );
});

test('a publication that another machine signed, or that was cut off, is taken up by the next refresh', async () => {
  const place = await newArchive(await scratch());
  const timestamp = join(place.directory, 'metadata/timestamp.json');
  const before = await readFile(timestamp);
  await publishOne(place, 'tuxtape_one');
  const { snapshot } = await readState(place.directory);
  await writeFile(timestamp, before);
  await rm(join(place.directory, `metadata/${snapshot.signed.version}.snapshot.json`));
  const { adopted } = await refreshArchive(place);
  assert.ok(adopted.length > 0);
  const read = await visit(place, await rootOf(place), join(place.directory, '../h'), (archive) =>
    archive.read(indexPath(BUILD_ID), MAX),
  );
  assert.match(String(read?.content), /tuxtape_one/);
  assert.deepEqual((await refreshArchive(place)).adopted, []);
});

test('what lies there unsigned, or signed by somebody else, is not taken up', async () => {
  const place = await newArchive(await scratch());
  const other = await newArchive(join(place.directory, '../other'));
  await publishOne(other, 'tuxtape_evil');
  const names = await readdir(join(other.directory, 'metadata'));
  for (const name of names.filter((one) => one.startsWith('2.modules-')))
    await writeFile(join(place.directory, 'metadata', name), await readFile(join(other.directory, 'metadata', name)));
  assert.deepEqual((await refreshArchive(place)).adopted, []);
});

test('garbage goes when no unexpired snapshot names it, and never under a client in flight', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  const root = await rootOf(place);
  await using server = await serveFolder(place.directory);
  const folder = new MetadataFolder(join(place.directory, '../flight'));
  await establishRoot(folder, root);
  const client = await TufClient.refresh({ folder, metadataUrl: `${server.url}/metadata`, clock: systemClock });
  for (const name of ['tuxtape_two', 'tuxtape_three']) await publishOne(place, name);
  await age(place.directory, 3);
  assert.deepEqual((await collectGarbage(place)).removed, [], 'every snapshot of the week is still good');
  // The client goes on in the snapshot it began with.
  const path = indexPath(BUILD_ID);
  const found = await client.find(path);
  const content = await client.fetchTarget(`${server.url}/targets`, path, found!, MAX);
  assert.match(String(content), /tuxtape_one/);
  assert.doesNotMatch(String(content), /tuxtape_two/);
  await laterCollected(place);
});

async function laterCollected(place: OneFolder): Promise<void> {
  const clock = clockAt(9 * DAY_MS);
  await refreshArchive({ ...place, clock });
  await age(place.directory, 9);
  const dry = await collectGarbage({ ...place, clock }, { dryRun: true });
  const before = await files(place.directory);
  const { removed, kept } = await collectGarbage({ ...place, clock });
  assert.deepEqual(removed, dry.removed);
  assert.ok(removed.some((name) => /index\//.test(name)) && removed.some((name) => name.endsWith('.snapshot.json')));
  assert.ok(!removed.some((name) => /\.ko$|root\.json$/.test(name)), 'releases that are listed stay, and roots');
  assert.equal((await files(place.directory)).length, before.length - removed.length);
  assert.ok(kept > 0);
  await verifyArchive(place.directory, clock);
  const read = await visit({ ...place, clock }, await rootOf(place), join(place.directory, '../late'), (archive) =>
    archive.read(indexPath(BUILD_ID), MAX),
  );
  assert.match(String(read?.content), /tuxtape_three/);
}

test('a file that has just been written is no garbage, and files of others never are', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  const staged = join(place.directory, 'targets/index/x.json');
  await writeFile(staged, '{}');
  await writeFile(join(place.directory, 'metadata/notes.txt'), 'mine');
  assert.deepEqual((await collectGarbage(place)).removed, []);
  const old = new Date(Date.now() - 3 * DAY_MS);
  for (const file of [staged, join(place.directory, 'metadata/notes.txt')]) await utimes(file, old, old);
  assert.deepEqual((await collectGarbage(place)).removed, ['targets/index/x.json']);
});

test('every file is verified as a host would; each thing that is wrong is named', async () => {
  const place = await newArchive(await scratch());
  for (const name of ['tuxtape_one', 'tuxtape_two']) await publishOne(place, name);
  const good = await verifyArchive(place.directory, systemClock);
  assert.deepEqual([good.targets, good.kernels, good.releases], [9, 1, 2]);
  const modules = (await files(place.directory)).filter((name) => name.endsWith('tuxtape_one.ko'));
  await writeFile(join(place.directory, modules[0]!), bundle('tuxtape_two').module);
  await assert.rejects(verifyArchive(place.directory, systemClock), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'verify-failed');
    assert.match(error.message, /1\/tuxtape_one\.ko: .*; .*release 1 is not what its module says/);
    return true;
  });
  await assert.rejects(verifyArchive(place.directory, clockAt(2 * DAY_MS)), { code: 'metadata-expired' });
  const stranger = await rootOf(await newArchive(join(place.directory, '../other')));
  await assert.rejects(verifyArchive(place.directory, systemClock, stranger), { code: 'metadata-unsigned' });
});
