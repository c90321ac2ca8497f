import { boundOf, isWithin, MAX_SPANS, type RingOpening, type Rollout, type Spans, shareOfRing } from '#domain';
import type { Member } from './members.ts';
import type { Room } from './room.ts';

export interface Admission {
  readonly open: readonly RingOpening[];
  /** Hosts that could start by now but for a cap or a hold, and why; the first few. */
  readonly blocked: readonly string[];
  readonly blockedCount: number;
  /** Those of the ring that is being opened that wait for hosts which cannot be reached, and for nothing else. */
  readonly stuck: number;
  /** Hosts that could start before and cannot any more. */
  readonly closed: number;
  /** Hosts that can start now and could not before. */
  readonly opened: number;
  /** There were more runs of positions than a file takes: the rest waits. */
  readonly cut: boolean;
}

const SHOWN = 5;

/** Marks who takes a place before anybody is admitted: free to start by what is published, now or just before. */
export function occupyOpen(members: readonly (readonly Member[])[], occupied: Uint8Array): void {
  for (const ring of members)
    for (const { at, class: kind, wasOpen, wasClosing } of ring)
      if (kind === 'idle' && (wasOpen || wasClosing)) occupied[at] = 1;
}

/** Which positions are open in each ring: as far as the stage goes, without those for whom there is no room. */
export function admit(rollout: Rollout, members: readonly (readonly Member[])[], room: Room): Admission {
  const held = new Set(rollout.state.held);
  const why = new Map<number, string>();
  const last = Math.min(rollout.state.ring, members.length - 1);
  const regions = members.slice(0, last + 1).map((ring, at) => {
    const bound = boundOf(shareOfRing(rollout.state, at));
    return { bound, name: rollout.policy.rings[at]!.name, ring: ring.filter(({ position }) => position < bound) };
  });
  // Those who can start already keep their place before others get one: nobody is closed for somebody new.
  for (const first of [true, false])
    for (const { ring } of regions)
      for (const member of ring) if (member.wasOpen === first) seat(member, held, room, why);
  let budget = MAX_SPANS;
  let cut = false;
  const open = regions.map(({ name, ring, bound }, at) => {
    // Rings that were opened before leave half of what is left to the one that is being opened.
    const most = at === last ? budget : budget >> 1;
    const runs = runsOf(ring, why, bound);
    const spans = runs.length <= most ? runs : runs.filter(({ admitted }) => admitted).slice(0, most);
    cut ||= spans.length < runs.filter(({ admitted }) => admitted).length;
    budget -= spans.length;
    return { ring: name, open: spans.map(({ from, to }) => [from, to] as const) };
  });
  const current = regions[last]?.ring ?? [];
  const stuck = current.filter(({ at, silent }) => why.has(at) && !silent && room.isStuck(at)).length;
  return { open, cut, stuck, ...changes(members, rollout, open), ...blockedOf(regions, why) };
}

function seat(member: Member, held: ReadonlySet<string>, room: Room, why: Map<number, string>): void {
  if (member.class !== 'idle') return;
  const { host, at } = member;
  const reason = held.has(host.id) ? 'held by a person' : host.refuses ? 'its own level refuses' : room.blocked(at);
  if (reason === null) room.take(at);
  else why.set(at, reason);
}

interface Run {
  readonly from: number;
  readonly to: number;
  readonly admitted: boolean;
}

/** Runs of positions between those that must stay closed. A run in which nobody is known is left out, but for the last. */
function runsOf(ring: readonly Member[], closed: ReadonlyMap<number, string>, bound: number): Run[] {
  const shut = new Set(ring.filter(({ at }) => closed.has(at)).map(({ position }) => position));
  const runs: Run[] = [];
  let from = 0;
  let known = false;
  let admitted = false;
  const end = (to: number, isLast: boolean): void => {
    if (from < to && (known || isLast)) runs.push({ from, to, admitted: admitted });
    known = false;
    admitted = false;
  };
  for (const { position, class: kind } of ring) {
    if (shut.has(position)) {
      end(position, false);
      from = position + 1;
    } else {
      known = true;
      admitted ||= kind === 'idle';
    }
  }
  end(bound, true);
  return runs;
}

function changes(
  members: readonly (readonly Member[])[],
  { policy }: Rollout,
  open: readonly RingOpening[],
): Pick<Admission, 'closed' | 'opened'> {
  const spans = new Map<string, Spans>(open.map((opening) => [opening.ring, opening.open]));
  let closed = 0;
  let opened = 0;
  for (const [at, ring] of members.entries()) {
    const now = spans.get(policy.rings[at]!.name) ?? [];
    for (const { class: kind, wasOpen, position } of ring) {
      if (kind !== 'idle') continue;
      const isOpen = isWithin(now, position);
      if (wasOpen && !isOpen) closed += 1;
      if (!wasOpen && isOpen) opened += 1;
    }
  }
  return { closed, opened };
}

function blockedOf(
  regions: readonly { readonly ring: readonly Member[] }[],
  why: ReadonlyMap<number, string>,
): Pick<Admission, 'blocked' | 'blockedCount'> {
  const blocked = regions
    .flatMap(({ ring }) => ring.filter(({ at }) => why.has(at)).slice(0, SHOWN))
    .slice(0, SHOWN)
    .map(({ at, host }) => `${host.id} waits: ${why.get(at)!}`);
  return { blocked, blockedCount: why.size };
}
