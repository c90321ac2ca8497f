import { type JobFailureMessage, type JobResultMessage, MAX_JOB_LOG } from '#contract';
import { type BuildEvent, type BuildId, chooseKernel, type MadeParts } from '#domain';
import { LivepatchError, type LivepatchModule, readLivepatchModule } from '#livepatch';
import {
  type BuilderRow,
  type Db,
  inTransaction,
  type JobFacts,
  type Lease,
  type LivepatchJobRow,
  moveJob,
  needJob,
  noteJobLog,
  seeBuilder,
  waitingKernels,
} from '#store';
import { toKept } from '../kernel-builds.ts';
import { passes } from '../passing.ts';
import { type JobDoors, queueOf } from './doors.ts';

/** So much later than its builder the server ends a job that takes too long. */
const GRACE_MS = 10_000;

/** Gives a builder the most urgent job that it can do; null: none waits. A job whose builder fell silent is found here, too. */
export async function leaseJob(
  doors: JobDoors,
  builder: BuilderRow,
  { version, kernels }: { readonly version: string; readonly kernels: readonly BuildId[] },
): Promise<LivepatchJobRow | null> {
  const { store, clock } = doors;
  await seeBuilder(store.db, builder.name, { at: clock.now(), version, kernels });
  let waiting = await waitingKernels(store.db);
  for (;;) {
    const buildId = chooseKernel(waiting, kernels, clock.now());
    if (buildId === null) return null;
    const queue = await queueOf(doors, buildId);
    await queue.sweep();
    const lease = await queue.take();
    if (lease === undefined) waiting = waiting.filter((one) => one.buildId !== buildId);
    else {
      const job = await claim(doors, builder, lease, buildId);
      if (job !== null) return job;
    }
  }
}

async function claim(
  doors: JobDoors,
  { name: builder }: BuilderRow,
  lease: Lease,
  buildId: BuildId,
): Promise<LivepatchJobRow | null> {
  const { store, clock } = doors;
  const queue = await queueOf(doors, buildId);
  return inTransaction(store.db, async (tx) => {
    const facts = { at: clock.now(), builder, lease: lease.retryCount, error: toKept(poisoned()) };
    const job = await moveJob(tx, lease.id, { type: 'claim' }, facts);
    if (job?.state === 'running') return job;
    await queue.end(tx, lease);
    return null;
  });
}

/** Who says something of a job. */
export interface JobWord {
  readonly builder: BuilderRow;
  readonly id: string;
  readonly attempt: number;
}

/** A builder lives. False: the job is not its own any more. */
export async function beatJob(doors: JobDoors, word: JobWord, log: string): Promise<boolean> {
  const { store, clock } = doors;
  const job = await ownJob(doors, word);
  if (job === null || !(await noteJobLog(store.db, word, log, MAX_JOB_LOG))) return false;
  const took = clock.now().getTime() - (job.startedAt ?? clock.now()).getTime();
  if (took > job.timeoutSeconds * 1000 + GRACE_MS) {
    await settle(doors, word, { type: 'fail', attempt: word.attempt }, { error: toKept(late(job)) });
    return false;
  }
  return (await queueOf(doors, job.order.buildId)).keep(leaseOf(job));
}

/** A builder brings a module. What it says of it is held against the module's own bytes. False: it is not wanted. */
export async function finishJob(doors: JobDoors, word: JobWord, message: JobResultMessage): Promise<boolean> {
  const job = await ownJob(doors, word);
  if (job === null) return false;
  await noteJobLog(doors.store.db, word, message.log, MAX_JOB_LOG);
  const module = Buffer.from(message.module, 'base64');
  const { attempt } = word;
  try {
    refuseOther(job, module, message.made);
  } catch (error) {
    await settle(doors, word, { type: 'fail', attempt }, { error: toKept(error) });
    throw error;
  }
  const result = { module, made: message.made };
  return settle(doors, word, { type: 'succeed', attempt }, { result });
}

