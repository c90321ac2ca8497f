import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuilderClient, type LeasedJob, MAX_LOG_PART } from '#contract';
import { type BuildId, type LivepatchOrder, StageError } from '#domain';
import { exists, fromErrno } from '#host';
import { needBuilt } from '#kernel';
import { LivepatchError } from '#livepatch';
import { parseDiff, refuseBuildFiles } from '#patch';
import { type KernelRow, listKernels, type Store } from '#store';
import { toKept } from '../kernel-builds.ts';
import { type Made, type MakePlace, makeHere } from '../livepatch-make.ts';
import { passes } from '../passing.ts';
import { patchPlace } from '../patch-place.ts';

const POLL_MS = 2_000;
/** The server waits four times as long for a word. */
const BEAT_MS = 3_000;
/** A machine that failed a job lets others have it first. */
const REST_MS = 10_000;
const LONGEST_PAUSE_MS = 30_000;
/** How often a result is offered to a server that does not answer. */
const OFFERS = 20;

export interface BuilderWork {
  /** Of this machine: the kernels that are built here. */
  readonly store: Store;
  readonly client: BuilderClient;
  readonly version: string;
  /** Compilations at once. */
  readonly jobs: number;
  /** Aborted when the builder is to stop: the job it is at goes back. */
  readonly signal: AbortSignal;
  readonly onJob: (job: LeasedJob, what: 'taken' | 'made' | 'failed' | 'lost' | 'returned', why: string) => void;
  /** The server could not be asked. */
  readonly onTrouble: (error: unknown) => void;
}

/** Makes what the server has for this machine, one livepatch at a time, until it is told to stop; with `once`, until nothing waits. */
export async function workForServer(work: BuilderWork, once = false): Promise<void> {
  const used: BuildId[] = [];
  let pause = POLL_MS;
  while (!work.signal.aborted) {
    try {
      const kernels = await builtKernels(work.store, used);
      const job = await work.client.lease({ version: work.version, kernels: [...kernels.keys()] });
      pause = POLL_MS;
      if (job === null && once) return;
      if (job !== null) {
        const { buildId } = job.order;
        used.splice(0, used.length, buildId, ...used.filter((one) => one !== buildId));
        if ((await workOn(work, job, kernels.get(buildId))) === 'rest') pause = REST_MS;
        else continue;
      }
    } catch (error) {
      if (work.signal.aborted) return;
      if (once) throw error;
      work.onTrouble(error);
      // Spread, so that a server that comes back is not met by all at once.
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
    }
    await sleep(pause, undefined, { signal: work.signal }).catch(() => undefined);
  }
}

/** The kernels that lie built on this machine, those that were used last first. */
async function builtKernels({ db }: Store, used: readonly BuildId[]): Promise<Map<BuildId, KernelRow>> {
  const found = new Map<BuildId, KernelRow>();
  for (const kernel of await listKernels(db))
    if (kernel.buildId !== null && kernel.treeDirectory !== '' && (await exists(kernel.treeDirectory)))
      found.set(kernel.buildId, kernel);
  const order = (buildId: BuildId): number => (used.includes(buildId) ? used.indexOf(buildId) : used.length);
  return new Map([...found].toSorted(([a], [b]) => order(a) - order(b)));
}

