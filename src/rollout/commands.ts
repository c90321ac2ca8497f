import {
  isHostId,
  isSamePerson,
  type PlanStep,
  type Rollout,
  type RolloutCommand,
  type RolloutPhase,
  type RolloutState,
  type StopCode,
} from '#domain';
import { hostsText, MAX_FAILURES } from './judge.ts';
import { nextStage } from './stages.ts';

/** Hosts a person can hold back in one rollout: each costs a run of positions in the signed file. */
export const MAX_HELD = 256;

/** In which phases a command is taken. */
const allowed: Readonly<Record<RolloutCommand['do'], readonly RolloutPhase[]>> = {
  start: ['draft'],
  pause: ['running', 'done'],
  resume: ['paused', 'halted'],
  halt: ['running', 'paused', 'done'],
  recall: ['draft', 'running', 'paused', 'halted', 'done'],
  expedite: ['draft', 'running', 'paused'],
  hold: ['draft', 'running', 'paused', 'halted', 'done'],
  unhold: ['draft', 'running', 'paused', 'halted', 'done'],
};

/** While the archive is ahead of the store, what waits in the store may have been taken back since: only stops are taken. */
const stops: ReadonlySet<RolloutCommand['do']> = new Set(['pause', 'halt', 'recall', 'hold']);

/** What a command makes of a rollout, as a step of the plan; a command that is not taken changes nothing and says why. */
export function applyCommand(
  rollout: Rollout,
  command: RolloutCommand,
  isFenced: boolean,
): { rollout: Rollout; step: PlanStep } {
  const refusal =
    isFenced && !stops.has(command.do) ? 'the archive is ahead of the store' : refusalOf(rollout, command);
  const { by, reason } = command;
  const base = { rollout: rollout.id, why: `${by}: ${reason}` };
  if (refusal !== null)
    return { rollout, step: { ...base, do: 'refuse', what: `does not ${command.do}: ${refusal}`, evidence: [] } };
  const state = after(rollout, command);
  return {
    rollout: { ...rollout, state },
    step: {
      ...base,
      do: command.do === 'recall' ? 'recall' : 'command',
      what: whatOf(command),
      evidence: [`was ${rollout.state.phase}, is ${state.phase}`],
    },
  };
}

function refusalOf({ state, policy }: Rollout, command: RolloutCommand): string | null {
  if (!allowed[command.do].includes(state.phase)) return `it is ${state.phase}`;
  switch (command.do) {
    case 'resume':
      // What came after they looked, nobody has looked at.
      if (command.failures < state.failures.length)
        return `${hostsText(state.failures.length)} failed, and ${command.failures} were looked at`;
      if (state.failures.length >= MAX_FAILURES) return `${MAX_FAILURES} hosts failed; make another rollout`;
      return state.failures.length - state.acknowledged >= policy.thresholds.errorHosts && state.phase !== 'halted'
        ? 'enough hosts failed to halt it'
        : null;
    case 'expedite':
      if (isSamePerson([command.by], [command.second])) return 'two different people have to ask for it';
      return state.expedited === null ? null : 'it is hurried already';
    case 'hold':
      if (!isHostId(command.host)) return 'this is no id of a host';
      if (state.held.includes(command.host)) return 'the host is held already';
      return state.held.length < MAX_HELD ? null : `${MAX_HELD} hosts are held already`;
    case 'unhold':
      return state.held.includes(command.host) ? null : 'the host is not held';
    default:
      return null;
  }
}

function whatOf(command: RolloutCommand): string {
  switch (command.do) {
    case 'start':
      return 'starts';
    case 'pause':
      return 'pauses: no host starts; what is in flight goes on';
    case 'halt':
      return 'halts: no host starts';
    case 'recall':
      return 'stops every ring for good; taking it off hosts needs a recall signed by the release role';
    case 'resume':
      return `goes on after ${hostsText(command.failures)} failed${command.inconclusive ? ', past a step that proved nothing' : ''}`;
    case 'expedite':
      return `is hurried by ${command.by} and ${command.second}: steps soak no longer than the signed floor, windows do not count`;
    default:
      return `${command.do === 'hold' ? 'holds' : 'lets go'} ${command.host}`;
  }
}

function after({ state, policy, floors }: Rollout, command: RolloutCommand): RolloutState {
  const asked = { code: 'asked' as const, why: `${command.by}: ${command.reason}` };
  switch (command.do) {
    case 'start':
      return { ...state, phase: 'running', ...nextStage(policy, floors, state) };
    case 'pause':
      return { ...state, phase: 'paused', stop: asked };
    case 'halt':
      return { ...state, phase: 'halted', stop: asked };
    case 'recall':
      return { ...state, phase: 'recalled', stop: asked };
    case 'resume':
      return {
        ...{ ...state, phase: 'running', stop: null, soakedMs: 0, openMs: 0, reached: false },
        // A draft that a restored store brought back has not begun.
        ...(state.share === 0 ? nextStage(policy, floors, state) : null),
        acknowledged: state.failures.length,
        waived: command.inconclusive,
      };
    case 'expedite':
      return { ...state, expedited: { by: [command.by, command.second], reason: command.reason } };
    case 'hold':
      return { ...state, held: [...state.held, command.host] };
    default:
      return { ...state, held: state.held.filter((host) => host !== command.host) };
  }
}

/** The rollout stopped, by the machine. */
export function stopped({ state }: Rollout, phase: 'paused' | 'halted', code: StopCode, why: string): RolloutState {
  return { ...state, phase, stop: { code, why } };
}
