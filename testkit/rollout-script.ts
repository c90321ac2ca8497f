import {
  type BuildId,
  draftState,
  type HostObservation,
  type HostStanding,
  type Pace,
  type Rollout,
  type RolloutCommand,
  type RolloutFile,
  type RolloutPolicy,
  turn,
  WHOLE,
} from '#domain';
import { type FleetPlan, type Published, planFleet, readPolicy } from '#rollout';

const START = Date.parse('2026-03-02T12:00:00Z');
const HEX = 'abcdef';

/** A policy that a case changes in what it is about. */
const basePolicy = {
  version: 1,
  rings: [{ name: 'canary', steps: [{ percent: 100, soakSeconds: 60 }] }],
  thresholds: { success: 100, errorHosts: 2, errorPercent: 100, sample: 1, worsePercent: 10 },
  ...{ watchSeconds: 30, deadManSeconds: 600, silentSeconds: 600, patienceSeconds: 3600, startWithinSeconds: 60 },
};

export function buildIdOf(number: number): BuildId {
  return HEX[number % HEX.length]!.repeat(40);
}

export function policyOf(changes: object = {}): RolloutPolicy {
  return readPolicy({ ...basePolicy, ...changes }, 'a test');
}

export function rolloutOf(part: Partial<Rollout> & { number?: number } = {}): Rollout {
  const { number = 1, ...rest } = part;
  return {
    id: `r${number}`,
    release: { buildId: buildIdOf(0), number, sha256: String(number % 10).repeat(64) },
    policy: policyOf(),
    floors: { leastSoakSeconds: 0, largestShare: WHOLE },
    state: draftState(),
    ...rest,
  };
}

/** A fleet in memory that follows a script: what people say, what hosts do, and rounds of the planner between. */
export class RolloutScript {
  rollouts: Rollout[];
  readonly hosts = new Map<string, HostObservation & { counted: number | null; seen: number }>();
  readonly archive = new Map<string, RolloutFile>();
  serial = 0;
  #commands: RolloutCommand[] = [];
  #nowMs = START;
  #kept: { rollouts: Rollout[]; serial: number } | null = null;

  constructor(policy: object = {}, floors: Partial<Pace> = {}) {
    const one = rolloutOf({ policy: policyOf(policy) });
    this.rollouts = [{ ...one, floors: { ...one.floors, ...floors } }];
  }

