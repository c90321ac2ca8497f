import {
  type HostObservation,
  type HostStanding,
  isHostId,
  type Pace,
  parseRolloutFile,
  type Rollout,
  type RolloutCommand,
  type RolloutFile,
  renderRolloutFile,
  turn,
} from '#domain';
import { type FleetPlan, type Positions, planFleet, rememberPositions } from '#rollout';
import { buildIdOf, policyOf, rolloutOf } from './rollout-script.ts';

/** Chances, each of one host in one round. */
export interface FleetWeather {
  readonly seed: number;
  readonly hosts: number;
  /** A load that is taken back, stalls, takes the host down for good, or makes the kernel report. */
  readonly failing: number;
  /** A host that says nothing to the server for some rounds; half of them still read the archive. */
  readonly silent: number;
  readonly restart: number;
  /** Of all hosts: those that say anything, at random. */
  readonly lying: number;
  readonly joining: number;
}

export interface SimHost {
  readonly id: string;
  readonly ring: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly lies: boolean;
  truth: HostStanding | null;
  report: boolean;
  /** Rounds left. */
  off: number;
  cutOff: number;
  watch: number;
  /** Start that was allowed: rounds from now. */
  startsIn: number | null;
  startsBy: number;
  silentRounds: number;
  said: HostObservation | null;
  counted: number | null;
  seen: number;
  knownMs: number;
}

export const ROUND_MS = 60_000;
const FLIGHT: ReadonlySet<string> = new Set(['loading', 'transitioning', 'stalled', 'soaking']);

/** mulberry32: the same numbers for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Hosts that live, fail, lie and go silent by chance, one server with its store, and the archive they read. */
export class SimFleet {
  readonly hosts: SimHost[] = [];
  readonly random: () => number;
  readonly weather: FleetWeather;
  readonly archive = new Map<string, RolloutFile>();
  readonly starts: { host: SimHost; round: number; serial: number }[] = [];
  rollout: Rollout;
  serial = 0;
  round = 0;
  commands: RolloutCommand[] = [];
  readonly #positions: Positions = rememberPositions();

  constructor(weather: FleetWeather, policy: object, floors: Pace) {
    this.weather = weather;
    this.random = randomOf(weather.seed);
    this.rollout = rolloutOf({ policy: policyOf(policy), floors });
    for (let i = 0; i < weather.hosts; i += 1) this.#join();
  }

