import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CveId, defaultPolicy } from '#domain';
import { type Candidate, type FixState, type KnownBuild, type Observed, planKernel, wantedOf } from '#pipeline';

const REASON = { code: 'section-changed', why: 'static data changes', remedy: 'rewrite it' };

function cve(n: number): CveId {
  return `CVE-2026-${1000 + n}` as CveId;
}

function candidate(
  n: number,
  fix: FixState = { state: 'ready', key: `k${n}` },
  more: Partial<Candidate> = {},
): Candidate {
  return { cve: cve(n), class: 'open', weight: 5, held: null, fix, ...more };
}

function observed(part: Partial<Observed>): Observed {
  return { policy: defaultPolicy, isQuiet: false, candidates: [], builds: [], ...part };
}

function build(numbers: readonly number[], state: KnownBuild['state'], livepatch = `l${numbers.join('')}`): KnownBuild {
  const wanted = wantedOf(numbers.map((n) => ({ cve: cve(n), key: `k${n}` })));
  return { livepatch, wanted, cves: numbers.map(cve), state, reason: null };
}

test('a fix is tried before it is built, and a livepatch is proved before anything else', () => {
  const untried = candidate(1, { state: 'untried', key: 'k1' });
  assert.deepEqual(planKernel(observed({ candidates: [untried] })).step, { do: 'try', cve: cve(1) });
  const { step } = planKernel(observed({ candidates: [candidate(1)] }));
  assert.deepEqual(step, { do: 'build', cves: [cve(1)], wanted: `${cve(1)} k1` });
  const built = observed({
    candidates: [candidate(1), candidate(2, { state: 'untried', key: 'k2' })],
    builds: [build([1], 'built')],
  });
  assert.deepEqual(planKernel(built).step, { do: 'prove', livepatch: 'l1' });
});

test('what cannot be built is a task with its reason and remedy, and keeps nothing else out', () => {
  const candidates = [candidate(1, { state: 'refused', key: 'k1', ...REASON }), candidate(2)];
  const { step, items } = planKernel(observed({ candidates }));
  assert.equal(step?.do, 'build');
  assert.deepEqual(items[0], { cve: cve(1), stage: 'task', ...REASON, livepatch: null, approval: null });
  assert.equal(items[1]!.stage, 'building');
});

test('a livepatch is cumulative: what is new comes to what was proved', () => {
  const candidates = [candidate(2), candidate(1)];
  const { step, items } = planKernel(observed({ candidates, builds: [build([1], 'proved')] }));
  assert.deepEqual(step?.do === 'build' && [...step.cves].toSorted(), [cve(1), cve(2)]);
  assert.equal(items[1]!.livepatch, 'l1');
  assert.equal(planKernel(observed({ candidates, builds: [build([1, 2], 'proved')] })).step, null);
});

test('a fix whose text changed is built anew, and what does not affect the kernel any more is left out', () => {
  const builds = [build([1, 2], 'proved')];
  const changed = planKernel(
    observed({ candidates: [candidate(1), candidate(2, { state: 'ready', key: 'new' })], builds }),
  );
  assert.equal(changed.step?.do, 'build');
  const gone = planKernel(observed({ candidates: [candidate(1)], builds }));
  assert.deepEqual(gone.step, { do: 'build', cves: [cve(1)], wanted: `${cve(1)} k1` });
});

test('a policy holds back what weighs less, waits for enough and for the end of quiet hours; exploited CVEs do not wait', () => {
  const policy = { ...defaultPolicy, leastWeight: 6, gather: 3 };
  assert.equal(planKernel(observed({ policy, candidates: [candidate(1)] })).step, null);
  const heavy = candidate(1, undefined, { weight: 7 });
  assert.equal(planKernel(observed({ policy, candidates: [heavy] })).step, null);
  const exploited = candidate(2, undefined, { class: 'exploited', weight: 1 });
  const all = observed({ policy, candidates: [exploited, heavy], isQuiet: true });
  assert.equal(planKernel(all).step?.do, 'build');
  const tame = { ...policy, exploitedAlways: false };
  assert.equal(planKernel({ ...all, policy: tame }).step, null);
  assert.match(planKernel(observed({ candidates: [heavy], isQuiet: true })).items[0]!.why, /quiet hours/);
});

