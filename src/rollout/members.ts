import { type FailureKind, type HostObservation, isWithin, positionOf, type Rollout, type RolloutState } from '#domain';

/** Where a host stands in one rollout. `beyond`: it has a newer release, this rollout is nothing to it any more. */
export type MemberClass = 'idle' | 'flight' | 'accepted' | 'failed' | 'beyond';

export interface Member {
  /** Index in the list of hosts. */
  readonly at: number;
  readonly host: HostObservation;
  readonly position: number;
  readonly class: MemberClass;
  /** Why it failed; null: it did not. */
  readonly failure: { readonly kind: FailureKind; readonly what: string } | null;
  /** It said nothing for longer than a host may. */
  readonly silent: boolean;
  /** The published file lets it start. */
  readonly wasOpen: boolean;
  /** It may still start by a file that let it. */
  readonly wasClosing: boolean;
}

export type Positions = (moduleSha256: string, host: string) => number;

/** Positions are remembered: a hash for each of 100,000 hosts in each round would be most of the work. */
export function rememberPositions(): Positions {
  const known = new Map<string, Map<string, number>>();
  return (module, host) => {
    let hosts = known.get(module);
    if (hosts === undefined) known.set(module, (hosts = new Map<string, number>()));
    let position = hosts.get(host);
    if (position === undefined) hosts.set(host, (position = positionOf(module, host)));
    return position;
  };
}

/** Hosts of the rollout's kernel by ring of its policy, each in the order of their positions. */
export function membersOf(rollout: Rollout, hosts: readonly HostObservation[], positions: Positions): Member[][] {
  const { policy, release, state } = rollout;
  const rings = new Map(policy.rings.map(({ name }, at) => [name, at]));
  const members = policy.rings.map((): Member[] => []);
  const openings = policy.rings.map(({ name }) => openingsOf(state, name));
  for (const [at, host] of hosts.entries()) {
    const ring = host.buildId === release.buildId && host.ring !== null ? rings.get(host.ring) : undefined;
    if (ring === undefined) continue;
    members[ring]!.push(memberOf(rollout, at, host, positions(release.sha256, host.id), openings[ring]!));
  }
  for (const ring of members) ring.sort((a, b) => a.position - b.position || (a.host.id < b.host.id ? -1 : 1));
  return members;
}

interface Openings {
  readonly open: RolloutState['open'];
  readonly closing: RolloutState['closing'];
}

function openingsOf({ open, closing, watchedMs }: RolloutState, ring: string): Openings {
  return {
    open: open.filter((opening) => opening.ring === ring),
    closing: closing.filter((opening) => opening.ring === ring && opening.untilMs > watchedMs),
  };
}

function memberOf(rollout: Rollout, at: number, host: HostObservation, position: number, openings: Openings): Member {
  const failure = failureOf(rollout, host);
  return {
    ...{ at, host, position, failure },
    class: failure === null ? classOf(rollout, host) : 'failed',
    silent: isSilent(rollout, host),
    wasOpen: openings.open.some(({ open }) => isWithin(open, position)),
    wasClosing: openings.closing.some(({ open }) => isWithin(open, position)),
  };
}

export function isSilent({ policy }: Rollout, { silentMs }: HostObservation): boolean {
  return !(silentMs <= policy.silentSeconds * 1000);
}

const IN_FLIGHT: ReadonlySet<string> = new Set(['loading', 'transitioning', 'stalled', 'soaking']);

/** Between the start of a load and its end, of whichever release. */
export function isInFlight({ current }: HostObservation): boolean {
  return current !== null && IN_FLIGHT.has(current.standing);
}

function classOf({ release }: Rollout, host: HostObservation): MemberClass {
  const { current } = host;
  if (current === null) return 'idle';
  if (current.sha256 === release.sha256) return isInFlight(host) ? 'flight' : 'accepted';
  return current.number > release.number ? 'beyond' : 'idle';
}

/** What speaks against the release on this host; a missing answer after the load is no success. */
function failureOf({ release, policy }: Rollout, host: HostObservation): Member['failure'] {
  const { current, failed, reports, silentMs } = host;
  if (current?.sha256 === release.sha256) {
    if (current.standing === 'quarantined')
      return { kind: 'quarantine', what: 'quarantined it: the host went down while it was being tried' };
    if (current.standing === 'reverted') return { kind: 'revert', what: 'took it back' };
    if (current.standing === 'stalled') return { kind: 'stall', what: 'its transition does not end' };
    if (reports.length > 0) return { kind: 'report', what: `its kernel reported ${reports.slice(0, 3).join(', ')}` };
    if (isInFlight(host) && !(silentMs <= policy.deadManSeconds * 1000))
      return { kind: 'dead', what: `silent for ${Math.floor(silentMs / 1000)} s after it began to load` };
  }
  return failed.includes(release.sha256) ? { kind: 'revert', what: 'took it back' } : null;
}
