import { isEnded, StageError } from '#domain';
import type { Clock } from '#host';
import { type KernelCode, KernelError } from '#kernel';
import {
  askForBuild,
  type BuildCaps,
  type BuildQueue,
  inTransaction,
  type KeptError,
  type KernelBuildRow,
  moveBuild,
  needBuild,
  needKernel,
  type Store,
} from '#store';

/** The doors of everything that touches builds in the queue. */
export interface BuildDoors {
  readonly store: Store;
  readonly queue: BuildQueue;
  readonly clock: Clock;
}

export interface RequestOptions extends BuildCaps {
  readonly kernel: string;
  readonly jobs: number;
  readonly by: string;
}

/**
 * Asks for a build: the row and its job appear together or not at all. Joins the build of this kernel that waits or
 * runs, and puts its job back where the queue has lost it. Errors: not-found, already-there, tree-missing.
 */
export async function requestBuild(
  { store, queue, clock }: BuildDoors,
  options: RequestOptions,
): Promise<{ build: KernelBuildRow; joined: boolean }> {
  const kernel = await needKernel(store.db, options.kernel);
  if (kernel.treeDirectory === '') {
    throw new KernelError('tree-missing', 'input', {
      what: 'this kernel has no tree to build in',
      where: kernel.name,
      remedy: 'add it from its source with "tuxtape kernel add"',
    });
  }
  const request = { ...options, kernelId: kernel.id, requestedBy: options.by, at: clock.now() };
  return inTransaction(store.db, async (tx) => {
    const asked = await askForBuild(tx, request);
    const lost = asked.joined && (await queue.look(asked.build.id)) === 'gone';
    if (!asked.joined || lost) await queue.send(tx, asked.build.id);
    return asked;
  });
}

/**
 * Cancels the build of this id, or the newest of this kernel. From then on nothing its worker writes counts; the worker
 * ends make within seconds. Errors: not-found, build-cancelled (when it is over already).
 */
export async function cancelBuild({ store, queue, clock }: BuildDoors, key: string): Promise<KernelBuildRow> {
  const { id } = await needBuild(store.db, key);
  return inTransaction(store.db, async (tx) => {
    const cancelled = await moveBuild(tx, id, { type: 'cancel' }, { at: clock.now() });
    if (cancelled === null) {
      const { state } = await needBuild(tx, id);
      throw new KernelError('build-cancelled', 'input', {
        what: `there is nothing to cancel: this build is ${state}`,
        where: id,
        remedy: '"tuxtape kernel builds" lists those that wait or run',
      });
    }
    await queue.drop(tx, id);
    return cancelled;
  });
}

/** The failure of a build that has ended, as whoever built it met it; undefined for one that is done, or not over. */
export function failureOf(build: KernelBuildRow): KernelError | undefined {
  if (build.state === 'cancelled') {
    return new KernelError('build-cancelled', 'input', {
      what: 'the build was cancelled',
      where: build.kernel,
      remedy: `ask again with "tuxtape kernel build ${build.kernel}"`,
    });
  }
  if (!isEnded(build.state) || build.error === null) return undefined;
  const { code, fault, what, where, remedy } = build.error;
  // The code may be that of another stage: it is told as it was met.
  return new KernelError(code as KernelCode, fault, {
    what,
    where: where ?? undefined,
    remedy: remedy ?? undefined,
  });
}

/** An error as it is kept with the build. */
export function toKept(error: unknown): KeptError {
  if (error instanceof StageError) {
    const { code, fault, message: what, where = null, remedy = null } = error;
    return { code, fault, what, where, remedy };
  }
  const what = error instanceof Error ? error.message : String(error);
  return { code: 'internal', fault: 'us', what, where: null, remedy: 'please report this with the log of the build' };
}
