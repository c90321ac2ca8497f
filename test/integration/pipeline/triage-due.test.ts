/** Verdicts are decided when something they were decided from is another, and only those. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Proof } from '#domain';
import { systemClock } from '#host';
import { addBundledKernel, triageAll, triageKernel } from '#pipeline';
import {
  addKernel,
  dueVerdicts,
  getCve,
  getVerdict,
  inTransaction,
  loadProfile,
  proofsOf,
  putProof,
  type Store,
  saveProfile,
  upsertCves,
  verdictChanges,
} from '#store';
import { testStore } from '../../../testkit/database.ts';
import { COMMIT, cve, feedOf, sync } from '../../../testkit/feed.ts';

const [FIRST, SECOND] = ['CVE-2026-10001', 'CVE-2026-10002'] as const;

async function due(store: Store, kernelId: string): Promise<string[]> {
  return (await dueVerdicts(store.db, kernelId, systemClock.now(), false)).map((row) => row.cve).toSorted();
}

test('what changed of a CVE makes its verdict due, and what no verdict reads does not', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] }), cve(10_002, { files: ['fs/none.c'] })]));
  const kernel = await addBundledKernel(store);
  assert.deepEqual(await due(store, kernel.id), [FIRST, SECOND]);
  await triageAll({ store, clock: systemClock });
  assert.deepEqual(await due(store, kernel.id), []);
  const before = await getVerdict(store.db, kernel.id, SECOND);

  const row = (await getCve(store.db, FIRST))!;
  await upsertCves(store.db, [{ ...row, record: { ...row.record, title: 'another title' } }]);
  assert.deepEqual(await due(store, kernel.id), [], 'a title decides nothing');
  await upsertCves(store.db, [{ ...row, record: { ...row.record, state: 'rejected' } }]);
  assert.deepEqual(await due(store, kernel.id), [FIRST]);

  await triageAll({ store, clock: systemClock });
  assert.equal((await getVerdict(store.db, kernel.id, FIRST))?.verdict.status, 'not_affected');
  assert.deepEqual((await getVerdict(store.db, kernel.id, SECOND))?.decidedAt, before?.decidedAt);
  const changes = await verdictChanges(store.db, kernel.id, new Date(0));
  assert.deepEqual(
    changes.map(({ cve: id, before: old, after, rejected }) => [id, old, after, rejected]),
    [[FIRST, 'affected', 'not_affected', true]],
  );
});

test('what all verdicts of a kernel share makes all of them due; those that stay say since when they stand', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]));
  const kernel = await addBundledKernel(store);
  await triageKernel({ store, kernel, clock: systemClock });
  const before = await getVerdict(store.db, kernel.id, FIRST);
  await store.db.updateTable('kernel').set({ triaged_with: 'older rules' }).execute();
  await triageKernel({ store, kernel, clock: systemClock });
  assert.deepEqual(await getVerdict(store.db, kernel.id, FIRST), before);
  const { triaged_with: inputs } = await store.db.selectFrom('kernel').select('triaged_with').executeTakeFirstOrThrow();
  assert.notEqual(inputs, 'older rules');

  const newer = { ...kernel, version: '6.1.999' };
  await triageKernel({ store, kernel: newer, clock: systemClock });
  assert.equal((await getVerdict(store.db, kernel.id, FIRST))?.verdict.status, 'fixed');
});

test('a triage that fails leaves everything due', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]));
  const kernel = await addBundledKernel(store);
  const broken = new Error('the disk is full');
  await assert.rejects(
    inTransaction(store.db, async (tx) => {
      await triageKernel({ store: { ...store, db: tx }, kernel, clock: systemClock });
      throw broken;
    }),
    (error) => error === broken,
  );
  assert.deepEqual(await due(store, kernel.id), [FIRST]);
});

test('a proof goes with the profile that it was made by', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, {})]));
  const kernel = await addBundledKernel(store);
  const proof: Proof = {
    fixes: [],
    source: { outcome: 'unclear', hunks: [], renamed: {} },
    paths: [],
    object: null,
  };
  await putProof(store.db, kernel.id, FIRST, proof, systemClock.now());
  const bytes = (await loadProfile(store.db, kernel.id))!;
  await saveProfile(store.db, kernel.id, bytes);
  assert.equal((await proofsOf(store.db, kernel.id)).size, 1, 'the same profile');
  await saveProfile(store.db, kernel.id, Buffer.concat([bytes, Buffer.from('another')]));
  assert.equal((await proofsOf(store.db, kernel.id)).size, 0);
});

test('a proof that another program found is not believed', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]));
  const kernel = await addBundledKernel(store);
  const hunk = { path: 'net/ipv4/udp.c', line: 1, state: 'fixed', how: 'exact', at: 1 } as const;
  const proof: Proof = {
    fixes: [{ commit: COMMIT, version: '6.1.171', sha256: '' }],
    source: { outcome: 'fixed', hunks: [hunk], renamed: {} },
    paths: ['net/ipv4/udp.c'],
    object: null,
    by: 'a version whose rules were wrong',
  };
  await putProof(store.db, kernel.id, FIRST, proof, systemClock.now());
  await triageKernel({ store, kernel, clock: systemClock });
  const found = await getVerdict(store.db, kernel.id, FIRST);
  assert.equal(found?.verdict.status, 'affected');
});

test('the sample kernel of an earlier version, whose profile cannot be read any more, is read anew', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]));
  const kernel = await addBundledKernel(store);
  await saveProfile(store.db, kernel.id, Buffer.from('an older form'));
  await assert.rejects(triageKernel({ store, kernel, clock: systemClock }), { code: 'profile-unreadable' });
  const other = { ...kernel, id: 'other', name: 'other', buildId: 'f'.repeat(40) };
  await addKernel(store.db, other);
  await saveProfile(
    store.db,
    other.id,
    await readFile(join(import.meta.dirname, '../../../fixtures/sample-kernel/profile.zst')),
  );
  await assert.rejects(triageAll({ store, clock: systemClock }), { code: 'profile-unreadable' });
  assert.equal((await getVerdict(store.db, other.id, FIRST))?.verdict.status, 'affected', 'it stops no other');
  await triageKernel({ store, kernel: await addBundledKernel(store), clock: systemClock });
  assert.equal((await getVerdict(store.db, kernel.id, FIRST))?.verdict.status, 'affected');
});
