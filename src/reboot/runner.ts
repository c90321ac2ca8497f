import { join } from 'node:path';
import { type BuildId, messageOf, type RebootAction, type RebootFacts } from '#domain';
import { withLock } from '#host';
import { Cap } from './cap.ts';
import type { RebootDoors } from './doors.ts';
import { RebootError } from './error.ts';
import { runHook } from './hook-run.ts';
import { type HookFile, readHooks } from './hooks.ts';
import { hostFacts, nextKernelOf } from './host-facts.ts';
import { Journal } from './journal.ts';
import {
  checkSteps,
  isBoot,
  isOver,
  lastPlan,
  type Moment,
  nextMove,
  type PlanOutcome,
  type PlanRecord,
  type StepOutcome,
} from './plan-run.ts';
import { planId } from './words.ts';

const LOCK_WAIT_MS = 1_000;
const SAID_CHARACTERS = 2_000;

export interface RunnerPlaces {
  /** Folder of `hooks.json`. */
  readonly config: string;
  readonly state: string;
}

/** A plan as it is asked for; it may come from a server. */
export interface PlanRequest {
  readonly plan: string;
  readonly steps: readonly RebootAction[];
  /** Build-id of the kernel to start; null: none is started. */
  readonly target: BuildId | null;
}

/** Where the last plan stands. `going-down`: go on after the boot. */
export interface PlanStatus {
  readonly plan: string | null;
  readonly state: PlanOutcome | 'open' | 'going-down' | 'none';
  readonly why: string;
  readonly records: readonly PlanRecord[];
}

/** Carries plans out on this host, one at a time, by its own hooks. Nothing else of a request than step names and the plan's id gets to a hook. */
export class HookRunner {
  readonly #places: RunnerPlaces;
  readonly #doors: RebootDoors;
  /** User ids that may own hooks. */
  readonly #owners: readonly number[];

  constructor(places: RunnerPlaces, doors: RebootDoors, owners: readonly number[] = [0]) {
    this.#places = places;
    this.#doors = doors;
    this.#owners = owners;
  }

  /**
   * Begins a plan and carries it as far as this boot goes. What is not ready now is refused before anything is done or written.
   * Errors: plan-invalid, plan-open, plan-used, not-ready, not-set-up, hooks-invalid, hooks-unsafe, journal-damaged, cap-damaged.
   */
  async start({ plan, steps, target }: PlanRequest): Promise<PlanStatus> {
    planId(plan);
    checkSteps(steps, target);
    return this.#locked(async (journal) => {
      if (!isOver(lastPlan(journal.records)))
        throw refusal('plan-open', 'another plan is not over', 'run "tuxtape-reboot resume" or wait for it', plan);
      if (journal.records.some((record) => record.plan === plan))
        throw refusal('plan-used', 'a plan is carried out once', 'make a new plan', plan);
      const file = await this.#hooks();
      const missing = steps.filter((step) => !file.hooks.has(step));
      if (missing.length > 0) throw notReady(`there is no hook for ${missing.join(', ')}`, plan);
      const now = await this.#doors.moment();
      const stopped = await this.#doors.stopped();
      if (stopped !== null) throw notReady(stopped, plan);
      if (steps.some(isBoot)) {
        if ((await this.#cap(file).left(now)) === 0) throw notReady(CAP_REACHED, plan);
        const wrong = await this.#wrongKernel(file, target);
        if (wrong !== null) throw notReady(wrong, plan);
      }
      await journal.compact();
      await journal.add({ ...now, plan, what: 'start', steps, target });
      return this.#advance(journal);
    });
  }