  #join(): void {
    const i = this.hosts.length;
    const id = `h${i}`;
    if (!isHostId(id)) throw new TypeError(id);
    const labels: Record<string, string> = { rack: `r${Math.floor(i / 40)}` };
    if (i % 10 < 3) labels['quorum'] = `q${Math.floor(i / 10)}`;
    const roll = this.random();
    this.hosts.push({
      ...{ id, labels, ring: roll < 0.05 ? 'canary' : roll < 0.4 ? 'early' : 'broad' },
      lies: this.random() < this.weather.lying,
      ...{ truth: null, report: false, off: 0, cutOff: 0, watch: 0, startsIn: null, startsBy: 0 },
      ...{ silentRounds: Infinity, said: null, counted: null, seen: 0, knownMs: 0 },
    });
  }

  /** A round: hosts live and check in, the planner plans, the archive is published. `check` sees the fleet after each change. */
  next(check: (fleet: SimFleet) => void): FleetPlan {
    this.round += 1;
    if (this.random() < this.weather.joining) this.#join();
    for (const host of this.hosts) this.#live(host);
    check(this);
    const plan = this.plan();
    this.commands = [];
    this.rollout = plan.rollouts[0]!;
    this.serial = plan.serial;
    for (const file of plan.files) {
      const read = parseRolloutFile(renderRolloutFile(file));
      if (read === undefined) throw new TypeError(`serial ${file.serial} cannot be read`);
      this.archive.set(file.buildId, read);
    }
    const file = this.archive.get(buildIdOf(0));
    for (const host of this.hosts) if (host.said !== null && host.counted === null) host.counted = file?.serial ?? null;
    return plan;
  }

  plan(now = new Date(this.round * ROUND_MS)): FleetPlan {
    const published = Array.from(this.archive.values(), ({ buildId, serial, rollouts }) => ({
      ...{ buildId, serial, same: serial <= this.serial, rollouts },
    }));
    const { commands } = this;
    const hosts = this.observations();
    const base = { serial: this.serial, published, rollouts: [this.rollout], hosts, commands };
    return planFleet({ ...base, elapsedMs: ROUND_MS, now }, this.#positions);
  }

  observations(): HostObservation[] {
    return this.hosts.flatMap((host) =>
      host.said === null ? [] : [{ ...host.said, silentMs: host.silentRounds * ROUND_MS }],
    );
  }

  #live(host: SimHost): void {
    const { weather, random } = this;
    host.knownMs += ROUND_MS;
    if (host.off > 0) {
      host.off -= 1;
      // The time to start runs while the host sleeps; whoever wakes too late asks again.
      if (host.startsIn !== null && (host.startsIn -= 1) <= 0) host.startsIn = null;
    } else {
      if (host.cutOff > 0) host.cutOff -= 1;
      else if (random() < weather.silent) {
        if (random() < 0.5) host.cutOff = Math.ceil(random() * 30);
        else host.off = Math.ceil(random() * 30);
      }
      if (random() < weather.restart) this.#restart(host);
      if (host.off === 0) this.#work(host);
    }
    if (host.off > 0 || host.cutOff > 0) host.silentRounds += 1;
    else this.#checkIn(host);
  }

  /** A host that goes down during a load never loads it again; one in a hundred is made anew and knows nothing any more. */
  #restart(host: SimHost): void {
    host.startsIn = null;
    host.off = 1 + Math.floor(this.random() * 3);
    if (host.truth !== null && FLIGHT.has(host.truth)) host.truth = 'quarantined';
    if (this.random() < 0.01) Object.assign(host, { truth: null, report: false, counted: null, said: null, seen: 0 });
  }

  #work(host: SimHost): void {
    if (host.startsIn !== null) {
      host.startsIn -= 1;
      if (host.startsIn <= 0) {
        host.startsIn = null;
        host.truth = 'loading';
        this.starts.push({ host, round: this.round, serial: host.startsBy });
      }
    } else if (host.truth === null) this.#ask(host);
    else if (FLIGHT.has(host.truth)) this.#fly(host);
  }

  #ask(host: SimHost): void {
    const file = this.archive.get(buildIdOf(0));
    if (file === undefined || this.random() < 0.3) return;
    if (file.serial < host.seen) throw new TypeError(`${host.id} sees serial ${file.serial} after ${host.seen}`);
    host.seen = file.serial;
    const { release, floors } = this.rollout;
    const asked = { ...host, failed: [], seenSerial: host.seen, now: new Date(0) };
    const answer = turn(asked, file, release, floors);
    if (!answer.go) return;
    const within = Math.floor((answer.startWithinSeconds * 1000) / ROUND_MS);
    host.startsIn = Math.ceil(this.random() * within);
    host.startsBy = file.serial;
    host.watch = Math.ceil((answer.soakSeconds * 1000) / ROUND_MS);
  }

  #fly(host: SimHost): void {
    if (host.truth === 'stalled') return;
    if (this.random() < this.weather.failing) {
      const roll = this.random();
      if (roll < 0.4) host.truth = 'reverted';
      else if (roll < 0.6) host.truth = 'stalled';
      else if (roll < 0.8) host.report = true;
      else host.off = Infinity;
      return;
    }
    host.watch -= 1;
    host.truth = host.watch <= 0 ? 'accepted' : 'soaking';
  }

  #checkIn(host: SimHost): void {
    host.silentRounds = 0;
    const { number, sha256, buildId } = this.rollout.release;
    const standings = [null, 'loading', 'soaking', 'accepted', 'stalled'] as const;
    const lie = host.lies && this.random() < 0.3;
    const standing = lie ? standings[Math.floor(this.random() * standings.length)]! : host.truth;
    host.said = {
      ...{
        id: host.id,
        buildId,
        ring: host.ring,
        labels: host.labels,
        failed: [],
        health: 'good',
        refuses: false,
        doubted: false,
        silentMs: 0,
      },
      current: standing === null ? null : { number, sha256, standing },
      reports: host.report && host.truth !== 'reverted' ? ['BUG:sim'] : [],
    };
  }
}

/** Is this honest host between load and acceptance, in truth? */
export function isFlying({ truth, lies }: SimHost): boolean {
  return !lies && truth !== null && FLIGHT.has(truth);
}

/** What a round's observations say failed, counted apart from the planner. */
export function failedIn(fleet: SimFleet): string[] {
  const { deadManSeconds } = fleet.rollout.policy;
  return fleet
    .observations()
    .filter(({ current, reports, silentMs }) => {
      if (current === null) return false;
      if (['reverted', 'quarantined', 'stalled'].includes(current.standing) || reports.length > 0) return true;
      return FLIGHT.has(current.standing) && silentMs > deadManSeconds * 1000;
    })
    .map(({ id }) => id);
}
