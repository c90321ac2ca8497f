import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type IndexedRelease, parseReleaseIndex, type ReleaseIndex } from '#domain';
import { plan, planUnfinished } from '../../../src/agent/plan.ts';
import type { AgentState, Journal } from '../../../src/agent/state.ts';

const BUILD_ID = 'a'.repeat(40);

function indexed(number: number): IndexedRelease {
  const sha256 = number.toString(16).padStart(64, '0');
  const common = { buildId: BUILD_ID, kernelRelease: '6.1.170', cves: [], functions: [] };
  return { ...common, moduleName: `tuxtape_${number}`, number, path: `kernels/${number}.ko`, sha256, length: 10 };
}

const states: readonly AgentState[] = [
  'idle',
  'downloaded',
  'verified',
  'prechecked',
  'loading',
  'transitioning',
  'soaking',
  'accepted',
  'reverted',
  'quarantined',
];

const observation = fc
  .record({
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }),
    served: fc.boolean(),
    state: fc.constantFrom(...states),
    current: fc.option(fc.integer({ min: 1, max: 9 })),
    failed: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }),
    sameBoot: fc.boolean(),
    loaded: fc.array(
      fc.record({ number: fc.integer({ min: 1, max: 9 }), enabled: fc.boolean(), transition: fc.boolean() }),
      { maxLength: 3 },
    ),
  })
  .map((seed) => {
    const index: ReleaseIndex | null = seed.served
      ? { version: 1, buildId: BUILD_ID, kernelRelease: '6.1.170', releases: seed.numbers.map(indexed) }
      : null;
    const journal: Journal = {
      version: 1,
      state: seed.state,
      release: seed.current === null ? null : indexed(seed.current),
      bootId: seed.sameBoot ? 'this' : 'earlier',
      failed: seed.failed.map((number) => ({ sha256: indexed(number).sha256, number, why: 'failed' })),
      baseline: [],
    };
    const loaded = seed.loaded.map(({ number, ...rest }) => ({ name: `tuxtape_${number}`, ...rest }));
    return { bootId: 'this', journal, loaded, index };
  });

test('a release that failed on this host is never loaded again, and nothing is loaded over a transition', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const decided = plan(seen);
      if (decided.step !== 'load') return;
      assert.ok(!seen.journal.failed.some(({ sha256 }) => sha256 === decided.release.sha256));
      assert.ok(!seen.loaded.some(({ transition }) => transition));
      const better = seen.index!.releases.filter(
        ({ number, sha256 }) =>
          number > decided.release.number && !seen.journal.failed.some((bad) => bad.sha256 === sha256),
      );
      assert.deepEqual(better, [], 'the newest that is left');
    }),
  );
});

test('a load that a boot did not survive is quarantined, whatever else is seen', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const unfinished = planUnfinished(seen);
      const atWork =
        ['loading', 'transitioning', 'soaking'].includes(seen.journal.state) && seen.journal.release !== null;
      if (!atWork) assert.equal(unfinished, null);
      else if (seen.journal.bootId !== seen.bootId) assert.equal(unfinished?.step, 'quarantine');
      else assert.ok(unfinished !== null);
    }),
  );
});

test('a kernel without an index is unknown, never "nothing to do"', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      assert.equal(plan({ ...seen, index: null }).step, 'unknown-kernel');
    }),
  );
});

test('an index in any other form is none', () => {
  const good = { version: 1, buildId: BUILD_ID, kernelRelease: '6.1.170', releases: [indexed(1)] };
  assert.deepEqual(parseReleaseIndex(JSON.stringify(good)), good);
  const bad: unknown[] = [
    null,
    [],
    { ...good, version: 2 },
    { ...good, buildId: '../x' },
    { ...good, releases: {} },
    { ...good, releases: [{ ...indexed(1), moduleName: '../../proc/sysrq-trigger' }] },
    { ...good, releases: [{ ...indexed(1), number: -1 }] },
    { ...good, releases: [{ ...indexed(1), length: 1e300 }] },
    { ...good, releases: [{ ...indexed(1), cves: ['x'] }] },
  ];
  for (const value of bad) assert.equal(parseReleaseIndex(JSON.stringify(value)), undefined, JSON.stringify(value));
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      parseReleaseIndex(text);
    }),
  );
});