  /** Goes on with a plan that a boot or a death interrupted; at every boot, and safe at any time. Errors: journal-damaged, cap-damaged. */
  async resume(): Promise<PlanStatus> {
    return this.#locked(async (journal) => {
      const file = await this.#hooks().catch(() => null);
      if (file !== null) await this.#cap(file).notice(await this.#doors.moment());
      return this.#advance(journal);
    });
  }

  /** Errors: journal-damaged. */
  async status(): Promise<PlanStatus> {
    const records = lastPlan((await Journal.open(this.#journalPath)).records);
    return statusOf(
      records,
      records.length === 0 || isOver(records) ? null : nextMove(records, await this.#doors.moment()),
    );
  }

  /** What a plan for this host needs to know. Errors: as `start`. */
  async facts(): Promise<RebootFacts> {
    const file = await this.#hooks();
    return hostFacts({
      file,
      owners: this.#owners,
      stopped: await this.#doors.stopped(),
      rebootsLeft: await this.#cap(file).left(await this.#doors.moment()),
      kexecDisabled: await this.#doors.kexecDisabled(),
      records: (await Journal.open(this.#journalPath)).records,
    });
  }

  get #journalPath(): string {
    return join(this.#places.state, 'journal.jsonl');
  }

  #hooks(): Promise<HookFile> {
    return readHooks(join(this.#places.config, 'hooks.json'), this.#owners);
  }

  #cap({ rebootsPerDay }: HookFile): Cap {
    return new Cap(join(this.#places.state, 'starts.json'), rebootsPerDay);
  }

  #locked<T>(body: (journal: Journal) => Promise<T>): Promise<T> {
    return withLock(join(this.#places.state, 'lock'), LOCK_WAIT_MS, async () =>
      body(await Journal.open(this.#journalPath)),
    );
  }

  async #advance(journal: Journal): Promise<PlanStatus> {
    for (;;) {
      const records = lastPlan(journal.records);
      if (records.length === 0 || isOver(records)) return statusOf(records, null);
      const now = await this.#doors.moment();
      const move = nextMove(records, now);
      const { plan } = records[0]!;
      if (move.do === 'wait') return statusOf(records, move);
      if (move.do === 'run') await this.#step(journal, plan, move.step, move.recovers);
      else if (move.do === 'end')
        await journal.add({ ...now, plan, what: 'end', outcome: move.outcome, why: move.why });
      else await this.#after(journal, plan, move.step, { outcome: move.outcome, said: move.why });
    }
  }

  async #step(journal: Journal, plan: string, step: RebootAction, recovers: boolean): Promise<void> {
    // Work that was taken away is brought back under any stop.
    const isForward = !recovers && step !== 'restore' && step !== 'return';
    const why = isForward ? await this.#whyNot(step, lastPlan(journal.records)) : null;
    const now = await this.#doors.moment();
    if (why !== null) return journal.add({ ...now, plan, what: 'refused', step, why });
    await journal.add({ ...now, plan, what: 'before', step });
    try {
      const hook = (await this.#hooks()).hooks.get(step);
      if (hook === undefined)
        return await this.#after(journal, plan, step, { outcome: 'failed', said: 'its hook is gone' });
      const { exitCode, timedOut, output, ms } = await runHook(hook, { step, plan }, this.#owners);
      const outcome = timedOut ? 'timed-out' : exitCode === 0 ? 'done' : 'failed';
      await this.#after(journal, plan, step, { outcome, exitCode, seconds: Math.round(ms) / 1000, said: output });
    } catch (error) {
      if (!(error instanceof RebootError)) throw error;
      await this.#after(journal, plan, step, { outcome: 'failed', said: messageOf(error) });
    }
  }

  /** Why a step forward is not begun; a start of a kernel is counted here, before its hook runs. */
  async #whyNot(step: RebootAction, records: readonly PlanRecord[]): Promise<string | null> {
    const stopped = await this.#doors.stopped();
    if (stopped !== null) return stopped;
    if (!isBoot(step)) return null;
    try {
      const file = await this.#hooks();
      const target = records[0]?.what === 'start' ? records[0].target : null;
      const wrong = await this.#wrongKernel(file, target);
      if (wrong !== null) return wrong;
      return (await this.#cap(file).take(await this.#doors.moment())) ? null : CAP_REACHED;
    } catch (error) {
      if (!(error instanceof RebootError)) throw error;
      return messageOf(error);
    }
  }

  async #wrongKernel(file: HookFile, target: BuildId | null): Promise<string | null> {
    const next = await nextKernelOf(file, this.#owners);
    if (next === null) return 'it is not known which kernel starts next';
    return next === target ? null : `build ${next} would start, not ${target}`;
  }

  async #after(
    journal: Journal,
    plan: string,
    step: RebootAction,
    result: { outcome: StepOutcome; exitCode?: number | null; seconds?: number; said: string },
  ): Promise<void> {
    const now: Moment = await this.#doors.moment();
    const { outcome, exitCode = null, seconds = null, said } = result;
    await journal.add({
      ...now,
      plan,
      what: 'after',
      step,
      outcome,
      exitCode,
      seconds,
      said: said.slice(-SAID_CHARACTERS),
    });
  }
}

const CAP_REACHED = 'this host has started as many kernels as it lets happen in a day';

function statusOf(records: readonly PlanRecord[], move: ReturnType<typeof nextMove> | null): PlanStatus {
  const last = records.at(-1);
  if (last === undefined) return { plan: null, state: 'none', why: 'no plan was ever begun here', records };
  if (last.what === 'end') return { plan: last.plan, state: last.outcome, why: last.why, records };
  if (move?.do === 'wait') return { plan: last.plan, state: 'going-down', why: move.why, records };
  return { plan: last.plan, state: 'open', why: 'it was interrupted: "tuxtape-reboot resume" goes on', records };
}

function notReady(why: string, plan: string): RebootError {
  return refusal('not-ready', `nothing was begun: ${why}`, '"tuxtape-reboot facts" says what this host can do', plan);
}

function refusal(
  code: 'plan-open' | 'plan-used' | 'not-ready',
  what: string,
  remedy: string,
  plan: string,
): RebootError {
  return new RebootError(code, 'input', { what, where: plan, remedy });
}
