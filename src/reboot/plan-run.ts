import { type BuildId, type RebootAction, rebootActions } from '#domain';
import { RebootError } from './error.ts';

/** What a step came to. `unknown`: the runner or the machine died meanwhile. */
export type StepOutcome = 'done' | 'failed' | 'timed-out' | 'unknown';
/** `unsure`: what was moved away or frozen may not be back, and a person has to look. */
export type PlanOutcome = 'done' | 'failed' | 'unsure';

/** Where and when something was written down. */
export interface Moment {
  /** /proc/sys/kernel/random/boot_id */
  readonly boot: string;
  /** Build-id of the kernel that runs; null: not known. */
  readonly kernel: BuildId | null;
  /** Seconds since that boot. */
  readonly uptime: number;
  /** Wall clock: for people only. */
  readonly at: string;
}

/** One line of the journal; it is on the disk before what follows it happens. */
export type PlanRecord = Moment & { readonly plan: string } & (
    | { readonly what: 'start'; readonly steps: readonly RebootAction[]; readonly target: BuildId | null }
    | { readonly what: 'before'; readonly step: RebootAction }
    | {
        readonly what: 'after';
        readonly step: RebootAction;
        readonly outcome: StepOutcome;
        readonly exitCode: number | null;
        readonly seconds: number | null;
        /** The end of what the hook printed, or why the outcome is what it is. */
        readonly said: string;
      }
    /** The step was not begun: a stop, the cap, a hook or a precondition that is not there. */
    | { readonly what: 'refused'; readonly step: RebootAction; readonly why: string }
    | { readonly what: 'end'; readonly outcome: PlanOutcome; readonly why: string }
  );

/** What is to be done next. `wait`: the machine goes down. */
export type NextMove =
  | { readonly do: 'settle'; readonly step: RebootAction; readonly outcome: StepOutcome; readonly why: string }
  | { readonly do: 'run'; readonly step: RebootAction; readonly recovers: boolean }
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'end'; readonly outcome: PlanOutcome; readonly why: string };

/** How long a machine may take to go down after its hook said that it does. */
export const GOING_DOWN_SECONDS = 900;
/** Steps that bring work back are tried again when they were interrupted, so many times in all. */
export const MOST_TRIES = 3;

/** What brings back what a step took away. */
const counterpart: Readonly<Partial<Record<RebootAction, RebootAction>>> = {
  drain: 'return',
  migrate: 'return',
  checkpoint: 'restore',
};
const bringsBack: ReadonlySet<RebootAction> = new Set(Object.values(counterpart));

export function isBoot(step: RebootAction): boolean {
  return step === 'kexec' || step === 'reboot';
}

/**
 * Steps that make a plan: each once, in their one order; one start of a kernel where work is taken away; nothing taken away that is not
 * brought back, nor brought back that was not taken away. Errors: plan-invalid.
 */
export function checkSteps(steps: readonly RebootAction[], target: BuildId | null): void {
  const problem = stepsProblem(steps, target);
  if (problem !== null) throw new RebootError('plan-invalid', 'input', { what: problem, where: steps.join(',') });
}

function stepsProblem(steps: readonly RebootAction[], target: BuildId | null): string | null {
  if (steps.length === 0) return 'a plan has a step at least';
  const places = steps.map((step) => rebootActions.indexOf(step));
  if (places.some((place, i) => i > 0 && place <= places[i - 1]!))
    return `steps come once each, in this order: ${rebootActions.join(', ')}`;
  const boots = steps.filter(isBoot).length;
  if (boots > 1) return 'a plan starts one kernel';
  if (boots === 0 && steps.some((step) => step !== 'mitigate')) return 'nothing is taken away but to start a kernel';
  if (boots === 1 && target === null) return 'a plan that starts a kernel says which';
  const needed = new Set(steps.flatMap((step) => counterpart[step] ?? []));
  const given = new Set(steps.filter((step) => bringsBack.has(step)));
  return needed.size === given.size && [...needed].every((step) => given.has(step))
    ? null
    : 'drain and migrate go with return, checkpoint with restore';
}

/** What the journal says of its last plan. */
interface Standing {
  readonly steps: readonly RebootAction[];
  readonly target: BuildId | null;
  readonly begun: ReadonlySet<RebootAction>;
  /** Last outcome of each step. */
  readonly outcomes: ReadonlyMap<RebootAction, StepOutcome>;
  readonly tries: ReadonlyMap<RebootAction, number>;
  readonly refused: string | null;
  /** `before` without its `after`. */
  readonly open: (Moment & { readonly step: RebootAction }) | null;
  /** Where the kernel was started by the plan. */
  readonly bootedFrom: Moment | null;
  /** Boot in which the plan was started. */
  readonly startedIn: string;
}

/** The records of the last plan; empty: there is none. */
export function lastPlan(records: readonly PlanRecord[]): readonly PlanRecord[] {
  const start = records.findLastIndex(({ what }) => what === 'start');
  return start === -1 ? [] : records.slice(start);
}

