import { isEnded } from '#domain';
import { attemptLog, KernelError, treeLayout } from '#kernel';
import { inTransaction, type KernelBuildRow, type Lease, moveBuild, needBuild, needKernel, noteProgress } from '#store';
import { buildAndProfile } from './kernel.ts';
import { type BuildDoors, toKept } from './kernel-builds.ts';

const POLL_MS = 1_000;
const OWN_POLL_MS = 500;
/** How often a worker looks whether its build is still its own, and says how far it is. */
const LOOK_MS = 1_000;
/** How often it says that it lives; the queue waits several times as long. */
const BEAT_MS = 3_000;

export interface WorkOptions extends BuildDoors {
  /** Aborted when the worker is to stop: the build it is at goes back to the queue. */
  readonly signal: AbortSignal;
  readonly onProgress?: (build: KernelBuildRow, compiled: number, line: string) => void;
  readonly onEnd?: (build: KernelBuildRow) => void;
}

/** Works the queue, one build at a time, until it is told to stop; with `once`, until nothing waits. */
export async function workBuilds(options: WorkOptions, once = false): Promise<void> {
  while (!options.signal.aborted) {
    await options.queue.sweep();
    const lease = await options.queue.take();
    if (lease !== undefined) await workLease(options, lease);
    else if (once) return;
    else await pause(POLL_MS, options.signal);
  }
}

/**
 * Works the queue until one build is over, and returns it. While another worker has it, nothing else is taken up.
 * Errors: the reason of the signal.
 */
export async function workUntilEnded(
  options: WorkOptions,
  id: string,
  onElsewhere: (build: KernelBuildRow) => void,
): Promise<KernelBuildRow> {
  for (;;) {
    options.signal.throwIfAborted();
    const build = await needBuild(options.store.db, id);
    if (isEnded(build.state)) return build;
    await options.queue.sweep();
    const lease = (await options.queue.look(id)) === 'waiting' ? await options.queue.take() : undefined;
    if (lease !== undefined) {
      await workLease(options, lease);
      continue;
    }
    if (build.state === 'running') onElsewhere(build);
    await pause(OWN_POLL_MS, options.signal);
  }
}

/** One turn at one build: claim, build, tell. Whatever comes of it is written under the attempt, or not at all. */
async function workLease(options: WorkOptions, lease: Lease): Promise<void> {
  const { store, queue, clock } = options;
  const build = await inTransaction(store.db, async (tx) => {
    const claimed = await moveBuild(tx, lease.id, { type: 'claim' }, { at: clock.now(), error: toKept(poisoned()) });
    if (claimed?.state !== 'running') await queue.end(tx, lease);
    return claimed;
  });
  if (build === null) return;
  if (build.state === 'running') await attemptBuild(options, lease, build);
  options.onEnd?.(await needBuild(store.db, build.id));
}

async function attemptBuild(options: WorkOptions, lease: Lease, build: KernelBuildRow): Promise<void> {
  const { store, queue, clock } = options;
  const { attempt } = build;
  const kernel = await needKernel(store.db, build.kernelId);
  const log = attemptLog(treeLayout(kernel.treeDirectory), build.id, attempt);
  await using hold = holdLease(options, lease, { id: build.id, attempt, log });
  try {
    await buildAndProfile({
      store,
      name: kernel.id,
      jobs: build.jobs,
      clock,
      signal: AbortSignal.any([options.signal, hold.lost]),
      limits: { ...build, timeoutMs: build.timeoutSeconds * 1000 },
      log,
      onProgress: (compiled, line) => {
        hold.compiled = compiled;
        options.onProgress?.(build, compiled, line);
      },
      stillWanted: hold.check,
      alsoWrite: async (tx, kept) => {
        const facts = { at: clock.now(), compiled: hold.compiled, kept };
        if ((await moveBuild(tx, build.id, { type: 'succeed', attempt }, facts)) === null) throw lost();
        await queue.end(tx, lease);
      },
    });
  } catch (error) {
    if (hold.lost.aborted) return;
    await inTransaction(store.db, async (tx) => {
      if (options.signal.aborted) {
        if (await moveBuild(tx, build.id, { type: 'release', attempt }, { at: clock.now() }))
          await queue.giveBack(tx, lease);
        return;
      }
      const firstError = error instanceof KernelError ? error.message : null;
      const facts = { at: clock.now(), compiled: hold.compiled, error: toKept(error), firstError };
      if (await moveBuild(tx, build.id, { type: 'fail', attempt }, facts)) await queue.end(tx, lease);
    });
  }
}

interface Hold extends AsyncDisposable {
  /** Aborted once the build is not ours any more: cancelled, or taken up by another worker. */
  readonly lost: AbortSignal;
  readonly check: () => Promise<void>;
  compiled: number;
}

/** Keeps the lease and writes the progress while an attempt runs. */
function holdLease(
  { store, queue, clock }: WorkOptions,
  lease: Lease,
  attempt: { readonly id: string; readonly attempt: number; readonly log: string },
): Hold {
  const losing = new AbortController();
  let beat = clock.monotonicMs();
  const look = async (): Promise<void> => {
    if (!(await noteProgress(store.db, attempt, { compiled: hold.compiled, log: attempt.log }))) losing.abort(lost());
    if (clock.monotonicMs() - beat < BEAT_MS) return;
    beat = clock.monotonicMs();
    if (!(await queue.keep(lease))) losing.abort(lost());
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // A database that does not answer takes no lease away: the next look tells.
    looking = looking.then(look).catch(() => undefined);
  }, LOOK_MS);
  const hold: Hold = {
    compiled: 0,
    lost: losing.signal,
    check: async () => {
      await look();
      losing.signal.throwIfAborted();
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await looking;
    },
  };
  looking = look().catch(() => undefined);
  return hold;
}

function lost(): KernelError {
  return new KernelError('build-lost', 'input', {
    what: 'this attempt is over: the build was cancelled, or another worker has taken it up',
    remedy: '"tuxtape kernel builds" says which',
  });
}

function poisoned(): KernelError {
  return new KernelError('build-poisoned', 'toolchain', {
    what: 'its workers died in the middle of it, again and again; it is not tried any more',
    remedy: 'look at the logs of its attempts and at the memory of the machine, then ask for it again',
  });
}

/** Waits; less when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
