import { MAX_ENTRIES, type Rollout, type RolloutEntry } from '#domain';
import { hasCaps } from './room.ts';

/** What the signed file says of a rollout; null: nothing yet. */
export function entryOf(rollout: Rollout): RolloutEntry | null {
  const { id, release, policy, floors, state } = rollout;
  // What a newer release replaced is neither open nor stopped: hosts that are at it go on.
  if (state.phase === 'draft' || (state.phase === 'recalled' && state.stop?.code === 'superseded')) return null;
  const isOpen = state.phase === 'running' || state.phase === 'done';
  return {
    ...{ id, number: release.number, sha256: release.sha256 },
    state: isOpen ? 'open' : state.phase === 'paused' ? 'paused' : 'halted',
    onHalt: policy.onHalt,
    counted: hasCaps(policy),
    soakSeconds: Math.max(policy.watchSeconds, floors.leastSoakSeconds),
    startWithinSeconds: policy.startWithinSeconds,
    windows: state.expedited === null ? policy.windows : [],
    rings: policy.rings.map(({ name }) => ({ name, open: state.open.find(({ ring }) => ring === name)?.open ?? [] })),
  };
}

/** The entries of one kernel, the newest releases first; what no longer fits is closed by not being there. */
export function entriesOf(rollouts: readonly Rollout[]): RolloutEntry[] {
  return rollouts
    .map(entryOf)
    .filter((entry) => entry !== null)
    .toSorted((a, b) => b.number - a.number)
    .slice(0, MAX_ENTRIES);
}
