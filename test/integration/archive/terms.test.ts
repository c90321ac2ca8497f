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
  indexPath,
  mitigationsInForce,
  parseReleaseIndex,
  parseRolloutChoice,
  type ReleaseIndex,
  type RolloutChoice,
  rolloutPath,
} from '#domain';
import { BUILD_ID, newArchive, type OneFolder, publishOne, RELEASE } from '../../../testkit/archive.ts';
import { rootOf, visit } from '../../../testkit/ceremony.ts';
import { scratch } from '../../../testkit/scratch.ts';

const MAX = 1 << 20;
const FRESH = { newest: 0, recalled: [], cohort: () => 0 };

async function seen(place: OneFolder): Promise<{ index: ReleaseIndex; choice: RolloutChoice | null }> {
  const state = join(place.directory, '..', 'host');
  return visit(place, await rootOf(place), state, async (archive) => {
    const index = parseReleaseIndex(String((await archive.read(indexPath(BUILD_ID), MAX))?.content));
    const choice = await archive.read(rolloutPath(BUILD_ID), MAX);
    return { index: index!, choice: choice === undefined ? null : parseRolloutChoice(String(choice.content))! };
  });
}

async function chosen(place: OneFolder, host = FRESH): Promise<number | null> {
  const { index, choice } = await seen(place);
  const found = chooseRelease(index, choice, host, new Date());
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
    mitigationsInForce(index, [], new Date()).map(({ action }) => action),
    [sysctl, block],
  );
  assert.deepEqual(mitigationsInForce(index, [cve], new Date()), []);
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
  const choice = {
    version: 1,
    buildId: BUILD_ID,
    serial: 5,
    release: 1,
    halted: null,
    sharePercent: 100,
    soakSeconds: 0,
  } as const;
  await setRollout(place, choice);
  assert.deepEqual((await readRollout(place.directory, BUILD_ID))?.serial, 5);
  assert.equal(await chosen(place, { ...FRESH, cohort: () => 9 }), 1);
  assert.equal(await chosen(place, { ...FRESH, cohort: () => 10 }), null);
  for (const serial of [5, 4])
    await assert.rejects(setRollout(place, { ...choice, serial }), { code: 'terms-invalid' });
  await setRollout(place, { ...choice, serial: 6, halted: 'three hosts oopsed' });
  assert.equal(await chosen(place), null);
  const floors = { leastSoakSeconds: 60, largestSharePercent: 0 };
  await assert.rejects(setFloors(place, { buildId: BUILD_ID, floors, propose: false }), { code: 'terms-invalid' });
});