  /** Runs one line; a `round` gives its plan. Throws TypeError for a line that is none. */
  run(line: string): FleetPlan | null {
    const [word = '', ...args] = line.split(/\s+/);
    const script: Record<string, () => FleetPlan | null | void> = {
      host: () => this.#host(args),
      rollout: () => void this.rollouts.push(rolloutOf({ number: Number(args[0]), policy: this.rollouts[0]!.policy })),
      round: () => this.#round(Number(args[0] ?? 0)),
      poll: () => this.#poll(args),
      say: () => this.#change(args[0]!, (host) => withStanding(host, args[1]!, this.#releaseOf(args[2]))),
      silent: () => this.#change(args[0]!, (host) => ({ ...host, silentMs: Number(args[1]) * 1000 })),
      report: () => this.#change(args[0]!, (host) => ({ ...host, reports: [...host.reports, args[1]!] })),
      health: () => this.#change(args[0]!, (host) => ({ ...host, health: args[1] as 'good' })),
      doubt: () => this.#change(args[0]!, (host) => ({ ...host, doubted: true })),
      refuse: () => this.#change(args[0]!, (host) => ({ ...host, refuses: true })),
      gone: () => {
        for (const id of this.#select(args[0]!)) this.hosts.delete(id);
      },
      at: () => void (this.#nowMs = Date.parse(args[0]!)),
      backup: () => void (this.#kept = { rollouts: this.rollouts, serial: this.serial }),
      restore: () => void ({ rollouts: this.rollouts, serial: this.serial } = this.#kept!),
    };
    const own = Object.hasOwn(script, word) ? script[word]!() : this.#say(word, args);
    return own ?? null;
  }

  /** Ids: `all`, `h1`, `h1,h4`, `h1..h9`. */
  #select(text: string): string[] {
    if (text === 'all') return [...this.hosts.keys()];
    return text.split(',').flatMap((part) => {
      const [from, to] = part.split('..').map((id) => Number(id.slice(1)));
      const names = Array.from({ length: (to ?? from!) - from! + 1 }, (_, i) => `h${from! + i}`);
      return names;
    });
  }

  /** `host h1..h5 canary rack=a` */
  #host([ids, ring, ...labels]: string[]): void {
    const pairs = Object.fromEntries(labels.map((label) => label.split('=') as [string, string]));
    for (const id of this.#select(ids!))
      this.hosts.set(id, {
        ...{ id, buildId: buildIdOf(0), ring: ring!, labels: pairs, current: null, failed: [], reports: [] },
        ...{ health: 'good', refuses: false, doubted: false, silentMs: 0, counted: null, seen: 0 },
      });
  }

  #releaseOf(number = '1'): Rollout['release'] {
    return this.rollouts.find(({ release }) => release.number === Number(number))!.release;
  }

  #change(ids: string, change: (host: HostObservation) => HostObservation): void {
    for (const id of this.#select(ids)) this.hosts.set(id, { ...this.hosts.get(id)!, ...change(this.hosts.get(id)!) });
  }

  /** Every host whose turn it is loads; with a word, it says that at once. */
  #poll([standing = 'loading', ids = 'all']: string[]): void {
    for (const id of this.#select(ids)) {
      const host = this.hosts.get(id)!;
      const file = this.archive.get(host.buildId);
      if (file === undefined || host.silentMs > 0 || host.current?.standing === 'loading') continue;
      for (const { release, floors } of this.rollouts.toSorted((a, b) => b.release.number - a.release.number)) {
        const now = new Date(this.#nowMs);
        const isAtIt = host.current !== null && host.current.number >= release.number;
        const answer = turn({ ...host, seenSerial: host.seen, knownMs: Infinity, now }, file, release, floors);
        if (!answer.go || isAtIt) continue;
        this.hosts.set(id, { ...host, seen: file.serial, ...withStanding(host, standing, release) });
        break;
      }
    }
  }

  /** `start ann`, `resume ann 2`, `resume ann 0 inconclusive`, `expedite ann bob`, `hold ann h3`; `@r2` at the end: of that rollout. */
  #say(word: string, args: readonly string[]): void {
    const of = args.find((arg) => arg.startsWith('@'))?.slice(1) ?? 'r1';
    const [by = 'ann', what = '', more = ''] = args.filter((arg) => !arg.startsWith('@'));
    const base = { rollout: of, by, reason: 'as planned' };
    const known: Record<string, object> = {
      resume: { failures: Number(what), inconclusive: more === 'inconclusive' },
      expedite: { second: what },
      hold: { host: what },
      unhold: { host: what },
    };
    if (!['start', 'pause', 'halt', 'recall', ...Object.keys(known)].includes(word))
      throw new TypeError(`"${word}" is no word`);
    this.#commands.push({ ...base, do: word, ...known[word] } as RolloutCommand);
  }

  published(): Published[] {
    return Array.from(this.archive.values(), ({ buildId, serial, rollouts }) => ({
      ...{ buildId, serial, same: serial <= this.serial, rollouts },
    }));
  }

  #round(seconds: number): FleetPlan {
    this.#nowMs += seconds * 1000;
    const plan = planFleet({
      ...{ serial: this.serial, published: this.published(), rollouts: this.rollouts, commands: this.#commands },
      ...{ hosts: [...this.hosts.values()], elapsedMs: seconds * 1000, now: new Date(this.#nowMs) },
    });
    this.#commands = [];
    this.rollouts = [...plan.rollouts];
    this.serial = plan.serial;
    for (const file of plan.files) this.archive.set(file.buildId, file);
    for (const [id, host] of this.hosts)
      if (host.counted === null)
        this.hosts.set(id, { ...host, counted: this.archive.get(host.buildId)?.serial ?? null });
    return plan;
  }
}

function withStanding(host: HostObservation, standing: string, release: Rollout['release']): HostObservation {
  if (standing === 'nothing') return { ...host, current: null };
  const { number, sha256 } = release;
  return { ...host, current: { number, sha256, standing: standing as HostStanding } };
}
