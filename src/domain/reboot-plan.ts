import { type CveId, compareCveIds } from './cve-id.ts';
import type { Mitigation } from './decision.ts';
import type { BuildId } from './kernel.ts';
import type { Known, RebootFacts } from './reboot-facts.ts';
import { hookCondition, isReady, notStopped, type Precondition, type RebootWay, rebootWays } from './reboot-ways.ts';

/** One CVE on one host. */
export interface CveStanding {
  readonly cve: CveId;
  /** `open`: affected, and nothing that is loaded closes it; `closed`: a loaded livepatch does; `none`: not affected; `unknown`: not decided. */
  readonly now: 'open' | 'closed' | 'none' | 'unknown';
  /** Can a livepatch close it? Null: nobody tried. */
  readonly livepatch: Known;
  /** How it would stand under the other kernel, with no livepatch. */
  readonly after: 'open' | 'none' | 'unknown';
}

/** A mitigation that a person decided on. `works`: is it known to keep the bug from being reached on this host? */
export interface MitigationOffer {
  readonly mitigation: Mitigation;
  readonly cves: readonly CveId[];
  readonly works: Precondition;
}

export interface RebootInput {
  readonly host: string;
  /** Why it is not known what the host is exposed to (silent, unknown kernel); null: it is. */
  readonly unknownExposure: string | null;
  readonly cves: readonly CveStanding[];
  readonly mitigations: readonly MitigationOffer[];
  /** The kernel to change to; null: none is named. */
  readonly target: BuildId | null;
  readonly facts: RebootFacts;
  /** Plan for what a livepatch could close, too: the operator does not wait for one. */
  readonly dontWait: boolean;
}

/** Something that would close a CVE, as far as is known. */
export interface Closer {
  readonly by: 'livepatch' | 'kernel' | 'mitigation';
  readonly what: string;
  readonly holds: Known;
}

export interface CveOutlook {
  readonly cve: CveId;
  readonly closers: readonly Closer[];
  /** The one kind of thing that closes it, when all others are known not to; null: there are several, none, or it is not known. */
  readonly onlyBy: Closer['by'] | null;
  /** Does the plan have to close it? Not what a livepatch can close, or may. */
  readonly counted: boolean;
}

export interface PlannedMitigation {
  readonly what: string;
  readonly closes: readonly CveId[];
  readonly preconditions: readonly Precondition[];
}

/** What is to be done. */
export interface Proposal {
  readonly mitigations: readonly PlannedMitigation[];
  readonly way: RebootWay | null;
  /** Of the counted CVEs. */
  readonly closes: readonly CveId[];
  /** Closed by starting the other kernel, and by nothing else. */
  readonly onlySo: readonly CveId[];
}

export interface RebootPlan {
  readonly host: string;
  readonly target: BuildId | null;
  readonly unknownExposure: string | null;
  /** Every CVE that is open on the host. */
  readonly open: readonly CveOutlook[];
  /** Every CVE of which it is not known whether it is. */
  readonly unknown: readonly CveOutlook[];
  /** Not open now, and open under the other kernel (a loaded livepatch is gone with the kernel). */
  readonly opens: readonly CveId[];
  /** Not open now, and not decided for the other kernel: counted as if they were. */
  readonly mayOpen: readonly CveId[];
  readonly ways: readonly RebootWay[];
  readonly mitigations: readonly PlannedMitigation[];
  /** Null: nothing should be done by these means; `why` says so. */
  readonly proposal: Proposal | null;
  readonly why: readonly string[];
}

/**
 * The plan for one host. What it proposes closes most of the CVEs that no livepatch can close, then costs least; every precondition of it is
 * known to hold; and it closes more than it opens.
 */
export function planReboot(input: RebootInput): RebootPlan {
  const cves = input.cves.toSorted((a, b) => compareCveIds(a.cve, b.cve));
  const outlooks = (now: CveStanding['now']): CveOutlook[] =>
    cves.filter((one) => one.now === now).map((one) => outlookOf(one, input));
  const calm = cves.filter(({ now }) => now === 'closed' || now === 'none');
  const open = outlooks('open');
  const opens = calm.filter(({ after }) => after === 'open').map(({ cve }) => cve);
  const mayOpen = calm.filter(({ after }) => after === 'unknown').map(({ cve }) => cve);
  const ways = rebootWays(input.facts, input.target);
  const mitigations = input.mitigations.map((offer) => plannedMitigation(offer, input.facts));
  const parts = { open, opens, mayOpen, ways, mitigations };
  const { proposal, why } = choose(input, parts);
  const { host, target, unknownExposure } = input;
  return { host, target, unknownExposure, unknown: outlooks('unknown'), ...parts, proposal, why };
}

