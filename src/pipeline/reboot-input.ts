import {
  type CveId,
  type CveStanding,
  inForce,
  type Known,
  type Mitigation,
  type MitigationOffer,
  moduleName,
  noFacts,
  type Precondition,
  planReboot,
  type RebootFacts,
  type RebootInput,
  type RebootPlan,
  type VerdictStatus,
} from '#domain';
import { lintRules } from '#patch';
import {
  type Db,
  decisionsOf,
  findKernel,
  type HostRow,
  hostModulesOf,
  type KernelRow,
  type LivepatchRow,
  listLivepatches,
  trialsOf,
  verdictStatusesOf,
} from '#store';
import { moduleFactsOf } from './modules.ts';

export interface RebootQuestion {
  /** The kernel to change to; null: none is named. */
  readonly target: KernelRow | null;
  /** What hosts said of themselves, by their name. */
  readonly facts: ReadonlyMap<string, RebootFacts>;
  readonly dontWait: boolean;
  /** A host that was not heard of since counts as unknown. */
  readonly silentSince: Date;
  /** Older lists of modules say nothing. */
  readonly listsSince: Date;
  readonly now: Date;
}

/** All that is the same for the hosts of one kernel. */
interface KernelPart {
  readonly kernel: KernelRow;
  readonly verdicts: ReadonlyMap<CveId, VerdictStatus>;
  readonly after: ReadonlyMap<CveId, VerdictStatus>;
  readonly livepatches: readonly LivepatchRow[];
  readonly canLivepatch: ReadonlyMap<CveId, boolean>;
  readonly mitigations: ReadonlyMap<CveId, readonly Mitigation[]>;
  readonly builtIn: ReadonlySet<string> | null;
  /** Modules by host, of lists that are new enough. */
  readonly loaded: ReadonlyMap<string, ReadonlySet<string>>;
  /** By the hash of the livepatch that is loaded. */
  readonly standings: Map<string, Standings>;
}

interface Standings {
  readonly cves: readonly CveStanding[];
  readonly offers: readonly Omit<MitigationOffer, 'works'>[];
}

/**
 * The plan of each host. Hosts of one kernel share its part, and hosts that are alike in all that counts share one plan but for its name:
 * a fleet has few kinds of hosts and a kernel thousands of CVEs.
 */
export async function rebootPlans(db: Db, hosts: readonly HostRow[], question: RebootQuestion): Promise<RebootPlan[]> {
  const parts = new Map<string, KernelPart | null>();
  const kinds = new Map<string, RebootPlan>();
  const plans: RebootPlan[] = [];
  for (const host of hosts) {
    const { buildId } = host;
    if (buildId !== null && !parts.has(buildId)) parts.set(buildId, await kernelPart(db, buildId, question));
    const input = inputOf(host, buildId === null ? null : (parts.get(buildId) ?? null), question);
    const { facts, unknownExposure, mitigations } = input;
    const works = mitigations.map(({ works: { holds } }) => holds);
    const kind = JSON.stringify([buildId, host.stateSha256, host.state, facts, unknownExposure, works]);
    const plan = kinds.get(kind) ?? planReboot(input);
    kinds.set(kind, plan);
    plans.push({ ...plan, host: host.name });
  }
  return plans;
}

async function kernelPart(
  db: Db,
  buildId: string,
  { target, listsSince, now }: RebootQuestion,
): Promise<KernelPart | null> {
  const kernel = await findKernel(db, buildId);
  if (kernel === undefined) return null;
  const lists = await hostModulesOf(db, kernel.id);
  const livepatches = await listLivepatches(db, kernel.id);
  const decisions = await decisionsOf(db, 'all');
  return {
    kernel,
    livepatches,
    standings: new Map(),
    verdicts: await verdictStatusesOf(db, kernel.id),
    after: target === null ? new Map() : await verdictStatusesOf(db, target.id),
    canLivepatch: await livepatchable(db, kernel, livepatches),
    mitigations: new Map(
      [...decisions].map(([cve, all]) => [
        cve,
        all.flatMap((one) => (inForce(one, now) && one.mitigation !== null ? [one.mitigation] : [])),
      ]),
    ),
    builtIn: (await moduleFactsOf(db, kernel))?.builtIn ?? null,
    loaded: new Map(lists.filter(({ at }) => at >= listsSince).map(({ host, modules }) => [host, modules])),
  };
}

/** Refusals that lie in the change itself; any other may end with another fix, an edit or a repaired toolchain, and says nothing. */
const NEVER: ReadonlySet<string> = new Set([
  ...Object.entries(lintRules).flatMap(([code, { level }]) => (level === 'block' ? [code] : [])),
  ...['static-key-unsupported', 'static-call-unsupported', 'section-changed', 'no-fentry', 'init-changed'],
  ...['nothing-left', 'build-input-changed', 'patch-touches-build'],
]);