test('what is exploited is tried, built and proved before the rest is even tried, and without what is new beside it', () => {
  const urgent = (fix?: FixState): Candidate => candidate(9, fix, { class: 'exploited' });
  const rest = [candidate(1, { state: 'untried', key: 'k1' }), candidate(2), candidate(3)];
  const builds = [build([3], 'proved')];
  const first = planKernel(observed({ candidates: [...rest, urgent({ state: 'untried', key: 'k9' })], builds }));
  assert.deepEqual(first.step, { do: 'try', cve: cve(9) });
  const candidates = [...rest, urgent()];
  const second = planKernel(observed({ candidates, builds }));
  assert.deepEqual(second.step?.do === 'build' && second.step.cves, [cve(3), cve(9)]);
  const third = planKernel(observed({ candidates, builds: [build([3, 9], 'built'), ...builds] }));
  assert.equal(third.step?.do, 'prove');
  const quiet = { candidates, builds: [build([3, 9], 'proved'), ...builds] };
  assert.deepEqual(planKernel(observed(quiet)).step, { do: 'try', cve: cve(1) });
  assert.equal(planKernel(observed({ ...quiet, isQuiet: true })).step, null);
});

test('an urgent fix that spoils its livepatch does not keep out the next urgent one', () => {
  const urgent = [8, 9].map((n) => candidate(n, undefined, { class: 'exploited' }));
  const builds = [build([8], 'failed'), build([8, 9], 'failed')];
  const { step, items } = planKernel(observed({ candidates: [...urgent, candidate(1)], builds }));
  assert.deepEqual(step?.do === 'build' && step.cves, [cve(9)]);
  assert.equal(items[0]!.stage, 'task');
});

test('a proof of what is not urgent waits for the end of quiet hours, also beside an older urgent one', () => {
  const old = candidate(9, undefined, { class: 'exploited' });
  const builds = [build([1, 9], 'built'), build([9], 'proved')];
  const all = observed({ candidates: [old, candidate(1)], builds });
  assert.equal(planKernel(all).step?.do, 'prove');
  assert.equal(planKernel({ ...all, isQuiet: true }).step, null);
});

test('a fix that was taken back leaves the next livepatch, exploited or not, and is a task', () => {
  const held = candidate(2, undefined, { class: 'exploited', held: 'it stalls the array' });
  const { step, items } = planKernel(observed({ candidates: [candidate(1), held], builds: [build([1, 2], 'proved')] }));
  assert.deepEqual(step, { do: 'build', cves: [cve(1)], wanted: `${cve(1)} k1` });
  assert.deepEqual([items[1]!.stage, items[1]!.code], ['task', 'held']);
  assert.match(items[1]!.why, /stalls the array/);
});

test('a risk that a person took is left alone', () => {
  assert.equal(planKernel(observed({ candidates: [candidate(1, undefined, { class: 'accepted' })] })).step, null);
});

/** Runs plans until nothing is left to do, in a world where some CVEs spoil every livepatch they are in. */
function run(
  count: number,
  bad: ReadonlySet<number>,
  urgent: ReadonlySet<number>,
): { builds: KnownBuild[]; items: Map<CveId, string>; steps: number } {
  const candidates = Array.from({ length: count }, (_, n) =>
    candidate(n, undefined, { class: urgent.has(n) ? 'exploited' : 'open' }),
  );
  const builds: KnownBuild[] = [];
  for (let steps = 0; ; steps += 1) {
    const { step, items } = planKernel(observed({ candidates, builds }));
    if (step === null) return { builds, items: new Map(items.map((item) => [item.cve, item.stage])), steps };
    assert.ok(steps < 20 * (count + 1), 'it ends');
    if (step.do === 'build') {
      assert.ok(!builds.some(({ wanted }) => wanted === step.wanted), 'nothing is built twice');
      builds.unshift({ livepatch: `l${steps}`, wanted: step.wanted, cves: step.cves, state: 'built', reason: null });
    } else if (step.do === 'prove') {
      const at = builds.findIndex(({ livepatch }) => livepatch === step.livepatch);
      const spoilt = builds[at]!.cves.some((id) => bad.has(Number(id.slice(9)) - 1000));
      builds[at] = { ...builds[at]!, state: spoilt ? 'failed' : 'proved' };
    } else assert.fail('there is nothing to try');
  }
}

test('whatever spoils a livepatch is found and named, and everything else ends in one that is proved', () => {
  const world = fc.integer({ min: 1, max: 12 }).chain((count) => {
    const some = fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }));
    return fc.tuple(fc.constant(count), some, some);
  });
  fc.assert(
    fc.property(world, ([count, list, urgent]) => {
      const bad = new Set(list);
      const { builds, items } = run(count, bad, new Set(urgent));
      for (let n = 0; n < count; n += 1) assert.equal(items.get(cve(n)), bad.has(n) ? 'task' : 'proved');
      const newest = builds.find(({ state }) => state === 'proved');
      assert.equal(newest?.cves.length ?? 0, count - bad.size);
    }),
  );
});
