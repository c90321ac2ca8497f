import type { BuildId } from './kernel.ts';
import { factQuestions, type Known, type RebootAction, type RebootFactName, type RebootFacts } from './reboot-facts.ts';

/** One condition of an action: the sentence that has to be true, and whether it is. */
export interface Precondition {
  readonly sentence: string;
  readonly holds: Known;
}

/**
 * What the work of a host loses, the least first. `nothing`: it is paused; `connections`: peers may give up meanwhile; `place`: it starts
 * anew on other machines; `processes`: it ends and starts anew here.
 */
export const losses = ['nothing', 'connections', 'place', 'processes'] as const;
export type Loss = (typeof losses)[number];

/** One way to another kernel: what is done with the work, how the kernel is started, what is done after. */
export interface RebootWay {
  /** E.g. `checkpoint+kexec`. */
  readonly name: string;
  readonly actions: readonly RebootAction[];
  readonly loses: Loss;
  /** Seconds for which the work does not answer; null: not known. */
  readonly pauseSeconds: number | null;
  readonly preconditions: readonly Precondition[];
}

interface Shape {
  readonly before: readonly RebootAction[];
  readonly after: readonly RebootAction[];
  readonly loses: Loss;
  readonly asks: readonly RebootFactName[];
}

/** With the work moved away, starting the kernel is no pause of it. */
const shapes: readonly Shape[] = [
  { before: ['migrate'], after: ['return'], loses: 'nothing', asks: ['guestsMovable', 'roomElsewhere'] },
  { before: ['checkpoint'], after: ['restore'], loses: 'connections', asks: ['checkpointable', 'imageRoom'] },
  { before: ['drain'], after: ['return'], loses: 'place', asks: ['scheduled', 'roomElsewhere'] },
  { before: [], after: [], loses: 'processes', asks: ['interruptible'] },
];
const movesAway = new Set<RebootAction>(['migrate', 'drain']);

/** All ways from the running kernel to `target`, the cheapest first: least lost, then the shortest pause (one that is not known comes last). */
export function rebootWays(facts: RebootFacts, target: BuildId | null): readonly RebootWay[] {
  const ways = shapes.flatMap((shape) =>
    (['kexec', 'reboot'] as const).map((boot) => wayOf(shape, boot, facts, target)),
  );
  return ways.toSorted(compareWays);
}

/** Are all its preconditions known to hold? */
export function isReady({ preconditions }: Pick<RebootWay, 'preconditions'>): boolean {
  return preconditions.every(({ holds }) => holds === true);
}

function wayOf(shape: Shape, boot: 'kexec' | 'reboot', facts: RebootFacts, target: BuildId | null): RebootWay {
  const { before, after, loses, asks } = shape;
  const actions = [...before, boot, ...after];
  return {
    name: [...before, boot].join('+'),
    actions,
    loses,
    pauseSeconds: pauseOf(actions, facts),
    preconditions: [
      ...bootConditions(boot, facts, target),
      ...asks.map((name) => ({ sentence: factQuestions[name], holds: facts[name] })),
      ...actions.map((action) => hookCondition(action, facts)),
    ],
  };
}

function bootConditions(boot: 'kexec' | 'reboot', facts: RebootFacts, target: BuildId | null): Precondition[] {
  const { nextKernel, rebootsLeft } = facts;
  return [
    { sentence: 'a kernel to change to is named', holds: target !== null },
    {
      sentence: `the host starts build ${target ?? 'that is named'} next`,
      holds: nextKernel === null || target === null ? null : nextKernel === target,
    },
    notStopped(facts),
    { sentence: "the host's own cap lets it start a kernel", holds: rebootsLeft === null ? null : rebootsLeft > 0 },
    boot === 'kexec'
      ? { sentence: factQuestions.kexecAllowed, holds: facts.kexecAllowed }
      : { sentence: factQuestions.comesBack, holds: facts.comesBack },
  ];
}

export function notStopped({ stopped }: RebootFacts): Precondition {
  return { sentence: 'the host is not held by a stop', holds: stopped === null ? null : !stopped };
}

export function hookCondition(action: RebootAction, { hooks }: RebootFacts): Precondition {
  return { sentence: `the host has a hook for "${action}"`, holds: hooks === null ? null : hooks.includes(action) };
}

function pauseOf(actions: readonly RebootAction[], { pauses }: RebootFacts): number | null {
  const away = actions.find((action) => movesAway.has(action));
  const counted = (away === undefined ? actions : [away]).map((action) => pauses[action]);
  return counted.every((seconds) => seconds !== undefined) ? counted.reduce((sum, one) => sum + one, 0) : null;
}

function compareWays(a: RebootWay, b: RebootWay): number {
  const byLoss = losses.indexOf(a.loses) - losses.indexOf(b.loses);
  if (byLoss !== 0) return byLoss;
  const [x, y] = [a.pauseSeconds ?? Number.MAX_VALUE, b.pauseSeconds ?? Number.MAX_VALUE];
  return x - y || Number(a.actions.includes('reboot')) - Number(b.actions.includes('reboot'));
}