function outlookOf({ cve, livepatch, after }: CveStanding, input: RebootInput): CveOutlook {
  const { target, mitigations, dontWait } = input;
  const closers: Closer[] = [
    { by: 'livepatch', what: 'a livepatch', holds: livepatch },
    {
      by: 'kernel',
      what: target === null ? 'a kernel with the fix' : `build ${target}`,
      holds: target === null || after === 'unknown' ? null : after === 'none',
    },
    ...mitigations
      .filter(({ cves }) => cves.includes(cve))
      .map(({ mitigation, works }) => ({
        by: 'mitigation' as const,
        what: mitigationText(mitigation),
        holds: works.holds,
      })),
  ];
  const kinds = new Set(closers.filter(({ holds }) => holds === true).map(({ by }) => by));
  const [only] = kinds;
  const isSure = kinds.size === 1 && closers.every(({ by, holds }) => by === only || holds === false);
  return { cve, closers, onlyBy: isSure ? (only ?? null) : null, counted: dontWait || livepatch === false };
}

function plannedMitigation(offer: MitigationOffer, facts: RebootFacts): PlannedMitigation {
  return {
    what: mitigationText(offer.mitigation),
    closes: offer.cves,
    preconditions: [offer.works, notStopped(facts), hookCondition('mitigate', facts)],
  };
}

/** In words that name no file. */
export function mitigationText(mitigation: Mitigation): string {
  switch (mitigation.kind) {
    case 'modprobe-blocklist':
      return `module ${mitigation.module} kept out`;
    case 'sysctl':
      return `sysctl ${mitigation.key}=${mitigation.value}`;
    default:
      return `BPF-LSM: ${mitigation.note}`;
  }
}

type Parts = Pick<RebootPlan, 'open' | 'opens' | 'mayOpen' | 'ways' | 'mitigations'>;

function choose(input: RebootInput, parts: Parts): Pick<RebootPlan, 'proposal' | 'why'> {
  if (input.unknownExposure !== null)
    return {
      proposal: null,
      why: [`Exposure is unknown: ${input.unknownExposure}.`, 'Nothing is proposed before it is known.'],
    };
  const counted = parts.open.filter((one) => one.counted);
  const waits = parts.open.length - counted.length;
  const why =
    waits === 0 ? [] : [`${waits} open CVEs are left to livepatches: one closes them, or none was tried yet.`];
  if (counted.length === 0)
    return { proposal: null, why: [...why, 'No open CVE is known to need more than a livepatch.'] };
  const byKernel = counted.filter(({ closers }) => closers.some(({ by, holds }) => by === 'kernel' && holds === true));
  const way = parts.ways.find(isReady) ?? null;
  const alone = proposalOf(counted, [], null, parts);
  const booted = proposalOf(counted, byKernel, way, parts);
  const cost = parts.opens.length + parts.mayOpen.length;
  if (cost > 0)
    why.push(
      `The other kernel opens ${parts.opens.length} CVEs that are not open now, and may open ${parts.mayOpen.length} more.`,
    );
  if (way === null) why.push('No way to another kernel has all its preconditions known to hold.');
  const net = booted.closes.length - cost;
  if (way !== null && byKernel.length > 0 && net > alone.closes.length)
    return { proposal: booted, why: [...why, `${way.name} is the cheapest way that is ready; it closes most.`] };
  if (way !== null && net <= alone.closes.length)
    why.push('Starting the other kernel closes no more than it opens, or than mitigations do.');
  if (alone.closes.length > 0)
    return { proposal: alone, why: [...why, 'Mitigations close as much as can be closed now.'] };
  return { proposal: null, why: [...why, 'So nothing is proposed.'] };
}

/** Mitigations are taken for what the kernel leaves open, each only if it closes more than those before it. */
function proposalOf(
  counted: readonly CveOutlook[],
  byKernel: readonly CveOutlook[],
  way: RebootWay | null,
  { mitigations }: Parts,
): Proposal {
  const closed = new Set(byKernel.map(({ cve }) => cve));
  const wanted = new Set(counted.map(({ cve }) => cve));
  const taken: PlannedMitigation[] = [];
  for (const mitigation of mitigations.filter(isReady)) {
    const adds = mitigation.closes.filter((cve) => wanted.has(cve) && !closed.has(cve));
    if (adds.length === 0) continue;
    for (const cve of adds) closed.add(cve);
    taken.push({ ...mitigation, closes: adds });
  }
  return {
    mitigations: taken,
    way,
    closes: [...closed].toSorted(compareCveIds),
    onlySo: byKernel.filter(({ onlyBy }) => onlyBy === 'kernel').map(({ cve }) => cve),
  };
}