/** One job, from the lease to its end. `rest`: this machine failed it. */
async function workOn(work: BuilderWork, job: LeasedJob, kernel: KernelRow | undefined): Promise<'on' | 'rest'> {
  const { client, onJob } = work;
  const { id, attempt } = job;
  const hold = holdJob(client, job);
  let folder: string | undefined;
  try {
    onJob(job, 'taken', job.order.moduleName);
    folder = await workFolder();
    const limit = AbortSignal.timeout(job.timeoutSeconds * 1000);
    const signal = AbortSignal.any([work.signal, hold.lost, limit]);
    const { store, jobs } = work;
    const made = await make(kernel, job.order, { store, jobs, signal, work: folder, onOutput: hold.say });
    const { bytes, sha256: _hash, builder: _nobody, ...parts } = made;
    const message = { attempt, log: hold.rest(), module: bytes.toString('base64'), made: toMessage(parts) };
    const isWanted = await offer(work.signal, () => client.finish(id, message));
    onJob(job, isWanted ? 'made' : 'lost', isWanted ? made.sha256 : 'the server does not want it any more');
    return 'on';
  } catch (error) {
    if (hold.lost.aborted) {
      onJob(job, 'lost', 'it was cancelled, or another builder has it');
      return 'on';
    }
    if (work.signal.aborted) {
      await client.giveBack(id, attempt).catch(() => undefined);
      onJob(job, 'returned', 'this builder stops');
      return 'on';
    }
    const kept = toKept(error);
    await offer(work.signal, () => client.fail(id, { attempt, log: hold.rest(), error: short(kept) }));
    onJob(job, 'failed', kept.what);
    return passes(kept.code) ? 'rest' : 'on';
  } finally {
    await hold.end();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Errors: disk-full, and the others of a folder that cannot be made: this machine's trouble, and none of the change. */
async function workFolder(): Promise<string> {
  const prefix = join(tmpdir(), 'tuxtape-job-');
  return mkdtemp(prefix).catch((error: unknown) => {
    throw fromErrno(error, prefix, 'make a folder to work in');
  });
}

type MakeHere = Parameters<typeof makeHere>[2] & { readonly store: Store };

/** The server is believed in nothing that this machine can check: what it sends is a patch of strangers. */
async function make(kernel: KernelRow | undefined, order: LivepatchOrder, options: MakeHere): Promise<Made> {
  if (kernel === undefined)
    throw new LivepatchError('toolchain-mismatch', 'toolchain', {
      what: 'this builder does not have that kernel any more',
      where: order.buildId,
      remedy: 'build it on the builder',
    });
  const found = await patchPlace(options.store, kernel.id, null);
  const { layout, profile } = found;
  const built = await needBuilt(layout);
  if (built.buildId !== order.buildId || built.release !== order.kernelRelease)
    throw new LivepatchError('toolchain-mismatch', 'toolchain', {
      what: `the kernel of the job is ${order.kernelRelease} (${order.buildId}), the one here ${built.release} (${built.buildId})`,
      where: kernel.name,
      remedy: 'build the kernel on this machine as the server has it',
    });
  refuseBuildFiles(parseDiff(order.patch, order.moduleName), order.moduleName);
  const place: MakePlace = { layout, toolchain: kernel.toolchain, version: kernel.version, profile };
  return makeHere(place, order, options);
}

interface Hold {
  /** Aborted once the job is not ours any more. */
  readonly lost: AbortSignal;
  readonly say: (text: string) => void;
  /** What was not told yet: as much of its end as one message takes. */
  readonly rest: () => string;
  readonly end: () => Promise<void>;
}

/** Tells the server that this machine lives, and what it prints. */
function holdJob(client: BuilderClient, { id, attempt }: LeasedJob): Hold {
  const losing = new AbortController();
  let text = '';
  const rest = (): string => {
    const told = text.slice(-MAX_LOG_PART);
    text = '';
    return told;
  };
  const beat = async (): Promise<void> => {
    const part = rest();
    try {
      if (!(await client.beat(id, attempt, part))) losing.abort();
    } catch {
      // A server that does not answer takes no job away: when it is back, it says whose the job is.
      text = (part + text).slice(-MAX_LOG_PART);
    }
  };
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    beating = beating.then(beat);
  }, BEAT_MS);
  return {
    lost: losing.signal,
    say: (more) => {
      text = (text + more).slice(-MAX_LOG_PART);
    },
    rest,
    end: async () => {
      clearInterval(timer);
      await beating;
    },
  };
}

/** Tries again while the server cannot be reached: what took minutes to make is not thrown away for a restart of the server. */
async function offer(signal: AbortSignal, send: () => Promise<boolean>): Promise<boolean> {
  for (let left = OFFERS; ; left -= 1) {
    try {
      return await send();
    } catch (error) {
      const isAway = error instanceof StageError && error.fault === 'network';
      if (!isAway || left === 0 || signal.aborted) throw error;
      await sleep(BEAT_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

type Kept = ReturnType<typeof toKept>;

/** As long as a message may be. */
function short(error: Kept): Kept {
  const cut = <T extends string | null>(text: T): T => (text === null ? text : (text.slice(0, 8_000) as T));
  return { ...error, what: cut(error.what), where: cut(error.where), remedy: cut(error.remedy) };
}

type Parts = Omit<Made, 'bytes' | 'sha256' | 'builder'>;

/** A message owns its lists. */
function toMessage(parts: Parts): Parameters<BuilderClient['finish']>[1]['made'] {
  return {
    ...parts,
    functions: [...parts.functions],
    sameCode: [...parts.sameCode],
    leftBehind: parts.leftBehind.map(({ name, callers }) => ({ name, callers: [...callers] })),
    findings: [...parts.findings],
  };
}
