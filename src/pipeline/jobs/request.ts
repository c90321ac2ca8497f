import { LivepatchError } from '#livepatch';
import {
  askForLivepatch,
  inTransaction,
  type LivepatchJobRequest,
  type LivepatchJobRow,
  moveJob,
  needJob,
  pruneResults,
} from '#store';
import { type JobDoors, queueOf } from './doors.ts';

/** A module that nobody fetched for so long is not kept any more. */
const RESULT_KEPT_MS = 24 * 3_600_000;

/** Asks for a livepatch: row and lease appear together or not at all. Joins the job of the same order that waits or runs. */
export async function requestJob(
  doors: JobDoors,
  request: Omit<LivepatchJobRequest, 'at'>,
): Promise<{ job: LivepatchJobRow; joined: boolean }> {
  const { store, clock } = doors;
  const at = clock.now();
  await pruneResults(store.db, new Date(at.getTime() - RESULT_KEPT_MS));
  const queue = await queueOf(doors, request.order.buildId);
  return inTransaction(store.db, async (tx) => {
    const asked = await askForLivepatch(tx, { ...request, at });
    const isLost = asked.joined && (await queue.look(asked.job.id)) === 'gone';
    if (!asked.joined || isLost) await queue.send(tx, asked.job.id, asked.job.priority);
    return asked;
  });
}

/** From then on nothing its builder says counts; the builder ends its compilers within seconds. Errors: not-found, job-over. */
export async function cancelJob(doors: JobDoors, id: string): Promise<LivepatchJobRow> {
  const { store, clock } = doors;
  const { order } = await needJob(store.db, id);
  const queue = await queueOf(doors, order.buildId);
  return inTransaction(store.db, async (tx) => {
    const cancelled = await moveJob(tx, id, { type: 'cancel' }, { at: clock.now() });
    if (cancelled === null) throw over(await needJob(tx, id), 'there is nothing to cancel');
    await queue.drop(tx, id);
    return cancelled;
  });
}

/** Asks again for what failed, was parked, or was cancelled. Errors: not-found, job-over. */
export async function retryJob(doors: JobDoors, id: string, by: string): Promise<LivepatchJobRow> {
  const job = await needJob(doors.store.db, id);
  if (job.state !== 'failed' && job.state !== 'cancelled') throw over(job, 'there is nothing to try again');
  return (await requestJob(doors, { ...job, requestedBy: by })).job;
}

function over({ id, state }: LivepatchJobRow, what: string): LivepatchError {
  return new LivepatchError('job-over', 'input', {
    what: `${what}: this job is ${state}`,
    where: id,
    remedy: '"tuxtape job list" says where each stands',
  });
}
