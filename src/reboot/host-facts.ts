import {
  isBuildId,
  type Known,
  noFacts,
  type RebootAction,
  type RebootFacts,
  rebootActions,
  rebootFactNames,
} from '#domain';
import { runHook } from './hook-run.ts';
import type { Hook, HookFile } from './hooks.ts';
import { isBoot, type PlanRecord } from './plan-run.ts';

const MOST_PAUSE_SECONDS = 86_400;

export interface FactSources {
  readonly file: HookFile;
  readonly owners: readonly number[];
  readonly stopped: string | null;
  readonly rebootsLeft: number | null;
  readonly kexecDisabled: boolean | null;
  readonly records: readonly PlanRecord[];
}

/** Asks this host all that a plan needs; what it does not say stays unknown. */
export async function hostFacts(sources: FactSources): Promise<RebootFacts> {
  const { file, owners, stopped, rebootsLeft, kexecDisabled, records } = sources;
  const answers = new Map<string, Known>();
  for (const name of rebootFactNames) {
    const source = file.facts.get(name);
    answers.set(name, typeof source === 'object' ? await ask(source, owners) : (source ?? null));
  }
  if (kexecDisabled !== false) answers.set('kexecAllowed', kexecDisabled === true ? false : null);
  return {
    ...noFacts,
    ...Object.fromEntries(answers),
    hooks: rebootActions.filter((action) => file.hooks.has(action)),
    stopped: stopped !== null,
    rebootsLeft,
    nextKernel: await nextKernelOf(file, owners),
    pauses: pausesOf(file, records),
  };
}

async function ask(hook: Hook, owners: readonly number[]): Promise<Known> {
  const { exitCode, timedOut } = await runHook(hook, null, owners);
  if (timedOut || exitCode === null || exitCode > 1) return null;
  return exitCode === 0;
}

/** Build-id of the kernel that starts next; null: no hook says, or not in one word. */
export async function nextKernelOf({ nextKernel }: HookFile, owners: readonly number[]): Promise<string | null> {
  if (nextKernel === null) return null;
  const { exitCode, output } = await runHook(nextKernel, null, owners);
  const word = output.trim();
  return exitCode === 0 && isBuildId(word) ? word : null;
}

/** As stated, else as it was last time. How long work that is moved stands still its hook does not show. */
function pausesOf({ hooks }: HookFile, records: readonly PlanRecord[]): Partial<Record<RebootAction, number>> {
  const pauses: Partial<Record<RebootAction, number>> = {};
  for (const [action, { pauseSeconds }] of hooks) {
    const seconds = pauseSeconds ?? (action === 'drain' || action === 'migrate' ? null : lastSeconds(action, records));
    if (seconds !== null) pauses[action] = seconds;
  }
  return pauses;
}

function lastSeconds(action: RebootAction, records: readonly PlanRecord[]): number | null {
  if (isBoot(action)) return lastBoot(action, records);
  const last = records.findLast((one) => one.what === 'after' && one.step === action && one.outcome === 'done');
  return last?.what === 'after' ? last.seconds : null;
}

/** From the hook to the first record of the boot that followed; by the wall clock, so only where it makes sense. */
function lastBoot(action: RebootAction, records: readonly PlanRecord[]): number | null {
  const begun = records.findLastIndex((one) => one.what === 'before' && one.step === action);
  const from = records[begun];
  const next = from && records.slice(begun).find(({ boot }) => boot !== from.boot);
  if (from === undefined || next === undefined) return null;
  const seconds = (Date.parse(next.at) - Date.parse(from.at)) / 1000;
  return seconds > 0 && seconds < MOST_PAUSE_SECONDS ? seconds : null;
}