/** A CVE that is not here: nobody tried. */
async function livepatchable(db: Db, { id }: KernelRow, made: readonly LivepatchRow[]): Promise<Map<CveId, boolean>> {
  const known = new Map<CveId, boolean>();
  for (const { cve, reason } of (await trialsOf(db, id)).values()) {
    if (reason === null) known.set(cve, true);
    else if (NEVER.has(reason.code)) known.set(cve, false);
  }
  for (const { recipe } of made) for (const cve of recipe.cves) known.set(cve, true);
  return known;
}

function inputOf(host: HostRow, part: KernelPart | null, question: RebootQuestion): RebootInput {
  const { target, facts, dontWait } = question;
  const rest = { host: host.name, target: target?.buildId ?? null, facts: facts.get(host.name) ?? noFacts, dontWait };
  const loaded = part === null ? null : loadedLivepatch(host, part);
  const unknownExposure = whyUnknown(host, part, loaded, question);
  if (part === null) return { ...rest, unknownExposure, cves: [], mitigations: [] };
  const { cves, offers } = standingsOf(loaded ?? null, part);
  const mitigations = offers.map((offer) => ({ ...offer, works: worksOn(host, offer.mitigation, part) }));
  return { ...rest, unknownExposure, cves, mitigations };
}

function standingsOf(loaded: LivepatchRow | null, part: KernelPart): Standings {
  const key = loaded?.moduleSha256 ?? '';
  const known = part.standings.get(key);
  if (known !== undefined) return known;
  const closed = new Set<CveId>(loaded?.recipe.cves);
  const cves = [...part.verdicts].map(([cve, status]) => standingOf(cve, status, closed, part));
  const made = { cves, offers: offersFor(cves, part) };
  part.standings.set(key, made);
  return made;
}

/** Undefined: one is loaded that is not known here. */
function loadedLivepatch(
  { state, stateSha256 }: HostRow,
  { livepatches }: KernelPart,
): LivepatchRow | null | undefined {
  // Before it is on for every task, and after it was taken back, it closes nothing.
  if (state !== 'soaking' && state !== 'accepted') return null;
  return livepatches.find(({ moduleSha256 }) => moduleSha256 === stateSha256);
}

function whyUnknown(
  host: HostRow,
  part: KernelPart | null,
  loaded: LivepatchRow | null | undefined,
  { silentSince, target }: RebootQuestion,
): string | null {
  if (host.decommissionedAt !== null) return 'the host was taken away';
  if (host.seenAt === null || host.seenAt < silentSince) return 'the host is silent';
  const doubted = host.flags.filter((flag) => flag === 'cloned' || flag === 'lying');
  if (doubted.length > 0) return `the host is marked ${doubted.join(' and ')}`;
  if (part === null) return `no kernel here has its build-id (${host.buildId ?? 'it did not say one'})`;
  if (part.verdicts.size === 0) return `kernel ${part.kernel.name} was not triaged yet`;
  if (loaded === undefined) return 'the livepatch that it has loaded is not known here';
  if (target !== null && part.after.size === 0) return `kernel ${target.name} was not triaged yet`;
  return null;
}

function standingOf(cve: CveId, status: VerdictStatus, closed: ReadonlySet<CveId>, part: KernelPart): CveStanding {
  const after = part.after.get(cve);
  return {
    cve,
    now:
      status === 'under_investigation'
        ? 'unknown'
        : status !== 'affected'
          ? 'none'
          : closed.has(cve)
            ? 'closed'
            : 'open',
    livepatch: part.canLivepatch.get(cve) ?? null,
    after: after === 'affected' ? 'open' : after === 'fixed' || after === 'not_affected' ? 'none' : 'unknown',
  };
}

function offersFor(cves: readonly CveStanding[], part: KernelPart): Standings['offers'] {
  const offers = new Map<string, { mitigation: Mitigation; cves: CveId[] }>();
  for (const { cve, now } of cves) {
    if (now !== 'open' && now !== 'unknown') continue;
    for (const mitigation of part.mitigations.get(cve) ?? []) {
      const key = JSON.stringify(mitigation);
      const offer = offers.get(key);
      if (offer === undefined) offers.set(key, { mitigation, cves: [cve] });
      else offer.cves.push(cve);
    }
  }
  return [...offers.values()];
}

function worksOn({ name }: HostRow, mitigation: Mitigation, { builtIn, loaded }: KernelPart): Precondition {
  if (mitigation.kind !== 'modprobe-blocklist')
    return { sentence: 'a person decided that it keeps the bug away', holds: true };
  const module = moduleName(mitigation.module);
  const isLoaded = loaded.get(name)?.has(module);
  // What is loaded is not unloaded by a blocklist, and what is part of vmlinux is never loaded.
  const holds: Known =
    builtIn?.has(module) === true || isLoaded === true ? false : isLoaded === false && builtIn !== null ? true : null;
  return { sentence: `module ${module} is a module and not loaded`, holds };
}
