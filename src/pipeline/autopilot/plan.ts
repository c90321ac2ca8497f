import type { ApprovalState, CveId, Policy, PriorityClass } from '#domain';

/** Why something waits for a person, and the nearest remedy. */
export interface Reason {
  readonly code: string;
  readonly why: string;
  readonly remedy: string;
}

/** What is known of the fix of a CVE for one kernel. `key` changes with the texts of its commits and with the kernel. */
export type FixState =
  | ({ readonly state: 'missing' } & Reason)
  | { readonly state: 'untried'; readonly key: string }
  | ({ readonly state: 'refused'; readonly key: string } & Reason)
  | { readonly state: 'ready'; readonly key: string };

/** A CVE that affects the kernel. */
export interface Candidate {
  readonly cve: CveId;
  readonly class: PriorityClass | null;
  readonly weight: number;
  /** Why a person took its fix back for this kernel; null: nobody did. */
  readonly held: string | null;
  readonly fix: FixState;
}

/** A livepatch that the machine built. */
export interface KnownBuild {
  readonly livepatch: string;
  /** As `wantedOf` makes it. */
  readonly wanted: string;
  readonly cves: readonly CveId[];
  /** `refused`: there is no livepatch, the set could not be built. */
  readonly state: 'built' | 'proved' | 'failed' | 'refused';
  readonly reason: Reason | null;
}

/** All that a decision is made from. */
export interface Observed {
  readonly policy: Policy;
  readonly isQuiet: boolean;
  /** In everyone's order. */
  readonly candidates: readonly Candidate[];
  /** Newest first. */
  readonly builds: readonly KnownBuild[];
}

/**
 * Where a CVE stands. `task`: a person is needed. `waiting`: it comes by itself. `proved`: a livepatch waits for approval.
 * `approved`: it can be published.
 */
export interface Item {
  readonly cve: CveId;
  readonly stage: 'task' | 'waiting' | 'building' | 'proving' | 'proved' | 'approved';
  readonly why: string;
  readonly code: string | null;
  readonly remedy: string | null;
  readonly livepatch: string | null;
  /** How far a proved livepatch is approved; null: there is none, or its record cannot be believed. */
  readonly approval: ItemApproval | null;
}

export interface ItemApproval extends Pick<ApprovalState, 'needed' | 'counted' | 'accept' | 'missing'> {
  /** `waits for approval (1 of 2)` */
  readonly state: string;
}

export type Step =
  | { readonly do: 'prove'; readonly livepatch: string }
  | { readonly do: 'try'; readonly cve: CveId }
  | { readonly do: 'build'; readonly cves: readonly CveId[]; readonly wanted: string };

export interface Plan {
  /** What to do next; null: nothing until something changes. */
  readonly step: Step | null;
  readonly items: readonly Item[];
}

type Ready = Candidate & { readonly fix: Extract<FixState, { state: 'ready' }> };

/** A set of fixes as one word: the same CVEs with the same texts for the same kernel. */
export function wantedOf(fixes: readonly { readonly cve: CveId; readonly key: string }[]): string {
  return fixes
    .map(({ cve, key }) => `${cve} ${key}`)
    .toSorted()
    .join('\n');
}

/**
 * Decides what to do next for one kernel, and where each CVE stands. Fixes are tried one by one, because one that cannot be
 * built must not keep the others out; then all that can be are built into one livepatch, and proved. A set that failed is
 * not tried again: the livepatch grows by halves of what is new, until the one that fails stands alone. What is urgent waits
 * for none of that: it is tried, built and proved with what was proved before, ahead of all that is new and not urgent.
 */
export function planKernel(observed: Observed): Plan {
  const taken = observed.candidates.filter((candidate) => isTaken(candidate, observed.policy));
  const set = nextSet(observed, taken.filter(isReady));
  return { step: nextStep(observed, taken, set), items: itemsOf(observed, new Set(taken), set) };
}

function isTaken({ class: kind, weight, held }: Candidate, { leastWeight, exploitedAlways }: Policy): boolean {
  if (held !== null || kind === 'accepted' || kind === 'rejected') return false;
  return weight >= leastWeight || (exploitedAlways && kind === 'exploited');
}

function isReady(candidate: Candidate): candidate is Ready {
  return candidate.fix.state === 'ready';
}

function isUrgent({ class: kind }: Candidate, { exploitedAlways }: Policy): boolean {
  return exploitedAlways && kind === 'exploited';
}

interface NextSet {
  readonly wanted: string;
  readonly members: readonly Ready[];
  /** Members that no proved livepatch has. */
  readonly fresh: readonly Ready[];
  /** Alone in what was new of a set that failed. */
  readonly culprits: ReadonlyMap<CveId, Reason>;
  /** The build of this very set. */
  readonly build: KnownBuild | undefined;
}

