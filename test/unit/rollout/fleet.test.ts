/** What must hold whatever 10,000 hosts do: caps, quorums, stops, floors, serials. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Pace, renderRolloutFile } from '#domain';
import { type FleetWeather, failedIn, isFlying, ROUND_MS, SimFleet } from '../../../testkit/rollout-fleet.ts';

const ERRORS = 15;
const rings = [
  {
    name: 'canary',
    steps: [
      { percent: 50, soakSeconds: 120 },
      { percent: 100, soakSeconds: 120 },
    ],
  },
  {
    name: 'early',
    control: 10,
    steps: [
      { percent: 20, soakSeconds: 120 },
      { percent: 100, soakSeconds: 120 },
    ],
  },
  {
    name: 'broad',
    steps: [
      { percent: 10, soakSeconds: 60 },
      { percent: 100, soakSeconds: 60 },
    ],
  },
];
const policy = {
  rings,
  thresholds: { success: 80, errorHosts: ERRORS, errorPercent: 100, sample: 3, worsePercent: 50 },
  caps: [
    { label: 'rack', percent: 20 },
    { label: 'quorum', hosts: 1 },
  ],
  ...{ watchSeconds: 120, deadManSeconds: 600, silentSeconds: 300, patienceSeconds: 36_000, startWithinSeconds: 180 },
};
const floors: Pace = { leastSoakSeconds: 60, largestShare: 4000 };
const START_ROUNDS = 180_000 / ROUND_MS;

/** Weather of a rollout: mostly fair, sometimes foul. */
function weathers(hosts: number): fc.Arbitrary<FleetWeather> {
  return fc.record({
    seed: fc.integer(),
    hosts: fc.constant(hosts),
    failing: fc.constantFrom(0, 0.0005, 0.01),
    silent: fc.constantFrom(0, 0.002, 0.02),
    restart: fc.constantFrom(0, 0.001, 0.01),
    lying: fc.constantFrom(0, 0.01),
    joining: fc.constantFrom(0, 0.5),
  });
}

function limits(fleet: SimFleet): Map<string, { total: number; flying: number }> {
  const values = new Map<string, { total: number; flying: number }>();
  for (const host of fleet.hosts)
    for (const [label, value] of Object.entries(host.labels)) {
      const key = `${label} ${value}`;
      const found = values.get(key) ?? { total: 0, flying: 0 };
      if (!values.has(key)) values.set(key, found);
      found.total += 1;
      if (isFlying(host)) found.flying += 1;
    }
  return values;
}

/** Never more of a rack in flight than its cap, never two of a quorum. */
function checkCaps(fleet: SimFleet): void {
  for (const [name, { total, flying }] of limits(fleet)) {
    const most = name.startsWith('quorum') ? 1 : Math.max(1, Math.floor(total * 0.2));
    if (flying > most) assert.fail(`${name}: ${flying} of ${most} in flight in round ${fleet.round}`);
  }
}

interface Told {
  readonly fleet: SimFleet;
  stoppedAt: number | null;
  lastFile: number;
}

function started(weather: FleetWeather, own: object = {}): Told {
  const fleet = new SimFleet(weather, { ...policy, ...own }, floors);
  fleet.commands.push({ rollout: 'r1', do: 'start', by: 'ann', reason: 'test' });
  return { fleet, stoppedAt: null, lastFile: 0 };
}

/** A round with all that must hold in each. */
function step(told: Told): void {
  const { fleet } = told;
  const before = fleet.rollout.state;
  const startedBefore = fleet.starts.length;
  const plan = fleet.next(checkCaps);
  const { state } = fleet.rollout;
  // The k-th failure that was told halts it in the round that was told.
  const known = new Set([...before.failures.map(({ host }) => host), ...failedIn(fleet)]);
  if (known.size - state.acknowledged >= ERRORS && state.phase !== 'recalled') assert.equal(state.phase, 'halted');
  for (const file of plan.files) {
    assert.ok(file.serial > told.lastFile, 'a serial rises');
    told.lastFile = file.serial;
    assert.ok(renderRolloutFile(file).length < 40_000, 'the file stays small');
  }
  const isOpen = state.phase === 'running' || state.phase === 'done';
  if (!isOpen) assert.deepEqual(state.open, []);
  // Nobody starts after a stop, but for those that asked before it, and they within the time they have.
  if (told.stoppedAt !== null && fleet.round > told.stoppedAt + START_ROUNDS)
    assert.equal(fleet.starts.length, startedBefore, `started ${fleet.round - told.stoppedAt} rounds after the stop`);
  told.stoppedAt = isOpen ? null : (told.stoppedAt ?? fleet.round);
  // The floors.
  if (state.ring === before.ring) assert.ok(state.share - before.share <= floors.largestShare);
  else assert.ok(state.share <= floors.largestShare);
  if (before.share > 0 && (state.ring !== before.ring || state.share !== before.share))
    assert.ok(before.soakedMs + ROUND_MS >= floors.leastSoakSeconds * 1000);
}

