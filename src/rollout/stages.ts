import { type Pace, type Rollout, type RolloutPolicy, type RolloutRing, type RolloutStage, WHOLE } from '#domain';

/** The share of a ring that does not belong to its control group. The control group are the last: who it is, is chance. */
export function treatedShare({ control }: RolloutRing): number {
  return WHOLE - Math.round(control * 100);
}

/** Shares that a ring stops at, rising: its steps as far as the control group lets them, then that group. */
function targets(ring: RolloutRing): readonly { readonly share: number; readonly soakSeconds: number }[] {
  const limit = treatedShare(ring);
  const steps = ring.steps.map(({ percent, soakSeconds }) => ({
    share: Math.min(Math.round(percent * 100), limit),
    soakSeconds,
  }));
  const distinct = steps.filter(({ share }, at) => share > (steps[at - 1]?.share ?? 0));
  return limit === WHOLE ? distinct : [...distinct, { share: WHOLE, soakSeconds: ring.steps.at(-1)!.soakSeconds }];
}

/**
 * The step after this one; null: there is none. Never more than the largest share of the floors at a time, whatever the policy
 * says: longer steps are taken in several.
 */
export function nextStage(
  { rings }: RolloutPolicy,
  { largestShare }: Pace,
  { ring, share }: RolloutStage,
): RolloutStage | null {
  const current = rings[ring];
  if (current === undefined) return null;
  const next = targets(current).find((target) => target.share > share);
  if (next !== undefined) return { ring, share: Math.min(next.share, share + Math.max(1, largestShare)) };
  const [first] = rings[ring + 1] === undefined ? [] : targets(rings[ring + 1]!);
  return first === undefined ? null : { ring: ring + 1, share: Math.min(first.share, Math.max(1, largestShare)) };
}

/** Milliseconds that the current step soaks: as the policy says, nothing once two people hurry it, never less than the floor. */
export function soakOf({ policy, floors, state }: Pick<Rollout, 'policy' | 'floors' | 'state'>): number {
  const ring = policy.rings[state.ring]!;
  const step = targets(ring).find(({ share }) => share >= state.share);
  const asked = state.expedited === null ? (step?.soakSeconds ?? 0) : 0;
  return Math.max(asked, floors.leastSoakSeconds) * 1000;
}

/** Is a control group still without the release in the ring that is being opened? */
export function hasControl({ policy, state }: Pick<Rollout, 'policy' | 'state'>): boolean {
  const ring = policy.rings[state.ring]!;
  return ring.control > 0 && state.share <= treatedShare(ring);
}

/** `canary 50 %` */
export function stageText({ policy, state }: Pick<Rollout, 'policy' | 'state'>): string {
  return `${policy.rings[state.ring]!.name} ${state.share / 100} %`;
}
