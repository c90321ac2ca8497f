import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agentStates, type IndexedRelease, parseReleaseIndex, type ReleaseIndex } from '#domain';
import { emptyJournal, type Journal, purposes, type ReleaseRef } from '../../../src/agent/journal.ts';
import { parseJournal } from '../../../src/agent/journal-form.ts';
import { levelOf, levels } from '../../../src/agent/level.ts';
import { isBad, type Observation } from '../../../src/agent/plan/observation.ts';
import { plan, refOf } from '../../../src/agent/plan/plan.ts';

const BUILD_ID = 'a'.repeat(40);

function indexed(number: number): IndexedRelease {
  const sha256 = number.toString(16).padStart(64, '0');
  const common = { buildId: BUILD_ID, kernelRelease: '6.1.170', cves: [], functions: [] };
  return { ...common, moduleName: `tuxtape_${number}`, number, path: `kernels/${number}.ko`, sha256, length: 10 };
}

const number = fc.integer({ min: 1, max: 9 });
const numbers = fc.uniqueArray(number, { maxLength: 5 });

/** Any state of a host, also such as none should be in: a plan has to be right in every one. */
const observation: fc.Arbitrary<Observation> = fc
  .record({
    listed: numbers,
    archive: fc.constantFrom('not-asked', 'unreachable', 'unserved', 'index'),
    state: fc.constantFrom(...agentStates),
    purpose: fc.constantFrom(...purposes),
    current: fc.option(number),
    accepted: numbers,
    failed: numbers,
    recalled: numbers,
    stored: numbers,
    refused: numbers,
    sameBoot: fc.boolean(),
    clean: fc.boolean(),
    resumed: fc.boolean(),
    unclean: fc.nat(4),
    alarm: fc.option(fc.constant('look')),
    level: fc.constantFrom(...levels),
    uptime: fc.nat(200),
    loaded: fc.array(fc.record({ number, enabled: fc.boolean(), transition: fc.boolean() }), { maxLength: 3 }),
  })
  .map((seed) => {
    const index: ReleaseIndex | null = {
      version: 1,
      buildId: BUILD_ID,
      kernelRelease: '6.1.170',
      releases: seed.listed.map(indexed),
    };
    const ref = (one: number): ReleaseRef => refOf(indexed(one));
    const hash = (one: number): string => indexed(one).sha256;
    const journal: Journal = {
      ...emptyJournal(seed.sameBoot ? 'this' : 'earlier'),
      state: seed.state,
      purpose: seed.purpose,
      release: seed.current === null ? null : ref(seed.current),
      accepted: seed.accepted.map(ref),
      failed: seed.failed.map((one) => ({ ...ref(one), how: 'reverted', why: 'failed', reports: [] })),
      recalled: seed.recalled.map((one) => ({ buildId: BUILD_ID, number: one, reason: 'bad' })),
      guard: { unclean: seed.unclean, loaded: true, polls: 0 },
      alarm: seed.alarm,
    };
    const archives = { 'not-asked': 'not-asked', unreachable: 'unreachable' } as const;
    const archive =
      seed.archive === 'index' || seed.archive === 'unserved'
        ? { index: seed.archive === 'index' ? index : null, rollout: null }
        : archives[seed.archive as 'not-asked'];
    return {
      me: { id: 'host-0', ring: 'default', counted: null, follows: false, now: new Date('2026-11-25T12:00:00Z') },
      bootId: 'this',
      uptime: seed.uptime,
      buildId: BUILD_ID,
      journal,
      loaded: seed.loaded.map((one) => ({ ...one, name: `tuxtape_${one.number}` })),
      modules: new Set(seed.loaded.map((one) => `tuxtape_${one.number}`)),
      cleanBoot: seed.clean ? 'earlier' : null,
      level: seed.level,
      graceSeconds: 120,
      archive,
      stored: new Set(seed.stored.map(hash)),
      refused: new Set(seed.refused.map(hash)),
      kept: new Set<string>(),
      resumed: seed.resumed,
    };
  });

test('what failed or was recalled is never prepared nor loaded, and nothing is begun over a transition', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const decided = plan(seen);
      if (!['fetch', 'verify', 'precheck', 'load'].includes(decided.step)) return;
      const { release } = decided as { release: ReleaseRef };
      assert.ok(!isBad(seen.journal, release));
      assert.ok(seen.level !== 'stop');
      if (decided.step === 'fetch') assert.ok(!seen.loaded.some(({ transition }) => transition));
    }),
    { numRuns: 3_000 },
  );
});

