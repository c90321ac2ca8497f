/** A person's word ends on its day by itself, and the ladder decides again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#host';
import { addBundledKernel, triageKernel } from '#pipeline';
import { addOverride, auditOf, getVerdict, verdictChanges } from '#store';
import { testStore } from '../../../testkit/database.ts';
import { cve, feedOf, sync } from '../../../testkit/feed.ts';

test('on its day a word is over, without anybody doing anything', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]));
  const kernel = await addBundledKernel(store);
  const id = 'CVE-2026-10001';
  const on = async (day: string): Promise<string | undefined> => {
    const clock = { ...systemClock, now: () => new Date(`${day}T12:00:00Z`) };
    await triageKernel({ store, kernel, clock });
    return (await getVerdict(store.db, kernel.id, id))?.verdict.status;
  };
  assert.equal(await on('2026-11-01'), 'affected');
  const until = new Date('2026-11-20T00:00:00Z');
  const word = { cve: id, status: 'fixed', justification: null, reason: 'ours', until, author: 'ann' } as const;
  await addOverride(store.db, kernel.id, word, new Date('2026-11-02T00:00:00Z'));
  assert.equal(await on('2026-11-03'), 'fixed');
  assert.equal(await on('2026-11-21'), 'affected');
  const changes = await verdictChanges(store.db, kernel.id, new Date('2026-11-04T00:00:00Z'));
  assert.deepEqual(
    changes.map(({ cve: named, before, after }) => [named, before, after]),
    [[id, 'fixed', 'affected']],
  );
  assert.deepEqual(
    (await auditOf(store.db, id)).map(({ actor, action }) => `${actor} ${action}`),
    ['ann verdict.override'],
  );
});
