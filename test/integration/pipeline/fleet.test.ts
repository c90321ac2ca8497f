/** Lists of hosts come in, verdicts and priorities follow; what is old, foreign or broken is never counted. */
import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Clock, systemClock } from '#host';
import { encodeModuleFacts, encodeProfile, parseModuleFacts } from '#kernel';
import { addBundledKernel, addHosts, explained, fleetOf, readModules, triageKernel } from '#pipeline';
import { getVerdict, hostModulesOf, saveModuleFacts, saveProfile, searchCves, verdictChanges } from '#store';
import { testStore } from '../../../testkit/database.ts';
import { cve, feedOf, sync } from '../../../testkit/feed.ts';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';
import { scratch } from '../../../testkit/scratch.ts';

const DAY = 86_400_000;
const [SERVER, DRIVER, CORE] = ['CVE-2026-10001', 'CVE-2026-10002', 'CVE-2026-10003'] as const;
const FACTS = parseModuleFacts(
  {
    dep: 'fs/ksmbd.ko: lib/arc4.ko\nlib/arc4.ko:\ndrivers/e1000.ko:\n',
    alias: 'alias fs-smb ksmbd\nalias pci:v8086* e1000\n',
    softdep: '',
    builtin: 'fs/ext4.ko\n',
  },
  '6.1.170',
  'test',
);

/** A kernel with two modules, a CVE in each and one in vmlinux; lists are dated by `now`. */
async function world() {
  const store = await testStore();
  const cves = [cve(10_001, { files: ['fs/ksmbd.c'] }), cve(10_002, { files: ['drivers/e1000.c'] }), cve(10_003)];
  await sync(store, await feedOf(cves));
  const kernel = await addBundledKernel(store);
  const objects = [
    compiled('fs/ksmbd.o', 'fs/ksmbd.c', 'ksmbd'),
    compiled('drivers/e1000.o', 'drivers/e1000.c', 'e1000'),
    compiled('net/core/sample.o', 'net/core/sample.c'),
  ];
  await saveProfile(store.db, kernel.id, encodeProfile(profileOfParts({ objects })));
  await saveModuleFacts(store.db, kernel.id, encodeModuleFacts(FACTS));
  let now = new Date('2026-11-24T12:00:00Z');
  const clock: Clock = { ...systemClock, now: () => now };
  const home = await scratch();
  const decideAll = () => triageKernel({ store, kernel, clock });
  const add = async (...files: Record<string, string>[]) => {
    const folder = join(home, String(Math.random()).slice(2));
    await mkdir(folder);
    for (const [name, text] of files.flatMap((one) => Object.entries(one))) {
      await writeFile(join(folder, name), text);
      await utimes(join(folder, name), now, now);
    }
    const result = await addHosts({ store, kernel, paths: [folder], clock });
    await decideAll();
    return result;
  };
  const exposure = async (id: typeof SERVER | typeof DRIVER | typeof CORE): Promise<unknown> =>
    (await getVerdict(store.db, kernel.id, id))?.verdict.evidence.find(({ rung }) => rung === 'fleet')?.facts[
      'exposure'
    ];
  const order = async () => (await searchCves(store.db, { sort: 'priority', limit: 0 })).map(({ id }) => id);
  const later = (days: number): void => void (now = new Date(now.getTime() + days * DAY));
  return { store, kernel, clock, add, exposure, order, later, decideAll };
}

function lsmod(...modules: string[]): string {
  return `Module                  Size  Used by\n${modules.map((name) => `${name} 4096 0\n`).join('')}`;
}

function json(value: object): string {
  return JSON.stringify(value);
}

