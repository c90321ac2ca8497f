import type { FunctionHits, GateCheck, GateOutcome } from '#domain';
import { parseKernelLog } from '#klog';
import { LivepatchError } from '../error.ts';
import type { CommandResult } from '../vm/machine.ts';
import { check } from './check.ts';
import { type Judgement, judge } from './judge.ts';
import type { Step } from './plan.ts';
import type { Session } from './session.ts';

const STEP_TIMEOUT_MS = 120_000;

export interface PlanRun {
  readonly checks: readonly GateCheck[];
  readonly hits: readonly FunctionHits[] | null;
  /** Since the last cut, without what is not held against the livepatch. */
  readonly log: string;
  /** Of machines that were left on the way: a reproducer broke them. */
  readonly earlierLog: string;
  /** The machine lives, and nothing of the livepatch is left in it. */
  readonly isClean: boolean;
  /** What each step came to, quiet ones too. */
  readonly outcomes: ReadonlyMap<string, Judgement>;
}

/** Where a run stands. */
interface Progress {
  readonly checks: GateCheck[];
  readonly outcomes: Map<string, Judgement>;
  hits: readonly FunctionHits[] | null;
  earlierLog: string;
  /** Parts of the log that are not held against the livepatch. */
  readonly asides: string[];
  state: 'running' | 'stopped' | 'dead';
}

/**
 * Executes a plan. A machine that dies, or hangs, is a failed check; only one that cannot be had is an error.
 * Errors: those of `startMachine`.
 */
export async function runPlan(
  plan: readonly Step[],
  session: Session,
  onStep: (what: string) => void,
): Promise<PlanRun> {
  const progress: Progress = {
    checks: [],
    outcomes: new Map(),
    hits: null,
    earlierLog: '',
    asides: [],
    state: 'running',
  };
  await session.cut();
  for (const step of plan) {
    if (progress.state === 'dead') break;
    if (progress.state === 'stopped' && step.always !== true) continue;
    const unmet = step.needs !== undefined && progress.outcomes.get(step.needs)?.outcome !== 'passed';
    const judgement = unmet ? skippedFor(step, progress) : await runStep(step, session, progress, onStep);
    note(step, judgement, progress);
  }
  const log = progress.asides.reduce((rest, part) => rest.replace(part, () => ''), await session.log());
  const isClean =
    progress.state === 'running' &&
    progress.checks.every(({ outcome }) => outcome !== 'failed') &&
    parseKernelLog(log, 'console').reports.length === 0;
  const { checks, outcomes, hits, earlierLog } = progress;
  return { checks, outcomes, hits, log, earlierLog, isClean };
}

function skippedFor(step: Step, { outcomes }: Progress): Judgement {
  const why = outcomes.get(step.needs!)?.detail;
  return { outcome: 'skipped', detail: `not done: ${step.needs}${why === undefined ? '' : ` (${why})`}` };
}

async function runStep(
  step: Step,
  session: Session,
  progress: Progress,
  onStep: (what: string) => void,
): Promise<Judgement> {
  if (step.quiet !== true) onStep(step.name);
  const { machine, findings } = await session.machine();
  const before = (await session.log()).length;
  let result: CommandResult;
  try {
    result = await machine.run(step.command, step.timeoutMs ?? STEP_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof LivepatchError)) throw error;
    if (step.mayBreak === true) return broken(session, progress, error.code === 'vm-died');
    progress.state = 'dead';
    return { outcome: 'failed', detail: error.message };
  }
  if (step.mayBreak === true && reportsOf(await session.log()).length > 0) return broken(session, progress, false);
  const meanwhile = (await session.log()).slice(before);
  const judgement = judge(step.judge, result, findings, meanwhile);
  if (step.judge.by === 'return' && judgement.outcome === 'warned') progress.asides.push(meanwhile);
  return judgement;
}

/** A reproducer did what it is for; what it left is no machine to prove anything in. */
async function broken(session: Session, progress: Progress, died: boolean): Promise<Judgement> {
  const log = await session.log();
  const reports = reportsOf(log);
  progress.earlierLog += log;
  await session.drop();
  await session.cut();
  if (died) return { outcome: 'passed', detail: `the machine died: ${reports.join('; ') || 'without a word'}` };
  if (reports.length > 0) return { outcome: 'passed', detail: `the kernel reports: ${reports.join('; ')}` };
  return { outcome: 'failed', detail: 'it did not end, and the kernel reports nothing' };
}

function reportsOf(log: string): string[] {
  return parseKernelLog(log, 'console').reports.map(({ title }) => title);
}

function note(step: Step, judgement: Judgement, progress: Progress): void {
  const { outcome, detail, hits } = judgement;
  progress.outcomes.set(step.name, judgement);
  if (hits !== undefined) progress.hits = hits;
  if (!isSilent(step, outcome)) progress.checks.push(check('machine', step.name, outcome, detail));
  if (outcome === 'failed' && step.onFailure === 'stop' && progress.state === 'running') progress.state = 'stopped';
}

function isSilent(step: Step, outcome: GateOutcome): boolean {
  return step.quiet === true && outcome !== 'failed';
}
