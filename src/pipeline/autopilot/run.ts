import { AUTOPILOT_AUTHOR, type CveId, type Policy, StageError } from '#domain';
import type { Clock } from '#host';
import type { FixSource } from '#patch';
import { addAutopilotBuild, type KernelRow, listKernels, type PolicyRow, policies, putTrial, type Store } from '#store';
import { livepatchApprovals } from '../approvals.ts';
import { openFixSource } from '../fixes.ts';
import { makeByBuilders } from '../jobs/ask.ts';
import type { JobDoors } from '../jobs/doors.ts';
import { buildLivepatch } from '../livepatch.ts';
import { tryLivepatch } from '../livepatch-trial.ts';
import { proveLivepatches } from '../verify.ts';
import { type Standing, withApprovals } from './approved.ts';
import { type FetchedFixes, lastingReason, observeKernel, reasonOf } from './observe.ts';
import { type Plan, planKernel, type Step } from './plan.ts';

export interface AutopilotOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  /** Source of fixes of the configuration, for policies that name none. */
  readonly fixes: string | null;
  readonly jobs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Only this kernel; else all that have a policy. */
  readonly kernel?: string | undefined;
  readonly onStep: (kernel: string, what: string) => void;
  /** Builders that make the modules; absent: this process does. */
  readonly builders?: JobDoors | undefined;
}

/** A set waits for nobody but the tries before it; what a person asked for goes before both. */
const PRIORITIES = { try: 0, build: 5 } as const;
const BUILDER_TIMEOUT_SECONDS = 3_600;

export interface KernelPlan {
  readonly kernel: KernelRow;
  readonly plan: Plan;
}

/** Where every CVE of every kernel with a policy stands, and what comes next. Nothing is done. */
export async function readPipeline(options: AutopilotOptions): Promise<KernelPlan[]> {
  const plans: KernelPlan[] = [];
  for (const [kernel, { policy }] of await subjects(options)) {
    const fixes = await sourceOf(options, policy.fixes);
    const fetched: FetchedFixes = new Map();
    const observed = await observeKernel({ ...options, kernel, policy, fixes, fetched, now: options.clock.now() });
    plans.push({ kernel, plan: await standing(options, planKernel(observed)) });
  }
  return plans;
}

/**
 * Does for every kernel with a policy what its plan says, a step at a time, until there is nothing left to do. What fails is
 * written down with its reason and not tried again until something about it changes. Returns where everything stands. What keeps
 * the work on one kernel up (no machine, no source of fixes) stops no other; it is thrown when all others are done.
 */
export async function runPipeline(options: AutopilotOptions): Promise<KernelPlan[]> {
  const plans: KernelPlan[] = [];
  let failure: StageError | null = null;
  for (const subject of await subjects(options)) {
    try {
      plans.push(await workOn(options, subject));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof StageError)) throw error;
      failure ??= error as StageError;
    }
  }
  if (failure !== null) throw failure;
  return plans;
}

async function workOn(options: AutopilotOptions, [kernel, { policy }]: [KernelRow, PolicyRow]): Promise<KernelPlan> {
  const fixes = await sourceOf(options, policy.fixes);
  const fetched: FetchedFixes = new Map();
  const observe = { ...options, kernel, policy, fixes, fetched };
  for (;;) {
    options.signal?.throwIfAborted();
    const plan = planKernel(await observeKernel({ ...observe, now: options.clock.now() }));
    if (plan.step === null) return { kernel, plan: await standing(options, plan) };
    await execute(options, { kernel, policy, fixes, fetched }, plan.step);
  }
}

/** The plan with what people said of each proved livepatch in it, read and verified anew. */
async function standing(options: AutopilotOptions, plan: Plan): Promise<Plan> {
  const standings = new Map<string, Standing>();
  for (const { stage, livepatch } of plan.items) {
    if (stage !== 'proved' || livepatch === null || standings.has(livepatch)) continue;
    try {
      standings.set(livepatch, await livepatchApprovals(options, livepatch));
    } catch (error) {
      standings.set(livepatch, reasonOf(error));
    }
  }
  return { ...plan, items: withApprovals(plan.items, standings) };
}

