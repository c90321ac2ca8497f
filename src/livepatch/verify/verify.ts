import type { GateRecord } from '#domain';
import { LivepatchError } from '../error.ts';
import { makePlan } from './make-plan.ts';
import { type Prepared, type Proof, prepare } from './prepare.ts';
import { gateRecord } from './record.ts';
import { runPlan } from './run-plan.ts';
import type { ProofPlace, ProofSubject } from './subject.ts';

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
    for (const one of proof.subjects) results.push('error' in one ? one : await proveOne(one, proof, place));
    return results;
  } finally {
    await proof.session?.drop();
  }
}

async function proveOne(one: Prepared, { session, workload }: Proof, place: ProofPlace): Promise<ProofResult> {
  const { subject, file, plan, spent } = one;
  const { clock, onStep } = place;
  const startedAt = clock.now().toISOString();
  const started = clock.monotonicMs();
  const seconds = (): number => (clock.monotonicMs() - started + spent) / 1000;
  if (plan === null || session === undefined)
    return { gate: gateRecord(subject, { file, machine: null, startedAt, seconds: seconds() }) };
  const booted = session.bootSeconds;
  try {
    onStep(session.isUp ? 'the machine is up' : 'booting the kernel', subject.moduleName);
    const { findings: boot } = await session.machine();
    const run = await runPlan(makePlan(plan.subject), session, (what) => onStep(what, subject.moduleName));
    if (!run.isClean) await session.drop();
    const machine = { run, boot, session, workload, bootSeconds: session.bootSeconds - booted };
    return { gate: gateRecord(subject, { file, machine, startedAt, seconds: seconds() }) };
  } catch (error) {
    if (!(error instanceof LivepatchError)) throw error;
    await session.drop();
    return { error };
  }
}
