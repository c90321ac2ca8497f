import { LivepatchError } from '../error.ts';
import { readModule, SHN_LIVEPATCH } from '../module-file.ts';
import { bootSession } from './boot.ts';
import { type FileFindings, fileChecks } from './file-checks.ts';
import { type KernelSymbols, readKernelSymbols } from './kernel-symbols.ts';
import { enforcesSignatures, planSubject, targetsOf } from './plan-subject.ts';
import { objectOfSymbol } from './relocation-checks.ts';
import type { Session } from './session.ts';
import type { ProofPlace, ProofSubject } from './subject.ts';
import { type Workload, workload } from './workload.ts';

/** A livepatch whose file was looked at. */
export interface Prepared {
  readonly subject: ProofSubject;
  readonly file: FileFindings;
  /** Null: its file failed. */
  readonly plan: ReturnType<typeof planSubject> | null;
  /** Milliseconds that it took. */
  readonly spent: number;
}

/** All that is there before the first machine boots. */
export interface Proof {
  readonly subjects: readonly (Prepared | { readonly error: LivepatchError })[];
  /** Undefined where no file got so far as to need a machine. */
  readonly session: Session | undefined;
  readonly workload: Workload;
}

/** Looks at every file, and gathers what the machine needs for those that may enter it. Errors: vm-program-missing. */
export async function prepare(subjects: readonly ProofSubject[], place: ProofPlace, release: string): Promise<Proof> {
  const kernel = await readKernelSymbols(place.kernelOut, release, subjects.flatMap(objectsOf));
  const mustBeSigned = await enforcesSignatures(place.kernelOut);
  const ready = subjects.map((subject, i) => prepareOne(subject, i, kernel, mustBeSigned, place));
  const proved = ready.flatMap((one) => ('plan' in one && one.plan !== null ? [{ ...one, plan: one.plan }] : []));
  const targets = proved.flatMap(({ subject, file }) => [...targetsOf(subject), ...file.depends]);
  const work = await workload(place.toolchain ?? null, kernel.modules, targets);
  const [first] = proved;
  if (first === undefined) return { subjects: ready, session: undefined, workload: work };
  const session = await bootSession(place, {
    release,
    buildId: first.subject.recipe.buildId,
    modules: [...targets, ...work.modules],
    files: [...work.files, ...proved.flatMap(({ plan }) => plan.files)],
  });
  return { subjects: ready, session, workload: work };
}

function prepareOne(
  subject: ProofSubject,
  index: number,
  kernel: KernelSymbols,
  mustBeSigned: boolean,
  { clock }: ProofPlace,
): Prepared | { readonly error: LivepatchError } {
  const started = clock.monotonicMs();
  const { module, moduleName, recipe, hunks = null } = subject;
  try {
    const file = fileChecks({ module, moduleName, recipe, hunks }, kernel);
    const isGood = file.checks.every(({ outcome }) => outcome !== 'failed');
    const plan = isGood ? planSubject(subject, index, file.depends, kernel.modules, mustBeSigned) : null;
    return { subject, file, plan, spent: clock.monotonicMs() - started };
  } catch (error) {
    if (error instanceof LivepatchError) return { error };
    throw error;
  }
}

/** Modules whose symbols are asked for: those it changes, those it refers to, and those its fix touches. */
function objectsOf(subject: ProofSubject): string[] {
  const hunks = (subject.hunks ?? []).flatMap(({ objects }) => objects);
  return [...targetsOf(subject), ...hunks, ...referred(subject)].filter((object) => object !== 'vmlinux');
}

function referred({ module, moduleName }: ProofSubject): string[] {
  try {
    const { symbols } = readModule(module, moduleName);
    return symbols.filter(({ section }) => section === SHN_LIVEPATCH).flatMap(({ name }) => objectOfSymbol(name) ?? []);
  } catch (error) {
    // It is told with the checks of the file.
    if (error instanceof LivepatchError) return [];
    throw error;
  }
}
