import type { BlastCap, HostObservation, RolloutPolicy } from '#domain';

interface Slot {
  readonly name: string;
  total: number;
  used: number;
  /** Hosts among them that cannot be reached. */
  out: number;
  limit: number;
}

/** Does a policy bound how many hosts are touched at a time? Then only hosts that were counted may start. */
export function hasCaps({ caps, mostInFlight }: RolloutPolicy): boolean {
  return caps.length > 0 || mostInFlight !== null;
}

/**
 * How many hosts of each label value may still be touched. A host takes a place while it is touched, may be, or cannot be reached:
 * whoever is out for another reason weakens a rack or a quorum as much as a load does.
 */
export class Room {
  readonly #slots: readonly (readonly Slot[])[];
  readonly #occupied: Uint8Array;

  /** `occupied`: 1 for each host that takes a place already; written to as hosts are admitted. `out`: 1 for those out of reach. */
  constructor(policy: RolloutPolicy, hosts: readonly HostObservation[], occupied: Uint8Array, out: Uint8Array) {
    const slots = new Map<string, Slot>();
    this.#occupied = occupied;
    this.#slots = hosts.map((host) => slotsOf(policy, host, slots));
    for (const [at, own] of this.#slots.entries())
      for (const slot of own) {
        slot.total += 1;
        slot.used += occupied[at]!;
        slot.out += out[at]!;
      }
    for (const { caps, slot } of limits(policy, slots)) slot.limit = limitOf(caps, slot.total);
  }

  /** The cap that keeps a host out, others counted; null: there is room. */
  blocked(at: number): string | null {
    const own = this.#occupied[at]!;
    const full = this.#slots[at]!.find(({ used, limit }) => used - own >= limit);
    return full === undefined ? null : `${full.name} has ${full.used - own} of ${full.limit}`;
  }

  /** Would this host, which can be reached, be kept out even if nobody were in flight? */
  isStuck(at: number): boolean {
    return this.#slots[at]!.some(({ out, limit }) => out >= limit);
  }

  take(at: number): void {
    if (this.#occupied[at] === 1) return;
    this.#occupied[at] = 1;
    for (const slot of this.#slots[at]!) slot.used += 1;
  }
}

const FLEET = 'fleet';

function slotsOf({ caps, mostInFlight }: RolloutPolicy, { labels }: HostObservation, slots: Map<string, Slot>): Slot[] {
  const names = new Set<string>();
  if (mostInFlight !== null) names.add(FLEET);
  for (const { label } of caps) {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
    if (value !== undefined) names.add(`${label} ${value}`);
  }
  return Array.from(names, (name) => {
    let slot = slots.get(name);
    if (slot === undefined) slots.set(name, (slot = { name, total: 0, used: 0, out: 0, limit: 0 }));
    return slot;
  });
}

function* limits(
  { caps, mostInFlight }: RolloutPolicy,
  slots: ReadonlyMap<string, Slot>,
): Generator<{ caps: readonly BlastCap[]; slot: Slot }> {
  for (const [name, slot] of slots) {
    const most = { label: FLEET, hosts: mostInFlight ?? Infinity };
    yield { slot, caps: name === FLEET ? [most] : caps.filter(({ label }) => name.startsWith(`${label} `)) };
  }
}

/** Percent rounded down, at least one: a rack of three under 10 % is patched host by host, not never. */
function limitOf(caps: readonly BlastCap[], total: number): number {
  const each = caps.map((cap) =>
    'hosts' in cap ? cap.hosts : Math.max(1, Math.floor((total * Math.round(cap.percent * 100)) / 10_000)),
  );
  return Math.min(...each);
}
