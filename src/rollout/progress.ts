import { isInWindows, type PlanStep, type Rollout } from '#domain';
import { stopped } from './commands.ts';
import { collectFailures, conclude, judgeFailures, type Stop } from './judge.ts';
import type { Member } from './members.ts';
import { nextStage, soakOf, stageText } from './stages.ts';

/** Time that nobody watched is no soak: of a longer gap between two rounds only so much counts. */
export const MAX_GAP_MS = 300_000;

export interface Moved {
  readonly rollout: Rollout;
  readonly steps: readonly PlanStep[];
}

/** Time passes: all of it for the dead and the closing, and for a running rollout's step while hosts may start. */
export function pass(rollout: Rollout, elapsedMs: number, now: Date): Rollout {
  const { state } = rollout;
  const watched = Math.min(Math.max(0, elapsedMs), MAX_GAP_MS);
  const watchedMs = state.watchedMs + watched;
  const openMs = state.openMs + (state.phase === 'running' && mayStart(rollout, now) ? watched : 0);
  const closing = state.closing.filter(({ untilMs }) => untilMs > watchedMs);
  return { ...rollout, state: { ...state, watchedMs, openMs, closing } };
}

/** Windows are for people: two of them may decide that it does not wait. */
export function mayStart({ policy, state }: Rollout, now: Date): boolean {
  return state.expedited !== null || isInWindows(policy.windows, now);
}

/** Takes in what hosts say: stops at once where it must, and goes to the next step where everything speaks for it. */
export function progress(rollout: Rollout, members: readonly (readonly Member[])[], soakedMs: number): Moved {
  if (rollout.state.phase === 'draft' || rollout.state.phase === 'recalled') return { rollout, steps: [] };
  const seen = { ...rollout, state: { ...rollout.state, failures: collectFailures(rollout.state, members) } };
  const failed = seen.state.phase === 'halted' ? null : judgeFailures(seen, members);
  if (failed !== null) return halt(seen, failed);
  return seen.state.phase === 'running'
    ? step(seen, members[seen.state.ring] ?? [], soakedMs)
    : { rollout: seen, steps: [] };
}

function halt(rollout: Rollout, { code, why, evidence }: Stop): Moved {
  const state = stopped(rollout, 'halted', code, why);
  const what = 'halts: no host starts in any ring';
  return { rollout: { ...rollout, state }, steps: [{ rollout: rollout.id, do: 'halt', what, why, evidence }] };
}

function step(rollout: Rollout, ring: readonly Member[], elapsedMs: number): Moved {
  const found = conclude(rollout, ring);
  if (found.stop !== null) return halt(rollout, found.stop);
  const watched = Math.min(Math.max(0, elapsedMs), MAX_GAP_MS);
  // The round in which it is reached counts nothing: when it was reached in it, nobody saw.
  const soakedMs = found.reached ? rollout.state.soakedMs + (rollout.state.reached ? watched : 0) : 0;
  const soaking = { ...rollout, state: { ...rollout.state, soakedMs, reached: found.reached } };
  const needed = soakOf(soaking);
  const { id, policy } = rollout;
  if (found.conclusive && soakedMs >= needed) return advance(soaking, found.evidence);
  if (soaking.state.openMs > policy.patienceSeconds * 1000 + needed) {
    const why = `${stageText(soaking)} is inconclusive: ${found.why}`;
    const state = stopped(soaking, 'paused', 'inconclusive', why);
    const what = 'pauses: no host starts until a person decides';
    return {
      rollout: { ...soaking, state },
      steps: [{ rollout: id, do: 'pause', what, why, evidence: found.evidence }],
    };
  }
  // Said with the soak that is left as of now.
  const why = conclude(soaking, ring).why;
  const what = `waits at ${stageText(soaking)}`;
  return { rollout: soaking, steps: [{ rollout: id, do: 'wait', what, why, evidence: found.evidence }] };
}

function advance(rollout: Rollout, evidence: readonly string[]): Moved {
  const { id, policy, floors, state } = rollout;
  const next = nextStage(policy, floors, state);
  const why = `${stageText(rollout)} soaked ${Math.floor(state.soakedMs / 1000)} s without trouble`;
  if (next === null) {
    const done = { ...rollout, state: { ...state, phase: 'done' as const, soakedMs: 0, openMs: 0, waived: false } };
    const what = 'is done: every ring is open, late joiners get it, and it is watched on';
    return { rollout: done, steps: [{ rollout: id, do: 'finish', what, why, evidence }] };
  }
  const fresh = { soakedMs: 0, openMs: 0, waived: false, reached: false };
  const on = { ...rollout, state: { ...state, ...next, ...fresh } };
  const step: PlanStep = { rollout: id, do: 'advance', what: `goes on to ${stageText(on)}`, why, evidence };
  return { rollout: on, steps: [step] };
}