function nextSet({ policy, builds }: Observed, ready: readonly Ready[]): NextSet {
  const culprits = new Map<CveId, Reason>();
  const proved = builds.find(({ state }) => state === 'proved');
  const has = ({ cve, fix: { key } }: Ready): boolean => proved?.wanted.split('\n').includes(`${cve} ${key}`) === true;
  const old = ready.filter(has);
  let left = ready.filter((one) => !has(one));
  let fresh = urgentFirst(left, policy);
  for (;;) {
    const members = [...old, ...fresh];
    const wanted = wantedOf(members.map(({ cve, fix }) => ({ cve, key: fix.key })));
    const build = builds.find((one) => one.wanted === wanted);
    const failed = build?.state === 'failed' || build?.state === 'refused';
    if (!failed || fresh.length === 0) return { wanted, members, fresh, culprits, build };
    const [first] = fresh;
    if (fresh.length === 1) {
      culprits.set(
        first!.cve,
        build.reason ?? { code: 'proof-failed', why: 'its proof failed', remedy: 'read the log' },
      );
      left = left.filter((one) => one !== first);
      fresh = urgentFirst(left, policy);
    } else fresh = fresh.slice(0, Math.ceil(fresh.length / 2));
  }
}

/** What a livepatch grows by: the urgent ones alone, if there are any. */
function urgentFirst(fresh: readonly Ready[], policy: Policy): readonly Ready[] {
  const urgent = fresh.filter((candidate) => isUrgent(candidate, policy));
  return urgent.length > 0 ? urgent : fresh;
}

function nextStep(observed: Observed, taken: readonly Candidate[], set: NextSet): Step | null {
  const urgent = taken.filter((candidate) => isUrgent(candidate, observed.policy));
  const isSetUrgent = set.fresh.some((candidate) => isUrgent(candidate, observed.policy));
  const mayRun = !observed.isQuiet || isSetUrgent;
  if (set.build?.state === 'built' && mayRun) return { do: 'prove', livepatch: set.build.livepatch };
  const build = mayRun ? buildStep(observed, set) : null;
  return tryStep(urgent) ?? (isSetUrgent ? build : null) ?? (observed.isQuiet ? null : (tryStep(taken) ?? build));
}

function tryStep(candidates: readonly Candidate[]): Step | null {
  const untried = candidates.find(({ fix }) => fix.state === 'untried');
  return untried === undefined ? null : { do: 'try', cve: untried.cve };
}

function buildStep(observed: Observed, set: NextSet): Step | null {
  if (set.members.length === 0 || set.build !== undefined || !isGathered(observed, set)) return null;
  return { do: 'build', cves: set.members.map(({ cve }) => cve), wanted: set.wanted };
}

/** Enough is new; or the newest livepatch has something that does not belong into it any more. */
function isGathered({ policy, builds }: Observed, { fresh, members }: NextSet): boolean {
  const proved = builds.find(({ state }) => state === 'proved');
  if (fresh.length === 0) return proved !== undefined && proved.cves.length > members.length;
  return fresh.length >= policy.gather || fresh.some((candidate) => isUrgent(candidate, policy));
}

const RELEASE = 'when it is in order again: "tuxtape pipeline release"';

function itemsOf(observed: Observed, taken: ReadonlySet<Candidate>, set: NextSet): Item[] {
  return observed.candidates.map((candidate) => {
    const { cve, fix } = candidate;
    const item = (stage: Item['stage'], why: string, more: Partial<Item> = {}): Item => ({
      ...{ cve, stage, why, code: null, remedy: null, livepatch: null, approval: null },
      ...more,
    });
    if (candidate.held !== null)
      return item('task', `its fix was taken back: ${candidate.held}`, { code: 'held', remedy: RELEASE });
    if (!taken.has(candidate)) return item('waiting', notTaken(candidate, observed.policy));
    const culprit = set.culprits.get(cve);
    if (culprit !== undefined) return item('task', culprit.why, culprit);
    if (fix.state === 'missing' || fix.state === 'refused')
      return item('task', fix.why, { code: fix.code, remedy: fix.remedy });
    if (fix.state === 'untried') return item('waiting', later(observed, 'its fix is to be tried'));
    const proved = observed.builds.find(
      ({ state, wanted }) => state === 'proved' && wanted.includes(`${cve} ${fix.key}`),
    );
    if (proved !== undefined) return item('proved', 'proved', { livepatch: proved.livepatch });
    const isIn = set.members.some((member) => member.cve === cve);
    if (isIn && set.build?.state === 'built')
      return item('proving', later(observed, 'built; its proof is next'), { livepatch: set.build.livepatch });
    if (!isIn || isGathered(observed, set)) return item('building', later(observed, 'it goes into the next livepatch'));
    return item('waiting', `its fix can be built; waits until ${observed.policy.gather} CVEs are new`);
  });
}

function notTaken({ class: kind, weight }: Candidate, { leastWeight }: Policy): string {
  if (kind === 'accepted') return 'a person took the risk';
  if (kind === 'rejected') return 'the CVE was rejected';
  return `its weight, ${weight.toFixed(1)}, is below the ${leastWeight} of the policy`;
}

function later({ isQuiet }: Observed, what: string): string {
  return isQuiet ? `${what}, after the quiet hours` : what;
}
