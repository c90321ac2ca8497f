/** Recalls, mitigations, floors and what the online key says, as a host reads them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  editIndex,
  mitigate,
  readRollout,
  recallRelease,
  setFloors,
  setRollout,
  subscribeKernel,
  withdrawMitigations,
} from '#archive';
import {
  type CveId,
  chooseRelease,
  type HostMemory,
  indexPath,
  mitigationsInForce,
  parseReleaseIndex,
  parseRolloutFile,
  type ReleaseIndex,
  type RolloutFile,
  rolloutPath,
} from '#domain';
import { BUILD_ID, newArchive, type OneFolder, publishOne, RELEASE } from '../../../testkit/archive.ts';
import { rootOf, visit } from '../../../testkit/ceremony.ts';
import { idWithin, rolloutFile, turnHost } from '../../../testkit/rollout-words.ts';
import { scratch } from '../../../testkit/scratch.ts';

const MAX = 1 << 20;
const FRESH: HostMemory = { newest: 0, recalled: [], follows: false, asks: () => turnHost() };

async function seen(place: OneFolder): Promise<{ index: ReleaseIndex; file: RolloutFile | null }> {
  const state = join(place.directory, '..', 'host');
  return visit(place, await rootOf(place), state, async (archive) => {
    const index = parseReleaseIndex(String((await archive.read(indexPath(BUILD_ID), MAX))?.content));
    const said = await archive.read(rolloutPath(BUILD_ID), MAX);
    return { index: index!, file: said === undefined ? null : parseRolloutFile(String(said.content))! };
  });
}

async function chosen(place: OneFolder, host = FRESH): Promise<number | null> {
  const { index, file } = await seen(place);
  const found = chooseRelease(index, file, host);
  return found.step === 'load' ? found.release.number : null;
}

const said = { buildId: BUILD_ID, by: 'jane', propose: false };

test('a first release may be none: the kernel is served, and there is nothing to load', async () => {
  const place = await newArchive(await scratch());
  await subscribeKernel(place, BUILD_ID, RELEASE);
  const { index } = await seen(place);
  assert.deepEqual(index.releases, []);
  assert.equal(await chosen(place), null);
});

test('a recalled release is not chosen, its number is never given again, and no recall can be taken back', async () => {
  const place = await newArchive(await scratch());
  for (const name of ['tuxtape_one', 'tuxtape_two']) await publishOne(place, name);
  assert.equal(await chosen(place), 2);
  await recallRelease(place, { ...said, number: 2, reason: 'it oopses on NUMA machines' });
  assert.equal(await chosen(place, { ...FRESH, newest: 2 }), 1);
  assert.equal((await seen(place)).index.recalls?.[0]?.reason, 'it oopses on NUMA machines');
  assert.equal((await publishOne(place, 'tuxtape_three')).number, 3);
  await recallRelease(place, { ...said, number: 3, reason: 'as well' });
  assert.equal((await publishOne(place, 'tuxtape_four')).number, 4);
  assert.deepEqual(
    (await seen(place)).index.recalls?.map(({ number }) => number),
    [2, 3],
  );
});

test('a recall needs a release, a reason, and a kernel that is served', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  await assert.rejects(recallRelease(place, { ...said, number: 1, reason: '  ' }), { code: 'terms-invalid' });
  for (const number of [0, 2, 1.5])
    await assert.rejects(recallRelease(place, { ...said, number, reason: 'x' }), { code: 'not-published' });
  await assert.rejects(recallRelease(place, { ...said, buildId: 'd'.repeat(40), number: 1, reason: 'x' }), {
    code: 'not-published',
  });
  await recallRelease(place, { ...said, number: 1, reason: 'x' });
  await assert.rejects(recallRelease(place, { ...said, number: 1, reason: 'y' }), { code: 'terms-invalid' });
  assert.deepEqual(
    (await seen(place)).index.recalls?.map(({ reason }) => reason),
    ['x'],
  );
});

test('a number never falls, also where the releases that had it are not listed any more', async () => {
  const place = await newArchive(await scratch());
  for (const name of ['tuxtape_one', 'tuxtape_two']) await publishOne(place, name);
  await editIndex(place, BUILD_ID, false, (index) => ({ index: { ...index!, releases: [] }, files: [], result: null }));
  assert.equal((await publishOne(place, 'tuxtape_three')).number, 3);
});

test('a mitigation is in force until its CVE is fixed, its day comes or it is taken back', async () => {
  const place = await newArchive(await scratch());
  await subscribeKernel(place, BUILD_ID, RELEASE);
  const cve: CveId = 'CVE-2026-10002';
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const words = { cve, reason: 'no livepatch can be made of the fix', until, by: 'jane' };
  const block = { kind: 'modprobe-blocklist', module: 'ksmbd' } as const;
  const sysctl = { kind: 'sysctl', name: 'user.max_user_namespaces', value: '0' } as const;
  for (const action of [block, sysctl, block])
    await mitigate(place, { buildId: BUILD_ID, mitigation: { ...words, action }, propose: false });
  const { index } = await seen(place);
  assert.deepEqual(
    mitigationsInForce(index.mitigations ?? [], [], new Date()).map(({ action }) => action),
    [sysctl, block],
  );
  assert.deepEqual(mitigationsInForce(index.mitigations ?? [], [cve], new Date()), []);
  const bad = [
    { ...words, action: { kind: 'sysctl', name: 'kernel.core_pattern', value: '|/bin/sh' } as const },
    { ...words, action: block, until: '2020-01-01T00:00:00.000Z' },
    { ...words, action: block, reason: '' },
  ];
  for (const mitigation of bad)
    await assert.rejects(mitigate(place, { buildId: BUILD_ID, mitigation, propose: false }), { code: 'terms-invalid' });
  await withdrawMitigations(place, { buildId: BUILD_ID, cve, propose: false });
  assert.deepEqual((await seen(place)).index.mitigations, []);
  await assert.rejects(withdrawMitigations(place, { buildId: BUILD_ID, cve, propose: false }), {
    code: 'not-published',
  });
});

test('floors hold whatever the online key says, and its serial only rises', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  await setFloors(place, {
    buildId: BUILD_ID,
    floors: { leastSoakSeconds: 3_600, largestSharePercent: 10 },
    propose: false,
  });
  const [release] = (await seen(place)).index.releases;
  const file = (part: Parameters<typeof rolloutFile>[2]) => rolloutFile(BUILD_ID, [release!], part);
  await setRollout(place, file({ serial: 5 }));
  assert.deepEqual((await readRollout(place.directory, BUILD_ID))?.serial, 5);
  const at = (from: number, to: number): HostMemory => {
    const id = idWithin(release!.sha256, from, to);
    return { ...FRESH, asks: () => turnHost({ id }) };
  };
  assert.equal(await chosen(place, at(0, 10)), 1);
  assert.equal(await chosen(place, at(10, 100)), null);
  for (const serial of [5, 4]) await assert.rejects(setRollout(place, file({ serial })), { code: 'terms-invalid' });
  await setRollout(place, file({ serial: 6, state: 'halted' }));
  assert.equal(await chosen(place), null);
  const floors = { leastSoakSeconds: 60, largestSharePercent: 0 };
  await assert.rejects(setFloors(place, { buildId: BUILD_ID, floors, propose: false }), { code: 'terms-invalid' });
});
