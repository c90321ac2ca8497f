import { setTimeout as sleep } from 'node:timers/promises';
import type { CveId } from '#domain';
import { sha256 } from '#host';
import { type LivepatchCode, LivepatchError } from '#livepatch';
import { findResult, jobResult, type LivepatchJobRow, needJob } from '#store';
import type { Maker } from '../livepatch-make.ts';
import type { JobDoors } from './doors.ts';
import { cancelJob, requestJob } from './request.ts';

const POLL_MS = 300;

/** What a builder is asked with. */
export interface AskOptions {
  readonly kernelId: string;
  readonly cves: readonly CveId[];
  /** Higher goes first. */
  readonly priority: number;
  readonly timeoutSeconds: number;
  readonly by: string;
  /** Told when the job waits, runs on another builder, or is over. */
  readonly onStand?: (job: LivepatchJobRow) => void;
}

/**
 * A maker that puts the order into the queue and waits for a builder. What was made of the very same order is taken as it is. When it
 * is told to stop, its own job is cancelled. Errors: as the builder met them; job-cancelled, job-lost.
 */
export function makeByBuilders(doors: JobDoors, options: AskOptions): Maker {
  return async (_place, order, { signal, onOutput }) => {
    const { store } = doors;
    const kept = await findResult(store.db, order);
    if (kept !== undefined) return madeBy(doors, await needJob(store.db, kept));
    const request = { ...options, order, requestedBy: options.by };
    const { job, joined } = await requestJob(doors, request);
    try {
      const ended = await wait(doors, job.id, options.onStand, signal);
      onOutput(ended.log);
      return await madeBy(doors, ended);
    } catch (error) {
      // Whoever asked before us still wants it.
      if (signal?.aborted === true && !joined) await cancelJob(doors, job.id).catch(() => undefined);
      throw error;
    }
  };
}

async function wait(
  { store }: JobDoors,
  id: string,
  onStand: AskOptions['onStand'],
  signal: AbortSignal | undefined,
): Promise<LivepatchJobRow> {
  let told = '';
  for (;;) {
    signal?.throwIfAborted();
    const job = await needJob(store.db, id);
    const stand = `${job.state} ${job.attempt} ${job.log.length}`;
    if (stand !== told) onStand?.(job);
    told = stand;
    if (job.state === 'done' || job.state === 'failed' || job.state === 'cancelled') return job;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function madeBy({ store }: JobDoors, job: LivepatchJobRow): ReturnType<Maker> {
  const failure = failureOfJob(job);
  if (failure !== null) throw failure;
  const result = await jobResult(store.db, job.id);
  if (result === undefined)
    throw new LivepatchError('job-lost', 'us', {
      what: 'the module that a builder made is not kept any more',
      where: `job ${job.id}`,
      remedy: 'build it again',
    });
  const { module: bytes, made } = result;
  return { ...made, bytes, sha256: sha256(bytes), builder: job.builder };
}

/** The failure of a job, as its builder met it; null: it is done, or not over. */
export function failureOfJob(job: LivepatchJobRow): LivepatchError | null {
  if (job.state === 'cancelled')
    return new LivepatchError('job-cancelled', 'input', {
      what: 'the job was cancelled',
      where: `job ${job.id}`,
      remedy: 'ask again with "tuxtape job retry", or build anew',
    });
  if (job.state !== 'failed' || job.error === null) return null;
  const { code, fault, what, where, remedy } = job.error;
  // The code may be that of another stage: it is told as it was met.
  return new LivepatchError(code as LivepatchCode, fault, {
    what,
    where: where ?? `job ${job.id}`,
    remedy: remedy ?? undefined,
  });
}