test('something new is fetched only with the word of the archive, on a host that lets it', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const decided = plan(seen);
      if (decided.step !== 'fetch' || decided.purpose === 'fallback') return;
      assert.ok(typeof seen.archive === 'object' && seen.archive.index !== null);
      assert.ok(seen.level === 'normal' || (seen.level === 'no-new' && decided.purpose === 'restore'));
      assert.ok(seen.uptime >= seen.graceSeconds);
      assert.ok(seen.journal.guard.unclean < 3);
      assert.equal(seen.journal.alarm, null);
    }),
    { numRuns: 3_000 },
  );
});

test('a load needs the archive in this very run, or an accepted release that goes over a bad one', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      if (plan(seen).step !== 'load') return;
      assert.ok(typeof seen.archive === 'object' || seen.journal.purpose === 'fallback');
      assert.ok(!seen.resumed, 'what an earlier run prepared was prepared for another moment');
    }),
    { numRuns: 3_000 },
  );
});

test('a load that a boot did not survive is quarantined, whatever else is seen', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const { journal } = seen;
      const decided = plan(seen);
      if (journal.bootId === seen.bootId) return;
      assert.equal(decided.step, 'note');
      if (decided.step !== 'note' || journal.release === null) return;
      const atWork = ['loading', 'transitioning', 'soaking'].includes(journal.state);
      if (atWork && seen.cleanBoot === null) assert.ok(isBad(decided.journal, journal.release));
      assert.equal(decided.journal.bootId, 'this');
    }),
    { numRuns: 2_000 },
  );
});

test('a kernel without an index is unknown, and an archive that is away is no "nothing to do"', () => {
  fc.assert(
    fc.property(observation, (seen) => {
      const unserved = plan({ ...seen, archive: { index: null, rollout: null } });
      if (unserved.step === 'rest' && seen.level !== 'stop' && seen.journal.alarm === null)
        assert.ok(unserved.code === 'unknown-kernel' || /another transition/.test(unserved.why));
      const away = plan({ ...seen, archive: 'unreachable' });
      if (away.step === 'rest') assert.doesNotMatch(away.why, /newest|no release yet/);
    }),
    { numRuns: 2_000 },
  );
});

test('the strictest level counts, and a word that is not known stops the agent', () => {
  assert.equal(levelOf(undefined, 'console=ttyS0 quiet'), 'normal');
  assert.equal(levelOf('no-new\n', 'quiet tuxtape=no-apply'), 'no-apply');
  assert.equal(levelOf('stop', 'tuxtape=normal'), 'stop');
  assert.equal(levelOf(undefined, 'xtuxtape=stop'), 'normal');
  for (const word of ['', 'off', 'NORMAL', 'normal x']) assert.equal(levelOf(word, ''), 'stop', word);
  assert.equal(levelOf(undefined, 'a tuxtape='), 'stop');
});

test('a journal is read as it was written, and anything else is none', () => {
  fc.assert(
    fc.property(observation, fc.string({ minLength: 1 }), fc.nat(), ({ journal }, junk, at) => {
      const text = JSON.stringify(journal);
      assert.deepEqual(parseJournal(text, 'this'), journal);
      assert.equal(parseJournal(text.slice(0, at % text.length), 'this'), undefined, 'half a journal');
      for (const key of Object.keys(journal))
        assert.equal(parseJournal(JSON.stringify({ ...journal, [key]: { junk } }), 'this'), undefined, key);
    }),
  );
});

test('an index in any other form is none', () => {
  const recalls = [{ number: 1, reason: 'it is bad', at: '2026-11-03T09:00:00Z', by: 'jane' }];
  const good = { version: 1, buildId: BUILD_ID, kernelRelease: '6.1.170', releases: [indexed(1)], recalls };
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
    { ...good, recalls: {} },
    { ...good, recalls: [{ number: 1, reason: '', at: 'now', by: 'jane' }] },
  ];
  for (const value of bad) assert.equal(parseReleaseIndex(JSON.stringify(value)), undefined, JSON.stringify(value));
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      parseReleaseIndex(text);
    }),
  );
});