/** A builder has no module. Where its machine failed, not the change, another attempt is made. */
export async function failJob(doors: JobDoors, word: JobWord, { log, error }: JobFailureMessage): Promise<boolean> {
  if ((await ownJob(doors, word)) === null) return false;
  await noteJobLog(doors.store.db, word, log, MAX_JOB_LOG);
  const type = passes(error.code) ? 'falter' : 'fail';
  return settle(doors, word, { type, attempt: word.attempt }, { error });
}

/** A builder stops, and gives the job to another. */
export async function returnJob(doors: JobDoors, word: JobWord): Promise<boolean> {
  if ((await ownJob(doors, word)) === null) return false;
  return settle(doors, word, { type: 'release', attempt: word.attempt }, {});
}

/** Moves the job and its lease as one. */
async function settle(
  doors: JobDoors,
  { id }: JobWord,
  event: BuildEvent,
  facts: Omit<JobFacts, 'at'>,
): Promise<boolean> {
  const { store, clock } = doors;
  const before = await needJob(store.db, id);
  const queue = await queueOf(doors, before.order.buildId);
  return inTransaction(store.db, async (tx: Db) => {
    const after = await moveJob(tx, id, event, { ...facts, at: clock.now() });
    if (after === null) return false;
    await (after.state === 'queued' ? queue.giveBack(tx, leaseOf(before)) : queue.end(tx, leaseOf(before)));
    return true;
  });
}

/** The job, if it is this builder's: a builder may say nothing of another's. */
async function ownJob({ store }: JobDoors, { builder, id, attempt }: JobWord): Promise<LivepatchJobRow | null> {
  const job = await needJob(store.db, id);
  return job.builder === builder.name && job.state === 'running' && job.attempt === attempt ? job : null;
}

function leaseOf({ id, lease }: LivepatchJobRow): Lease {
  return { id, retryCount: lease ?? 0 };
}

/** Errors: module-refused: what came is not what was asked for, or not what the builder says of it. */
function refuseOther({ id, order, builder }: LivepatchJobRow, module: Buffer, { functions }: MadeParts): void {
  const where = `job ${id}`;
  const refused = (what: string, cause?: unknown): LivepatchError =>
    new LivepatchError('module-refused', 'untrusted', {
      what: `builder ${builder} brought ${what}`,
      where,
      remedy: 'look at that machine before it makes another: "tuxtape builder remove" ends its token',
      cause,
    });
  let found: LivepatchModule;
  try {
    found = readLivepatchModule(module, where);
  } catch (cause) {
    throw refused('a file that is no livepatch module', cause);
  }
  const { moduleName, release, replaced } = found;
  if (moduleName !== order.moduleName) throw refused(`module ${moduleName}, not ${order.moduleName}`);
  if (release !== order.kernelRelease) throw refused(`a module for ${release}, not ${order.kernelRelease}`);
  const said = new Set(functions.map(({ object, name }) => `${object}:${name}`));
  const real = new Set(replaced.map(({ object, name }) => `${object}:${name}`));
  const off = [...[...said].filter((one) => !real.has(one)), ...[...real].filter((one) => !said.has(one))];
  if (off.length > 0)
    throw refused(`a module that replaces other functions than it says: ${off.slice(0, 5).join(', ')}`);
}

function poisoned(): LivepatchError {
  return new LivepatchError('job-poisoned', 'toolchain', {
    what: 'its builders died in the middle of it, again and again; it is not tried any more',
    remedy: 'look at its log and at the memory of the builders, then ask again with "tuxtape job retry"',
  });
}

function late({ timeoutSeconds }: LivepatchJobRow): LivepatchError {
  return new LivepatchError('job-late', 'patch', {
    what: `it was not made within ${timeoutSeconds} s`,
    remedy: 'ask again with more time, or look at what its log ends with',
  });
}
