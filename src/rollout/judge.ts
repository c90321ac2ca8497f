import { boundOf, type HostFailure, type Rollout, type RolloutState, type StopCode } from '#domain';
import type { Member } from './members.ts';
import { MAX_ERROR_HOSTS } from './policy-file.ts';
import { hasControl, soakOf, treatedShare } from './stages.ts';

/** Failures that are kept; a rollout that has so many cannot be resumed. */
export const MAX_FAILURES = 2 * MAX_ERROR_HOSTS;
const SHOWN = 10;

export interface Stop {
  readonly code: StopCode;
  readonly why: string;
  readonly evidence: readonly string[];
}

/** Failures known before and new ones: once counted, a host counts, whatever it says later. */
export function collectFailures(state: RolloutState, members: readonly (readonly Member[])[]): readonly HostFailure[] {
  const known = new Set(state.failures.map(({ host }) => host));
  const fresh = members.flatMap((ring) =>
    ring.flatMap(({ host, failure }) =>
      failure === null || known.has(host.id) ? [] : [{ host: host.id, ...failure }],
    ),
  );
  return fresh.length === 0 ? state.failures : [...state.failures, ...fresh].slice(0, MAX_FAILURES);
}

/** `1 host`, `2 hosts` */
export function hostsText(number: number): string {
  return `${number} ${number === 1 ? 'host' : 'hosts'}`;
}

export function failureText({ host, what }: HostFailure): string {
  return `${host} ${what}`;
}

/** Whether the failures halt the rollout: by their number, or by their share once enough hosts have started. */
export function judgeFailures({ policy, state }: Rollout, members: readonly (readonly Member[])[]): Stop | null {
  const { errorHosts, errorPercent, sample } = policy.thresholds;
  const fresh = state.failures.slice(state.acknowledged);
  if (fresh.length === 0) return null;
  const evidence = fresh.slice(-SHOWN).map(failureText);
  if (fresh.length >= errorHosts)
    return { code: 'error-hosts', why: `${hostsText(fresh.length)} failed; ${errorHosts} halt it`, evidence };
  const started = sum(members, (member) => member.class !== 'idle' && member.class !== 'beyond');
  const percent = (fresh.length / started) * 100;
  if (started < sample || percent < errorPercent) return null;
  const why = `${fresh.length} of ${started} hosts that started failed (${percent.toFixed(2)} %); ${errorPercent} % halt it`;
  return { code: 'error-percent', why, evidence };
}

function sum(members: readonly (readonly Member[])[], test: (member: Member) => boolean): number {
  return members.reduce((total, ring) => total + count(ring, test), 0);
}

function count(ring: readonly Member[], test: (member: Member) => boolean): number {
  return ring.reduce((total, member) => total + (test(member) ? 1 : 0), 0);
}

/** Bad health of the hosts that have the release, and of the control group of the same ring at the same time. */
export interface Comparison {
  readonly treated: { readonly bad: number; readonly of: number };
  readonly control: { readonly bad: number; readonly of: number };
}

export function compare(rollout: Rollout, ring: readonly Member[]): Comparison {
  const bound = boundOf(treatedShare(rollout.policy.rings[rollout.state.ring]!));
  const answered = ring.filter(({ host, silent }) => !host.doubted && (silent || host.health !== 'unknown'));
  const group = (members: readonly Member[]): Comparison['treated'] => ({
    bad: count(members, ({ host, silent }) => silent || host.health === 'bad'),
    of: members.length,
  });
  return {
    treated: group(answered.filter(({ class: kind, position }) => position < bound && kind === 'accepted')),
    control: group(answered.filter(({ class: kind, position }) => position >= bound && kind === 'idle')),
  };
}

/** What the current step shows. */
export interface Conclusion {
  /** `reached`: enough accepted, so that its soak counts. */
  readonly reached: boolean;
  /** Nothing is left to wait for but the soak. */
  readonly conclusive: boolean;
  readonly stop: Stop | null;
  readonly why: string;
  readonly evidence: readonly string[];
}

/** Judges the step that is open. Too few hosts, or too few answers, prove nothing: then it is not `reached`, or not `conclusive`. */
export function conclude(rollout: Rollout, ring: readonly Member[]): Conclusion {
  const { policy, state } = rollout;
  const { success, sample } = policy.thresholds;
  const held = new Set(state.held);
  const bound = boundOf(state.share);
  const step = ring.filter(
    ({ position, class: kind, host }) =>
      position < bound && kind !== 'beyond' && !(kind === 'idle' && host.refuses) && !held.has(host.id),
  );
  const accepted = count(step, ({ class: kind, silent, host }) => kind === 'accepted' && !silent && !host.doubted);
  // A host that is silent and never started is none that can be waited for; one that began and is silent is.
  // One whose word is not believed proves nothing either way, unless it failed.
  const reachable = count(
    step,
    ({ class: kind, silent, host }) => !(silent && kind === 'idle') && (kind === 'failed' || !host.doubted),
  );
  // Nor can one be waited for whose rack or quorum has no room because others are out.
  const counted = Math.max(0, reachable - state.stuck);
  const percent = counted === 0 ? 0 : (accepted / counted) * 100;
  const evidence = [
    `${accepted} of ${counted} reachable hosts accepted (${percent.toFixed(1)} %; ${success} % wanted, and ${sample} hosts)`,
    `${count(step, ({ class: kind }) => kind === 'flight')} in flight, ${count(step, ({ silent }) => silent)} silent, ${state.stuck} wait for hosts that are out, ${state.failures.length} failed`,
  ];
  const enough = state.waived || accepted >= sample;
  const reached = enough && (counted === 0 ? state.waived : percent >= success);
  const judged = controlOf(rollout, ring);
  const why = !enough
    ? `${hostsText(accepted)} accepted, ${sample} are needed`
    : !reached
      ? `${percent.toFixed(1)} % accepted, ${success} % are needed`
      : (judged.missing ?? soakText(rollout));
  return {
    ...{ reached, conclusive: reached && judged.missing === null, stop: judged.stop, why },
    evidence: [...evidence, ...judged.evidence],
  };
}

function soakText(rollout: Rollout): string {
  const left = Math.max(0, soakOf(rollout) - rollout.state.soakedMs);
  return `soaks ${Math.ceil(left / 1000)} s more`;
}

interface ControlJudgement {
  /** Why the groups cannot be compared; null: they can, or there is no control group here. */
  readonly missing: string | null;
  readonly stop: Stop | null;
  readonly evidence: readonly string[];
}

function controlOf(rollout: Rollout, ring: readonly Member[]): ControlJudgement {
  if (!hasControl(rollout)) return { missing: null, stop: null, evidence: [] };
  const { sample, worsePercent } = rollout.policy.thresholds;
  const { treated, control } = compare(rollout, ring);
  const evidence = [
    `bad health: ${treated.bad} of ${treated.of} with the release, ${control.bad} of ${control.of} without it`,
  ];
  const few = treated.of < sample ? `${hostsText(treated.of)} with the release` : `${control.of} of the control group`;
  if (treated.of < sample || control.of < sample) {
    const missing = rollout.state.waived ? null : `only ${few} answered, ${sample} are needed`;
    return { missing, stop: null, evidence };
  }
  const worse = (treated.bad / treated.of - control.bad / control.of) * 100;
  if (worse <= worsePercent) return { missing: null, stop: null, evidence };
  const why = `hosts with the release are in bad health by ${worse.toFixed(1)} points more than the control group; ${worsePercent} halt it`;
  return { missing: null, stop: { code: 'worse-than-control', why, evidence }, evidence };
}
