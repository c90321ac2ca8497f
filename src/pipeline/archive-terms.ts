import { type ArchivePlace, mitigate, type Published, recallRelease, setFloors, withdrawMitigations } from '#archive';
import {
  type BuildId,
  isBuildId,
  type PaceFloors,
  type Recall,
  type ReleaseIndex,
  type SignedMitigation,
} from '#domain';
import { KernelError } from '#kernel';
import { addAudit, needKernel, type Store } from '#store';

const WHOLE_BUILD_ID = 40;

export interface TermOptions {
  /** Opened only where it is needed: with a whole build-id a recall goes out also when the database is lost. */
  readonly store: () => Promise<Store>;
  readonly place: ArchivePlace;
  /** Name or id of a kernel; or a whole build-id. */
  readonly kernel: string;
  /** Who decides. */
  readonly by: string;
  readonly propose: boolean;
}

interface Subject {
  readonly buildId: BuildId;
  readonly store: Store | null;
}

/** The build-id of a kernel by its name or id; a whole build-id is one. Errors: kernel-unknown, tree-missing. */
export async function archiveBuildId(store: () => Promise<Store>, kernel: string): Promise<BuildId> {
  return (await subjectOf({ store, kernel })).buildId;
}

async function subjectOf({ store, kernel }: Pick<TermOptions, 'store' | 'kernel'>): Promise<Subject> {
  if (kernel.length >= WHOLE_BUILD_ID && isBuildId(kernel)) return { buildId: kernel, store: null };
  const opened = await store();
  const { buildId } = await needKernel(opened.db, kernel);
  if (buildId !== null) return { buildId, store: opened };
  throw new KernelError('tree-missing', 'input', {
    what: 'the kernel is not built, so it has no build-id',
    where: kernel,
    remedy: `run "tuxtape kernel build ${kernel}"`,
  });
}

/** Into the audit, where there is one: the archive itself keeps who and when. */
async function note(options: TermOptions, { store, buildId }: Subject, action: string, detail: object): Promise<void> {
  if (store === null) return;
  const { place, by, propose } = options;
  const subject = buildId;
  await addAudit(store.db, {
    at: place.clock.now(),
    actor: by,
    action,
    subject,
    detail: { ...detail, proposed: propose },
  });
}

/** Recalls a release of a kernel. Errors: those of `recallRelease`; kernel-unknown, tree-missing. */
export async function recall(options: TermOptions, number: number, reason: string): Promise<Published<Recall>> {
  const subject = await subjectOf(options);
  const { place, by, propose } = options;
  const done = await recallRelease(place, { buildId: subject.buildId, number, reason, by, propose });
  await note(options, subject, 'archive.recall', { number, reason });
  return done;
}

/** Errors: those of `mitigate`; kernel-unknown, tree-missing. */
export async function mitigateKernel(
  options: TermOptions,
  mitigation: SignedMitigation,
): Promise<Published<SignedMitigation>> {
  const subject = await subjectOf(options);
  const { place, propose } = options;
  const done = await mitigate(place, { buildId: subject.buildId, mitigation, propose });
  await note(options, subject, 'archive.mitigate', { cve: mitigation.cve, action: mitigation.action });
  return done;
}

/** Errors: those of `withdrawMitigations`; kernel-unknown, tree-missing. */
export async function withdraw(options: TermOptions, cve: string): Promise<Published<readonly SignedMitigation[]>> {
  const subject = await subjectOf(options);
  const { place, propose } = options;
  const done = await withdrawMitigations(place, { buildId: subject.buildId, cve, propose });
  await note(options, subject, 'archive.withdraw', { cve });
  return done;
}

/** Errors: those of `setFloors`; kernel-unknown, tree-missing. */
export async function floors(options: TermOptions, value: PaceFloors): Promise<Published<ReleaseIndex>> {
  const subject = await subjectOf(options);
  const { place, propose } = options;
  const done = await setFloors(place, { buildId: subject.buildId, floors: value, propose });
  await note(options, subject, 'archive.floors', value);
  return done;
}