test('10,000 hosts: caps, quorums and stops hold in any weather', () => {
  fc.assert(
    fc.property(weathers(10_000), (weather) => {
      const told = started(weather);
      for (let i = 0; i < 60; i += 1) step(told);
    }),
    { numRuns: 5, endOnFailure: true },
  );
});

test('some hundred hosts, many times, with people who pause, resume and recall', () => {
  const people = fc.array(fc.tuple(fc.nat(80), fc.constantFrom('pause', 'resume', 'halt', 'recall', 'hold')), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(weathers(300), people, (weather, acts) => {
      const told = started(weather);
      for (let round = 0; round < 120; round += 1) {
        for (const [at, act] of acts) {
          const base = { rollout: 'r1', by: 'ann', reason: 'test' };
          const failures = told.fleet.rollout.state.failures.length;
          if (at !== round) continue;
          if (act === 'resume') told.fleet.commands.push({ ...base, do: act, failures, inconclusive: true });
          else if (act === 'hold') told.fleet.commands.push({ ...base, do: act, host: 'h7' });
          else told.fleet.commands.push({ ...base, do: act as 'pause' });
        }
        step(told);
      }
    }),
    { numRuns: 60 },
  );
});

test('in fair weather every host gets it, also under caps and with late joiners', () => {
  const told = started({ seed: 7, hosts: 1_000, failing: 0, silent: 0, restart: 0, lying: 0, joining: 0.2 });
  for (let round = 0; round < 250 && told.fleet.rollout.state.phase !== 'done'; round += 1) step(told);
  assert.equal(told.fleet.rollout.state.phase, 'done');
  for (let round = 0; round < 40; round += 1) step(told);
  const late = told.fleet.hosts.filter(({ truth }) => truth !== 'accepted').length;
  assert.ok(told.fleet.hosts.length > 1_000 && late < 10, `${late} of ${told.fleet.hosts.length} without it`);
});

test('a restored backup drives nobody: what ran is paused, what was stopped stays stopped', () => {
  const when = fc.record({ backup: fc.integer({ min: 1, max: 30 }), gap: fc.integer({ min: 1, max: 30 }) });
  const acts = fc.constantFrom('nothing', 'pause', 'halt', 'recall');
  fc.assert(
    fc.property(weathers(200), when, acts, (weather, { backup, gap }, act) => {
      const told = started(weather);
      const { fleet } = told;
      for (let i = 0; i < backup; i += 1) step(told);
      const kept = { rollout: fleet.rollout, serial: fleet.serial };
      if (act !== 'nothing') fleet.commands.push({ rollout: 'r1', do: act, by: 'ann', reason: 'test' });
      for (let i = 0; i < gap; i += 1) step(told);
      const { phase } = fleet.rollout.state;
      const isAhead = fleet.serial > kept.serial;
      Object.assign(fleet, kept);
      step(told);
      // Where nothing was published since, the backup is as good as the store.
      if (!isAhead) return;
      const after = fleet.rollout.state;
      assert.equal(after.phase, phase === 'halted' || phase === 'recalled' ? 'halted' : after.phase);
      assert.ok(['paused', 'halted', 'recalled'].includes(after.phase), after.phase);
      const stopped = fleet.round;
      for (let i = 0; i < 10; i += 1) step(told);
      assert.ok(fleet.starts.every(({ round }) => round <= stopped + START_ROUNDS));
      assert.notEqual(fleet.rollout.state.phase, 'running');
    }),
    { numRuns: 60 },
  );
});

test('no clock of the wall changes a decision, where there are no windows', () => {
  fc.assert(
    fc.property(
      weathers(200),
      fc.array(fc.date({ noInvalidDate: true }), { minLength: 20, maxLength: 20 }),
      (weather, dates) => {
        const told = started(weather);
        for (const now of dates) {
          assert.deepEqual(told.fleet.plan(now), told.fleet.plan(new Date(0)));
          step(told);
        }
      },
    ),
    { numRuns: 20 },
  );
});

test('the size of the signed file does not grow with the hosts', () => {
  const sizes = [500, 5_000].map((hosts) => {
    const told = started({ seed: 3, hosts, failing: 0, silent: 0, restart: 0, lying: 0, joining: 0 }, { caps: [] });
    for (let round = 0; round < 6; round += 1) told.fleet.next(() => {});
    return Math.max(...Array.from(told.fleet.archive.values(), (file) => renderRolloutFile(file).length));
  });
  assert.ok(sizes[1]! <= sizes[0]! + 20, String(sizes));
});
