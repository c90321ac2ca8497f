import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chooseRelease,
  floorOf,
  type HostMemory,
  type IndexedRelease,
  isMitigationAction,
  mitigatingSysctls,
  mitigationsInForce,
  paceOf,
  parseReleaseIndex,
  positionOf,
  type ReleaseIndex,
  type SignedMitigation,
} from '#domain';
import { rolloutFile, turnHost } from '../../../testkit/rollout-words.ts';

const BUILD_ID = 'ab'.repeat(20);
const NOW = new Date('2026-11-20T12:00:00Z');

function release(number: number, publishedAt = '2026-11-20T00:00:00Z'): IndexedRelease {
  const path = `livepatches/${BUILD_ID}/${number}/m${number}.ko`;
  return {
    ...{ buildId: BUILD_ID, kernelRelease: '6.1.0', moduleName: `m${number}`, number, cves: ['CVE-2026-10001'] },
    ...{ functions: [], publishedAt, path, sha256: String(number % 10).repeat(64), length: 1 },
  };
}

function index(numbers: readonly number[], terms: Partial<ReleaseIndex> = {}): ReleaseIndex {
  return { version: 1, buildId: BUILD_ID, kernelRelease: '6.1.0', releases: numbers.map((n) => release(n)), ...terms };
}

const FRESH: HostMemory = { newest: 0, recalled: [], follows: false, asks: () => turnHost() };
const recall = (number: number): NonNullable<ReleaseIndex['recalls']>[number] => ({
  ...{ number, reason: 'it oopses', at: '2026-11-20T01:00:00Z', by: 'jane' },
});

const numberOf = (found: ReturnType<typeof chooseRelease>): number | null =>
  found.step === 'load' ? found.release.number : null;

test('the newest release that was not recalled is chosen; an older one only where the newer was recalled', () => {
  const two = index([1, 2]);
  const file = (...numbers: number[]) =>
    rolloutFile(
      BUILD_ID,
      numbers.map((number) => release(number)),
    );
  assert.equal(numberOf(chooseRelease(two, null, FRESH)), 2);
  assert.equal(numberOf(chooseRelease(index([1, 2], { recalls: [recall(2)] }), null, { ...FRESH, newest: 2 })), 1);
  assert.equal(numberOf(chooseRelease(two, file(1), { ...FRESH, newest: 2 })), null);
  assert.equal(numberOf(chooseRelease(two, file(1), FRESH)), 1);
  assert.equal(numberOf(chooseRelease(two, file(1, 2), FRESH)), 2);
  assert.equal(numberOf(chooseRelease(two, file(3), FRESH)), null);
  const halted = rolloutFile(BUILD_ID, [release(2)], { state: 'halted' });
  assert.equal(numberOf(chooseRelease(two, halted, FRESH)), null);
  assert.equal(numberOf(chooseRelease(two, rolloutFile('cd'.repeat(20), [release(2)]), FRESH)), null);
  assert.equal(numberOf(chooseRelease(index([1]), null, { ...FRESH, recalled: [1] })), null, 'for good');
  const seen = { ...FRESH, asks: () => turnHost({ seenSerial: 4 }) };
  assert.equal(numberOf(chooseRelease(two, null, seen)), null, 'a file that was there and is gone says nothing good');
});

test('whatever the online key says, the host stays within what release keys signed', () => {
  const few = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
  const arbitrary = fc.record({
    listed: few,
    recalled: few,
    remembered: few,
    rolled: fc.option(few),
    newest: fc.integer({ min: 0, max: 9 }),
    id: fc.integer({ min: 0, max: 999 }).map((number) => `host-${number}`),
    floors: fc.record({
      leastSoakSeconds: fc.integer({ min: 1, max: 86_400 }),
      largestSharePercent: fc.integer({ min: 1, max: 100 }),
    }),
    knownMs: fc.integer({ min: 0, max: 400_000_000 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ listed, recalled, remembered, rolled, newest, id, floors, knownMs }) => {
      const given = index(listed, { floors, recalls: recalled.map(recall) });
      const host = { newest, recalled: remembered, follows: false, asks: () => turnHost({ id, knownMs }) };
      const file =
        rolled &&
        rolloutFile(
          BUILD_ID,
          rolled.map((number) => release(number)),
        );
      const found = chooseRelease(given, file, host);
      if (found.step === 'none') return;
      const { number, sha256 } = found.release;
      assert.ok(listed.includes(number) && !recalled.includes(number) && !remembered.includes(number));
      assert.ok(rolled === null || rolled.includes(number));
      const isBack = number < newest;
      assert.ok(!isBack || recalled.includes(newest) || remembered.includes(newest), 'never back without a recall');
      assert.ok(found.soakSeconds >= floors.leastSoakSeconds);
      assert.ok(knownMs >= floorOf(positionOf(sha256, id), paceOf(floors)), 'not before its turn');
    }),
    { numRuns: 1_000 },
  );
});

test('a mitigation ends with the release that has its CVE, or with its day', () => {
  const mitigation: SignedMitigation = {
    ...{
      cve: 'CVE-2026-10001',
      reason: 'no fix yet',
      at: '2026-11-19T00:00:00Z',
      until: '2026-12-01T00:00:00Z',
      by: 'jane',
    },
    action: { kind: 'modprobe-blocklist', module: 'algif_aead' },
  };
  const given = index([], { mitigations: [mitigation] });
  assert.deepEqual(mitigationsInForce(given.mitigations!, [], NOW), [mitigation]);
  assert.deepEqual(mitigationsInForce(given.mitigations!, ['CVE-2026-10001'], NOW), []);
  assert.deepEqual(mitigationsInForce(given.mitigations!, [], new Date('2026-12-01T00:00:00Z')), []);
});

test('no signed text is a command: what is outside the vocabulary is no mitigation', () => {
  for (const [name, values] of Object.entries(mitigatingSysctls))
    for (const value of values) assert.ok(isMitigationAction({ kind: 'sysctl', name, value }));
  const bad: unknown[] = [
    { kind: 'sysctl', name: 'kernel.core_pattern', value: '|/bin/sh' },
    { kind: 'sysctl', name: 'kernel.kptr_restrict', value: '0' },
    { kind: 'sysctl', name: 'toString', value: '0' },
    { kind: 'modprobe-blocklist', module: 'a b' },
    { kind: 'modprobe-blocklist', module: '../x' },
    { kind: 'modprobe-blocklist', module: 'x', install: '/bin/sh' },
    { kind: 'run', command: 'reboot' },
    null,
  ];
  for (const value of bad) assert.ok(!isMitigationAction(value), JSON.stringify(value));
});

test('an index with terms is read back as it was; with one that is not in its form it is none', () => {
  const good = index([1], {
    newest: 4,
    floors: { leastSoakSeconds: 60, largestSharePercent: 5 },
    recalls: [recall(3)],
    mitigations: [],
  });
  assert.deepEqual(parseReleaseIndex(JSON.stringify(good)), good);
  const bad: object[] = [
    { newest: -1 },
    { floors: { leastSoakSeconds: 1, largestSharePercent: 0 } },
    { floors: null },
    { recalls: [{ ...recall(1), reason: '' }] },
    { recalls: {} },
    { mitigations: [{}] },
    { releases: [{ ...release(1), publishedAt: 'soon' }] },
  ];
  for (const terms of bad)
    assert.equal(parseReleaseIndex(JSON.stringify({ ...good, ...terms })), undefined, JSON.stringify(terms));
});
