import type { ReleaseIndex, StageError } from '#domain';
import { Run } from './context.ts';
import type { Doors, RunLimits } from './doors.ts';
import { type AgentCode, AgentError, remedies } from './error.ts';
import type { Journal } from './journal.ts';
import { plan } from './plan/plan.ts';
import { describe, type Plan } from './plan/steps.ts';
import { obeyRequest } from './steps/request.ts';
import { execute } from './steps/table.ts';

/** More steps than any run needs: a plan that goes round in circles is a defect of ours. */
const MAX_STEPS = 64;

export interface RunResult {
  readonly journal: Journal;
  /** What was decided last, in words. */
  readonly note: string;
  /** The first thing that was not as it should be; null: nothing. */
  readonly problem: StageError | null;
  /** Every step that was taken, in words. */
  readonly steps: readonly string[];
  /** The archive's index; undefined: it was not read. */
  readonly index: ReleaseIndex | null | undefined;
}

/**
 * One run: look, decide, do one step, until nothing is left. Every step that touches the kernel is in the journal, synced,
 * before it is done. Errors: journal-damaged, those of the file system; all others are in the result.
 */
export async function runOnce(doors: Doors, limits: RunLimits): Promise<RunResult> {
  const bootId = await doors.kernel.bootId();
  const buildId = await doors.kernel.buildId();
  const run = new Run(doors, limits, buildId, await doors.journal.read(bootId));
  const steps: string[] = [];
  await obeyRequest(run);
  for (let i = 0; i < MAX_STEPS; i += 1) {
    const decided = plan(await run.observe());
    steps.push(describe(decided));
    if (decided.step === 'rest') return await ended(run, decided, steps);
    await execute(run, decided);
  }
  throw new AgentError('no-end', 'us', { what: `the plan goes round in circles: ${steps.slice(-6).join('; ')}` });
}

async function ended(run: Run, { why, code }: Extract<Plan, { step: 'rest' }>, steps: string[]): Promise<RunResult> {
  if (code !== undefined) run.complain(new AgentError(code, faultOf(code), { what: why, remedy: remedies[code] }));
  const { journal, archive } = run;
  const index = typeof archive === 'object' ? archive.index : undefined;
  if (journal.state === 'accepted' && index !== undefined)
    await run.record({ ...journal, guard: { ...journal.guard, polls: journal.guard.polls + 1 } });
  return { journal: run.journal, note: why, problem: run.problem, steps, index };
}

function faultOf(code: AgentCode): 'input' | 'patch' {
  return code === 'unknown-kernel' || code === 'taken-off' ? 'input' : 'patch';
}

/**
 * What a run would do first, without doing it: the archive is asked, and nothing is written but the metadata that was
 * verified. Errors: those of `runOnce`.
 */
export async function preview(doors: Doors, limits: RunLimits): Promise<RunResult & { readonly next: Plan }> {
  const journal = { read: (bootId: string) => doors.journal.read(bootId), write: () => Promise.resolve() };
  const bootId = await doors.kernel.bootId();
  const dry = new Run({ ...doors, journal }, limits, await doors.kernel.buildId(), await journal.read(bootId));
  const steps: string[] = [];
  for (let i = 0; i < MAX_STEPS; i += 1) {
    const next = plan(await dry.observe());
    steps.push(describe(next));
    if (next.step === 'note' || next.step === 'contact') {
      await execute(dry, next);
      continue;
    }
    if (next.step === 'rest') return { ...(await ended(dry, next, steps)), next };
    const index = typeof dry.archive === 'object' ? dry.archive.index : undefined;
    return { journal: dry.journal, note: `next: ${describe(next)}`, problem: dry.problem, steps, index, next };
  }
  throw new AgentError('no-end', 'us', { what: 'the plan goes round in circles' });
}