export function isOver(records: readonly PlanRecord[]): boolean {
  return records.length === 0 || records.at(-1)!.what === 'end';
}

function standingOf(records: readonly PlanRecord[]): Standing {
  const [start] = records;
  if (start?.what !== 'start') throw new RebootError('journal-damaged', 'us', { what: 'a plan without its start' });
  const outcomes = new Map<RebootAction, StepOutcome>();
  const tries = new Map<RebootAction, number>();
  let refused: string | null = null;
  let open: Standing['open'] = null;
  let bootedFrom: Moment | null = null;
  for (const record of records) {
    if (record.what === 'refused') refused ??= `${record.step}: ${record.why}`;
    if (record.what === 'before') {
      open = record;
      tries.set(record.step, (tries.get(record.step) ?? 0) + 1);
      if (isBoot(record.step)) bootedFrom = record;
    }
    if (record.what !== 'after') continue;
    outcomes.set(record.step, record.outcome);
    open = null;
  }
  const { steps, target } = start;
  return {
    steps,
    target,
    begun: new Set(tries.keys()),
    outcomes,
    tries,
    refused,
    open,
    bootedFrom,
    startedIn: start.boot,
  };
}

/** The next move of a plan that is not over, from what is written down and where the host stands now. Pure. */
export function nextMove(records: readonly PlanRecord[], now: Moment): NextMove {
  const standing = standingOf(records);
  const { steps, open, outcomes, begun } = standing;
  if (open !== null) return settle(open, standing, now);
  const boot = steps.find(isBoot);
  if (boot !== undefined && outcomes.get(boot) === 'done' && standing.bootedFrom?.boot === now.boot)
    return goesDown(boot, standing.bootedFrom, now);
  const trouble = troubleOf(standing, now);
  if (trouble === null) {
    const next = steps.find((step) => !begun.has(step) && !bringsBack.has(step));
    if (next !== undefined) return { do: 'run', step: next, recovers: false };
  }
  const taken = new Set([...begun].flatMap((step) => counterpart[step] ?? []));
  const back = steps.find((step) => taken.has(step) && isOwed(step, standing));
  if (back !== undefined) return { do: 'run', step: back, recovers: trouble !== null };
  const lost = [...taken].filter((step) => outcomes.get(step) !== 'done');
  if (lost.length > 0)
    return {
      do: 'end',
      outcome: 'unsure',
      why: [`${lost.join(' and ')} did not succeed`, trouble].filter(Boolean).join('; '),
    };
  return trouble === null
    ? { do: 'end', outcome: 'done', why: 'every step is done' }
    : { do: 'end', outcome: 'failed', why: trouble };
}

function isOwed(step: RebootAction, { outcomes, tries }: Standing): boolean {
  const outcome = outcomes.get(step);
  return outcome === undefined || (outcome === 'unknown' && (tries.get(step) ?? 0) < MOST_TRIES);
}

/** A step that was begun, and of which it is not written down how it ended: the runner or the machine died. */
function settle(open: NonNullable<Standing['open']>, { target }: Standing, now: Moment): NextMove {
  const { step } = open;
  if (!isBoot(step)) return { do: 'settle', step, outcome: 'unknown', why: 'the runner ended before the hook did' };
  // Its own end is the end of the runner, too: the boot says whether it happened.
  if (open.boot === now.boot) {
    return now.uptime - open.uptime < GOING_DOWN_SECONDS
      ? { do: 'wait', why: `${step} was begun` }
      : { do: 'settle', step, outcome: 'failed', why: 'the machine did not go down' };
  }
  if (now.kernel === null)
    return { do: 'settle', step, outcome: 'unknown', why: 'it is not known which kernel came up' };
  return now.kernel === target
    ? { do: 'settle', step, outcome: 'done', why: `build ${now.kernel} runs` }
    : { do: 'settle', step, outcome: 'failed', why: `build ${now.kernel} came up, not ${target}` };
}

function goesDown(step: RebootAction, from: Moment, now: Moment): NextMove {
  return now.uptime - from.uptime < GOING_DOWN_SECONDS
    ? { do: 'wait', why: `${step} was begun` }
    : { do: 'settle', step, outcome: 'failed', why: 'the machine did not go down' };
}

/** Why no further step forward is taken; null: nothing is in its way. */
function troubleOf(
  { steps, target, outcomes, refused, bootedFrom, startedIn, begun }: Standing,
  now: Moment,
): string | null {
  if (refused !== null) return refused;
  for (const step of steps) {
    const outcome = outcomes.get(step);
    if (!bringsBack.has(step) && outcome !== undefined && outcome !== 'done') return `${step}: ${outcome}`;
  }
  if (bootedFrom !== null) {
    if (now.kernel === target) return null;
    return now.kernel === null ? 'it is not known which kernel came up' : `build ${now.kernel} came up, not ${target}`;
  }
  // Nobody asked for this boot: what was taken away before it is brought back, and no second one follows.
  const asksBoot = steps.some((step) => isBoot(step) && !begun.has(step));
  return asksBoot && startedIn !== now.boot ? 'the machine started anew by itself' : null;
}
