import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chooseRelease,
  type HostMemory,
  type IndexedRelease,
  isMitigationAction,
  largestShareAt,
  mitigatingSysctls,
  mitigationsInForce,
  parseReleaseIndex,
  parseRolloutChoice,
  type ReleaseIndex,
  type RolloutChoice,
  type SignedMitigation,
} from '#domain';

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

function choice(terms: Partial<RolloutChoice> = {}): RolloutChoice {
  const all = { release: null, halted: null, sharePercent: 100, soakSeconds: 0 };
  return { version: 1, buildId: BUILD_ID, serial: 1, ...all, ...terms };
}

const FRESH: HostMemory = { newest: 0, recalled: [], cohort: () => 0 };
const recall = (number: number): NonNullable<ReleaseIndex['recalls']>[number] => ({
  ...{ number, reason: 'it oopses', at: '2026-11-20T01:00:00Z', by: 'jane' },
});

test('the newest release that was not recalled is chosen; an older one only where the newer was recalled', () => {
  const numbers = (found: ReturnType<typeof chooseRelease>): number | null =>
    found.step === 'load' ? found.release.number : null;
  assert.equal(numbers(chooseRelease(index([1, 2]), null, FRESH, NOW)), 2);
  assert.equal(numbers(chooseRelease(index([1, 2], { recalls: [recall(2)] }), null, { ...FRESH, newest: 2 }, NOW)), 1);
  assert.equal(numbers(chooseRelease(index([1, 2]), choice({ release: 1 }), { ...FRESH, newest: 2 }, NOW)), null);
  assert.equal(numbers(chooseRelease(index([1, 2]), choice({ release: 1 }), FRESH, NOW)), 1);
  assert.equal(numbers(chooseRelease(index([1, 2]), choice({ release: 3 }), FRESH, NOW)), null);
  assert.equal(numbers(chooseRelease(index([1, 2]), choice({ halted: 'a report' }), FRESH, NOW)), null);
  assert.equal(numbers(chooseRelease(index([1, 2]), choice({ buildId: 'cd'.repeat(20) }), FRESH, NOW)), null);
  assert.equal(numbers(chooseRelease(index([1]), null, { ...FRESH, recalled: [1] }, NOW)), null, 'for good');
});

test('whatever the online key says, the host stays within what release keys signed', () => {
  const percent = fc.integer({ min: 0, max: 100 });
  const arbitrary = fc.record({
    listed: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }),
    recalled: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    remembered: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    newest: fc.integer({ min: 0, max: 9 }),
    cohort: fc.integer({ min: 0, max: 99 }),
    floors: fc.record({
      leastSoakSeconds: fc.integer({ min: 1, max: 86_400 }),
      largestSharePercent: fc.integer({ min: 1, max: 100 }),
    }),
    age: fc.integer({ min: -100_000, max: 400_000 }),
    said: fc.option(
      fc.record({ release: fc.option(fc.integer({ min: 1, max: 12 })), sharePercent: percent, soakSeconds: percent }),
    ),
  });
  fc.assert(
    fc.property(arbitrary, ({ listed, recalled, remembered, newest, cohort, floors, age, said }) => {
      const publishedAt = new Date(NOW.getTime() - age * 1000).toISOString();
      const releases = listed.map((number) => release(number, publishedAt));
      const given = index([], { releases, floors, recalls: recalled.map(recall) });
      const memory = { newest, recalled: remembered, cohort: () => cohort };
      const found = chooseRelease(given, said === null ? null : choice(said), memory, NOW);
      if (found.step === 'none') return;
      const { number } = found.release;
      assert.ok(listed.includes(number) && !recalled.includes(number) && !remembered.includes(number));
      assert.ok(
        number >= newest || recalled.includes(newest) || remembered.includes(newest),
        'never back without a recall',
      );
      assert.ok(found.soakSeconds >= floors.leastSoakSeconds);
      assert.ok(cohort < largestShareAt(floors, { publishedAt }, NOW), 'not before its turn');
    }),
  );
});

test('the share grows by one step a soak, and not at all for a clock that stands before the release', () => {
  const floors = { leastSoakSeconds: 3_600, largestSharePercent: 10 };
  const at = (hours: number): number =>
    largestShareAt(floors, release(1, '2026-11-20T12:00:00Z'), new Date(NOW.getTime() + hours * 3_600_000));
  assert.deepEqual([-1, 0, 0.9, 1, 2.5, 9, 100].map(at), [10, 10, 10, 20, 30, 100, 100]);
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
  assert.deepEqual(mitigationsInForce(given, [], NOW), [mitigation]);
  assert.deepEqual(mitigationsInForce(given, ['CVE-2026-10001'], NOW), []);
  assert.deepEqual(mitigationsInForce(given, [], new Date('2026-12-01T00:00:00Z')), []);
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

test('a choice of the online key is read whole or not at all', () => {
  assert.deepEqual(parseRolloutChoice(JSON.stringify(choice({ release: 2 }))), choice({ release: 2 }));
  for (const terms of [
    { serial: 0 },
    { sharePercent: 101 },
    { halted: '' },
    { buildId: '../x' },
    { release: 1.5 },
    { version: 2 },
  ])
    assert.equal(parseRolloutChoice(JSON.stringify({ ...choice(), ...terms })), undefined, JSON.stringify(terms));
  for (const text of ['', '[]', 'null', '{']) assert.equal(parseRolloutChoice(text), undefined);
});
