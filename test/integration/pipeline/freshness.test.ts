/** How old each source is, and that a mirror which stopped is not taken for a living one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshness } from '#pipeline';
import { recordFailure, recordSync } from '#store';
import { testStore } from '../../../testkit/database.ts';

const NOW = new Date('2026-11-24T12:00:00Z');
const EXPECTED = new Map([
  ['lore', 900],
  ['vulns', 900],
  ['kev', 21_600],
  ['epss', 43_200],
]);

test('never read, read too long ago, read now but silent for weeks, and not configured any more are told apart', async () => {
  const { db } = await testStore();
  const sync = { address: 'a', bundled: false, at: NOW, newest: new Date('2026-11-23T00:00:00Z') };
  await recordSync(db, { ...sync, source: 'lore' });
  await recordSync(db, { ...sync, source: 'vulns', newest: new Date('2026-11-01T00:00:00Z') });
  await recordSync(db, { ...sync, source: 'epss', at: new Date('2026-11-22T11:59:59Z') });
  await recordSync(db, { ...sync, source: 'nvd', newest: null });
  await recordFailure(db, { source: 'kev', at: NOW, code: 'feed-unreachable', reason: 'no answer' });
  const found = await freshness(db, EXPECTED, NOW);
  assert.deepEqual(Object.fromEntries(found.map(({ source, state }) => [source, state])), {
    lore: 'fresh',
    vulns: 'stale',
    kev: 'never',
    epss: 'stale',
    nvd: 'off',
  });
  assert.equal(found.find(({ source }) => source === 'kev')?.failure?.code, 'feed-unreachable');
});
