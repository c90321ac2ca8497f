import type { GateRecord } from '#domain';
import { LivepatchError } from '../error.ts';
import { bootSession } from './boot.ts';
import { type FileFindings, fileChecks } from './file-checks.ts';
import { type KernelSymbols, readKernelSymbols } from './kernel-symbols.ts';
import { makePlan } from './make-plan.ts';
import { enforcesSignatures, planSubject, targetsOf } from './plan-subject.ts';
import { gateRecord } from './record.ts';
import { runPlan } from './run-plan.ts';
import type { Session } from './session.ts';
import type { ProofPlace, ProofSubject } from './subject.ts';
import { type Workload, workload } from './workload.ts';

/** A gate record, passed or not; or why no machine could be had for it. */
export type ProofResult = { readonly gate: GateRecord } | { readonly error: LivepatchError };

/**
 * Proves a livepatch on the very kernel it is for, in a virtual machine. A failed check is a record that did not pass;
 * only a machine that cannot be had is an error: vm-program-missing, vm-boot-failed, vm-died; module-unreadable.
 */
export async function verifyLivepatch(subject: ProofSubject, place: ProofPlace): Promise<GateRecord> {
  const [result] = await verifyLivepatches([subject], place);
  if (result === undefined || 'error' in result) throw result?.error ?? new TypeError('one livepatch, and no result');
  return result.gate;
}

/**
 * Proves livepatches of one kernel one after the other, in one boot as long as each leaves the machine as it was. One that
 * breaks the machine has its verdict, and the rest go on in a new boot. Results are in the order of the subjects.
 */
export async function verifyLivepatches(
  subjects: readonly ProofSubject[],
  place: ProofPlace,
): Promise<readonly ProofResult[]> {
  const [first] = subjects;
  if (first === undefined) return [];
  const { buildId, kernelRelease } = first.recipe;
  if (subjects.some(({ recipe }) => recipe.buildId !== buildId))
    throw new TypeError('livepatches of several kernels cannot share a boot');
  const proof = await prepare(subjects, place, kernelRelease);
  try {
    const results: ProofResult[] = [];
    for (const one of proof.subjects) results.push(await proveOne(one, proof, place));
    return results;
  } finally {
    await proof.session?.drop();
  }
}

interface Prepared {
  readonly subject: ProofSubject;
  readonly file: FileFindings;
  /** Null: its file failed. */
  readonly plan: ReturnType<typeof planSubject> | null;
  /** Milliseconds of the checks of its file. */
  readonly spent: number;
}

interface Proof {
  readonly subjects: readonly Prepared[];
  /** Undefined where no file got so far as to need a machine. */
  readonly session: Session | undefined;
  readonly workload: Workload;
}

async function prepare(subjects: readonly ProofSubject[], place: ProofPlace, release: string): Promise<Proof> {
  const objects = subjects.flatMap((one) => [
    ...targetsOf(one),
    ...(one.hunks ?? []).flatMap((hunk) => hunk.objects.filter((object) => object !== 'vmlinux')),
  ]);
  const kernel = await readKernelSymbols(place.kernelOut, release, objects);
  const mustBeSigned = await enforcesSignatures(place.kernelOut);
  const ready = subjects.map((subject, i) => prepareOne(subject, i, kernel, mustBeSigned, place));
  const plans = ready.flatMap(({ plan }) => (plan === null ? [] : [plan]));
  const proved = ready.filter(({ plan }) => plan !== null);
  const targets = proved.flatMap(({ subject, file }) => [...targetsOf(subject), ...file.depends]);
  const work = await workload(place.toolchain ?? null, kernel.modules, targets);
  if (plans.length === 0) return { subjects: ready, session: undefined, workload: work };
  const session = await bootSession(place, {
    release,
    buildId: proved[0]!.subject.recipe.buildId,
    modules: [...targets, ...work.modules],
    files: [...work.files, ...plans.flatMap(({ files }) => files)],
  });
  return { subjects: ready, session, workload: work };
}

function prepareOne(
  subject: ProofSubject,
  index: number,
  kernel: KernelSymbols,
  mustBeSigned: boolean,
  { clock }: ProofPlace,
): Prepared {
  const started = clock.monotonicMs();
  const { module, moduleName, recipe, hunks = null } = subject;
  const file = fileChecks({ module, moduleName, recipe, hunks }, kernel);
  const isGood = file.checks.every(({ outcome }) => outcome !== 'failed');
  const plan = isGood ? planSubject(subject, index, file.depends, kernel.modules, mustBeSigned) : null;
  return { subject, file, plan, spent: clock.monotonicMs() - started };
}

async function proveOne(one: Prepared, { session, workload: work }: Proof, place: ProofPlace): Promise<ProofResult> {
  const { subject, file, plan, spent } = one;
  const { clock, onStep } = place;
  const startedAt = clock.now().toISOString();
  const started = clock.monotonicMs();
  const seconds = (): number => (clock.monotonicMs() - started + spent) / 1000;
  if (plan === null || session === undefined)
    return { gate: gateRecord(subject, { file, machine: null, startedAt, seconds: seconds() }) };
  const booted = session.bootSeconds;
  try {
    onStep('booting the kernel', subject.moduleName);
    const { findings: boot } = await session.machine();
    const run = await runPlan(makePlan(plan.subject), session, (what) => onStep(what, subject.moduleName));
    if (!run.isClean) await session.drop();
    const machine = { run, boot, session, workload: work, bootSeconds: session.bootSeconds - booted };
    return { gate: gateRecord(subject, { file, machine, startedAt, seconds: seconds() }) };
  } catch (error) {
    if (!(error instanceof LivepatchError)) throw error;
    await session.drop();
    return { error };
  }
}