async function subjects({ store, kernel: only }: AutopilotOptions): Promise<[KernelRow, PolicyRow][]> {
  const all = await policies(store.db);
  const kernels = (await listKernels(store.db)).filter(({ name }) => only === undefined || name === only);
  return kernels.flatMap((kernel) => {
    const policy = all.get(kernel.id);
    return policy === undefined ? [] : [[kernel, policy]];
  });
}

function sourceOf(options: AutopilotOptions, address: string | null): Promise<FixSource> {
  return openFixSource(address ?? options.fixes ?? '', options);
}

/** What the machine works on. */
interface Subject {
  readonly kernel: KernelRow;
  readonly policy: Policy;
  readonly fixes: FixSource;
  readonly fetched: FetchedFixes;
}

async function execute(options: AutopilotOptions, subject: Subject, step: Step): Promise<void> {
  const { store, dataDirectory, clock, onStep } = options;
  const { kernel } = subject;
  if (step.do === 'prove') {
    onStep(kernel.name, 'proving in a virtual machine');
    const say = (what: string): void => onStep(kernel.name, what);
    const [proved] = await proveLivepatches({
      store,
      dataDirectory,
      livepatches: [step.livepatch],
      clock,
      onStep: say,
    });
    // Without a machine nothing is known of it: what keeps one away is said, and the next run tries again.
    if (proved !== undefined && 'error' in proved) throw proved.error;
  } else if (step.do === 'try') {
    onStep(kernel.name, `trying the fix of ${step.cve}`);
    await tryFix(options, subject, step.cve);
  } else {
    onStep(kernel.name, `building a livepatch of ${step.cves.length} CVEs`);
    await buildSet(options, subject, step);
  }
}

async function tryFix(options: AutopilotOptions, subject: Subject, cve: CveId): Promise<void> {
  const { kernel, fetched } = subject;
  const state = fetched.get(cve);
  const key = state !== undefined && 'key' in state ? state.key : '';
  const trial = { cve, key: key ?? '', triedAt: options.clock.now() };
  try {
    await tryLivepatch(inputOf(options, subject, [cve], 'try'));
    await putTrial(options.store.db, kernel.id, { ...trial, reason: null });
  } catch (error) {
    options.signal?.throwIfAborted();
    await putTrial(options.store.db, kernel.id, { ...trial, reason: lastingReason(error) });
  }
}

async function buildSet(
  options: AutopilotOptions,
  subject: Subject,
  { cves, wanted }: Extract<Step, { do: 'build' }>,
): Promise<void> {
  const { store, clock } = options;
  const { kernel } = subject;
  const row = { wanted, cves };
  try {
    const { livepatch } = await buildLivepatch({ ...inputOf(options, subject, cves, 'build'), by: AUTOPILOT_AUTHOR });
    await addAutopilotBuild(store.db, kernel.id, { ...row, livepatch: livepatch.id, reason: null }, clock.now());
  } catch (error) {
    options.signal?.throwIfAborted();
    await addAutopilotBuild(
      store.db,
      kernel.id,
      { ...row, livepatch: null, reason: lastingReason(error) },
      clock.now(),
    );
  }
}

function inputOf(options: AutopilotOptions, subject: Subject, cves: readonly CveId[], what: 'try' | 'build') {
  const { store, dataDirectory, jobs, clock, signal, builders } = options;
  const { kernel, policy, fixes } = subject;
  const input = { cves, fixes: () => Promise.resolve(fixes) };
  const { answers } = policy;
  const asked = { kernelId: kernel.id, cves, priority: PRIORITIES[what], timeoutSeconds: BUILDER_TIMEOUT_SECONDS };
  const make = builders && makeByBuilders(builders, { ...asked, by: AUTOPILOT_AUTHOR });
  return { store, dataDirectory, kernel: kernel.name, input, answers, jobs, clock, signal, make, onOutput: () => {} };
}