test('a module that is loaded nowhere steps back in the order, and comes forward when a host loads it', async () => {
  const { store, kernel, clock, add, exposure, order, decideAll } = await world();
  await decideAll();
  assert.deepEqual(await Promise.all([SERVER, DRIVER, CORE].map(exposure)), ['unknown', 'unknown', 'always']);
  const weights = async () =>
    new Map((await explained(store.db, 'all', clock.now())).map(({ priority }) => [priority.cve, priority.weight]));
  const before = await weights();
  await add({ 'web-1.txt': lsmod('ext4_helper', 'arc4'), 'web-2.txt': lsmod('arc4') });
  assert.deepEqual(await Promise.all([SERVER, DRIVER, CORE].map(exposure)), ['on-demand', 'hardware', 'always']);
  assert.deepEqual(await order(), [CORE, SERVER, DRIVER]);
  const after = await weights();
  assert.equal(after.get(CORE), before.get(CORE));
  assert.ok(before.get(SERVER)! > after.get(SERVER)! && after.get(SERVER)! > after.get(DRIVER)!);
  assert.ok(after.get(DRIVER)! > 0);
  assert.deepEqual(await verdictChanges(store.db, kernel.id, new Date(0)), [], 'no status is another one');
  await add({ 'web-2.txt': lsmod('ksmbd', 'arc4', 'e1000') });
  assert.deepEqual(await Promise.all([SERVER, DRIVER].map(exposure)), ['loaded', 'loaded']);
  assert.deepEqual(await weights(), before);
});

test('a list that is too old is unknown; a newer one takes its place, an older one does not', async () => {
  const { store, kernel, clock, add, exposure, later, decideAll } = await world();
  await add({ 'a.txt': lsmod('arc4'), 'b.txt': lsmod('arc4') });
  assert.equal(await exposure(SERVER), 'on-demand');
  later(5);
  await add({ 'a.txt': lsmod('arc4') });
  later(3);
  await decideAll();
  assert.equal(await exposure(SERVER), 'unknown', 'host b said nothing for 8 days');
  assert.equal((await fleetOf(store.db, kernel, clock.now()))?.silent, 1);
  assert.equal((await fleetOf(store.db, kernel, clock.now(), 9 * 86_400))?.silent, 0);
  const old = json({ host: 'a', at: '2026-11-01T00:00:00Z', modules: [] });
  assert.deepEqual(await add({ 'old.json': old }), { added: [], kept: ['a'], refused: [] });
  const [a] = await hostModulesOf(store.db, kernel.id);
  assert.deepEqual([a?.host, [...(a?.modules ?? [])]], ['a', ['arc4']]);
});

test('a list of another kernel, or that was cut off, is refused by name and stops no other', async () => {
  const { store, kernel, add } = await world();
  const { added, refused } = await add({
    'release.json': json({ host: 'release', release: '6.1.171', modules: ['arc4'] }),
    'build.json': json({ host: 'build', release: kernel.release, buildId: 'ab'.repeat(20), modules: ['arc4'] }),
    'strange.txt': lsmod('zfs', 'spl'),
    'cut.txt': lsmod('ksmbd'),
    'broken.txt': 'not a list\n',
    'good.json': json({ host: 'good', release: kernel.release, buildId: kernel.buildId, modules: ['zfs', 'arc4'] }),
    'none.txt': lsmod(),
  });
  assert.deepEqual(added, ['good', 'none']);
  assert.deepEqual(
    refused.map(({ file, code }) => `${file.replace(/^.*\//, '')} ${code}`),
    [
      'broken.txt host-list-unreadable',
      'build.json host-list-other-kernel',
      'cut.txt host-list-other-kernel',
      'release.json host-list-other-kernel',
      'strange.txt host-list-other-kernel',
    ],
  );
  assert.deepEqual(
    (await hostModulesOf(store.db, kernel.id)).map(({ host }) => host),
    ['good', 'none'],
  );
});

test('module data that cannot be read any more is forgotten, not believed', async () => {
  const { store, kernel, clock, exposure, add } = await world();
  await add({ 'a.txt': lsmod('arc4') });
  assert.equal(await exposure(DRIVER), 'hardware');
  const root = await scratch();
  const folder = join(root, 'lib/modules/6.1.170');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'modules.dep'), 'drivers/e1000.ko:\n');
  await writeFile(join(folder, 'modules.alias'), 'alias broken\n');
  assert.match((await readModules(store.db, kernel.id, root, '6.1.170')) ?? '', /cannot be read/);
  await triageKernel({ store, kernel, clock });
  assert.equal(await exposure(DRIVER), 'on-demand', 'the worst that is possible');
});
