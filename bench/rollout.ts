/** Rollouts of simulated fleets: 10,000 hosts from start to end, one plan for 100,000 hosts, the size of the signed file, memory. */
import { renderRolloutFile } from '#domain';
import { planFleet, rememberPositions } from '#rollout';
import { type FleetWeather, ROUND_MS, SimFleet } from '../testkit/rollout-fleet.ts';
import { machine } from './measure.ts';

const MAX_ROUNDS = 2_000;
const PLANS = 10;

const policy = {
  rings: [
    { name: 'canary', steps: [{ percent: 100, soakSeconds: 900 }] },
    {
      name: 'early',
      control: 5,
      steps: [
        { percent: 10, soakSeconds: 900 },
        { percent: 100, soakSeconds: 900 },
      ],
    },
    {
      name: 'broad',
      steps: [
        { percent: 10, soakSeconds: 900 },
        { percent: 50, soakSeconds: 900 },
        { percent: 100, soakSeconds: 0 },
      ],
    },
  ],
  thresholds: { success: 90, errorHosts: 50, errorPercent: 5, sample: 20, worsePercent: 5 },
  caps: [
    { label: 'rack', percent: 20 },
    { label: 'quorum', hosts: 1 },
  ],
  ...{ watchSeconds: 300, deadManSeconds: 1_800, silentSeconds: 900, patienceSeconds: 86_400, startWithinSeconds: 180 },
};
const floors = { leastSoakSeconds: 300, largestShare: 5_000 };
const fair: FleetWeather = {
  seed: 1,
  hosts: 0,
  failing: 0,
  silent: 0.0005,
  restart: 0.0001,
  lying: 0,
  joining: 0.1,
};

function mib(): string {
  return `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`;
}

function started(hosts: number, weather: Partial<FleetWeather> = {}): SimFleet {
  const fleet = new SimFleet({ ...fair, ...weather, hosts }, policy, floors);
  fleet.commands.push({ rollout: 'r1', do: 'start', by: 'bench', reason: 'measured' });
  return fleet;
}

function whole(hosts: number): void {
  const fleet = started(hosts);
  let planMs = 0;
  let longest = 0;
  let largest = 0;
  const begin = performance.now();
  const plan = fleet.plan.bind(fleet);
  fleet.plan = (now) => {
    const at = performance.now();
    const made = plan(now);
    const took = performance.now() - at;
    planMs += took;
    longest = Math.max(longest, took);
    for (const file of made.files) largest = Math.max(largest, renderRolloutFile(file).length);
    return made;
  };
  while (fleet.rollout.state.phase === 'running' || fleet.rollout.state.phase === 'draft') {
    fleet.next(() => {});
    if (fleet.round >= MAX_ROUNDS) break;
  }
  const { state } = fleet.rollout;
  const accepted = fleet.hosts.filter(({ truth }) => truth === 'accepted').length;
  console.log(
    `${hosts} hosts: ${state.phase} after ${fleet.round} rounds of ${ROUND_MS / 1000} s (${((fleet.round * ROUND_MS) / 3_600_000).toFixed(1)} h simulated), ` +
      `${accepted} of ${fleet.hosts.length} accepted, ${state.failures.length} failed; plan ${(planMs / fleet.round).toFixed(1)} ms a round, ` +
      `longest ${longest.toFixed(0)} ms; largest file ${largest} bytes; ${fleet.serial} serials; ` +
      `simulated in ${((performance.now() - begin) / 1000).toFixed(1)} s; ${mib()}`,
  );
  if (state.stop !== null) console.log(`  ${state.stop.code}: ${state.stop.why}`);
}

function single(hosts: number): void {
  const fleet = started(hosts);
  for (let i = 0; i < 3; i += 1) fleet.next(() => {});
  const observed = {
    ...{ serial: fleet.serial, published: [], rollouts: [fleet.rollout], hosts: fleet.observations(), commands: [] },
    ...{ elapsedMs: ROUND_MS, now: new Date(0) },
  };
  const before = process.memoryUsage().rss;
  const cold = rememberPositions();
  const first = performance.now();
  planFleet(observed, cold);
  const firstMs = performance.now() - first;
  const times = Array.from({ length: PLANS }, () => {
    const at = performance.now();
    planFleet(observed, cold);
    return performance.now() - at;
  }).toSorted((a, b) => a - b);
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  console.log(
    `${hosts} hosts, one plan: first ${firstMs.toFixed(0)} ms (positions hashed), then median ${times[PLANS >> 1]!.toFixed(0)} ms, ` +
      `longest ${times.at(-1)!.toFixed(0)} ms; ${mib()}, ${grown.toFixed(0)} MiB of it by planning`,
  );
}

/** Hosts that fail: how many more start after the failure that is one too many was told. */
function stopping(hosts: number): void {
  const fleet = started(hosts, { failing: 0.02 });
  while (fleet.rollout.state.phase !== 'halted' && fleet.round < MAX_ROUNDS) fleet.next(() => {});
  const { stop, failures } = fleet.rollout.state;
  const [stoppedAt, before] = [fleet.round, fleet.starts.length];
  for (let i = 0; i < 10; i += 1) fleet.next(() => {});
  const last = Math.max(stoppedAt, ...fleet.starts.map(({ round }) => round));
  console.log(
    `${hosts} hosts of which 2 % of loads fail each round: halted in round ${stoppedAt} (${stop?.code}) with ${failures.length} failures told and ${before} hosts started; ` +
      `${fleet.starts.length - before} more started, the last ${last - stoppedAt} rounds later (${policy.startWithinSeconds} s are allowed)`,
  );
}

console.log(`rollout, ${machine()}`);
for (const hosts of [1_000, 10_000]) whole(hosts);
stopping(10_000);
for (const hosts of [10_000, 100_000]) single(hosts);
