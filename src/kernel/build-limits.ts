import { totalmem } from 'node:os';
import { bytesBelow, freeBytes, makeMemoryGroup, type ProcessLimits, usageOf } from '#host';
import { KernelError } from './error.ts';

/** What a build may use. */
export interface BuildLimits {
  readonly timeoutMs: number;
  /** Bytes of memory of all its programs together; null: nine tenths of the machine's. */
  readonly memoryBytes: number | null;
  /** Bytes on disk of the whole tree: source, objects, result; null: until the file system is nearly full. */
  readonly diskBytes: number | null;
}

const SAMPLE_MS = 500;
/** A build leaves this much free for the database and everybody else on the file system. */
const FREE_FLOOR = 512 * 2 ** 20;
/** Counting a tree takes at most a twentieth of one core. */
const COUNT_SHARE = 20;

export const defaultLimits: BuildLimits = { timeoutMs: 4 * 3_600_000, memoryBytes: null, diskBytes: null };

/** Stops a build that uses more than it may: its signal is aborted with the error to tell. */
export interface BuildGuard extends Disposable {
  readonly signal: AbortSignal;
  readonly processLimits: ProcessLimits;
  /** Told every program of the build that starts. */
  watch(pid: number): void;
  /** Waits for a program. Where it fails, why the guard stopped it is the error: the kernel may have killed it between two looks. */
  within<T>(running: Promise<T>): Promise<T>;
}

/**
 * Guards the build in `directory`. Memory is bounded by a cgroup where we may make one; everywhere, each single program
 * gets an address space of twice the cap, and what all of them hold together is looked at twice a second.
 * Errors of the signal: build-timed-out, build-over-memory, build-over-disk, and the reason of `outer`.
 */
export function guardBuild(directory: string, limits: BuildLimits, outer: AbortSignal | undefined): BuildGuard {
  const ending = new AbortController();
  const memory = limits.memoryBytes ?? Math.floor(totalmem() * 0.9);
  const group = limits.memoryBytes === null ? undefined : makeMemoryGroup(memory);
  let pid: number | undefined;
  const stop = (error: KernelError): void => ending.abort(error);
  const checkMemory = (): void => {
    const used = pid === undefined ? 0 : usageOf(pid).memoryBytes;
    if (used > memory || (group?.kills() ?? 0) > 0) stop(overMemory(Math.max(used, memory), memory));
  };
  const disk = diskWatch(directory, limits.diskBytes, stop);
  const sampler = setInterval(() => {
    checkMemory();
    void disk();
  }, SAMPLE_MS);
  const clock = setTimeout(() => stop(timedOut(limits.timeoutMs)), limits.timeoutMs);
  return {
    signal: outer === undefined ? ending.signal : AbortSignal.any([ending.signal, outer]),
    processLimits: {
      ...(limits.memoryBytes === null ? {} : { addressSpaceBytes: 2 * memory }),
      ...(group === undefined ? {} : { cgroupProcs: group.procs }),
    },
    watch: (started) => {
      pid = started;
    },
    within: (running) =>
      running.catch((error: unknown) => {
        checkMemory();
        ending.signal.throwIfAborted();
        throw error;
      }),
    [Symbol.dispose]: () => {
      clearInterval(sampler);
      clearTimeout(clock);
      group?.remove();
    },
  };
}

/** Looks at the free space each time, and counts the tree as often as that is cheap. */
function diskWatch(directory: string, cap: number | null, stop: (error: KernelError) => void): () => Promise<void> {
  let next = 0;
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    try {
      const free = await freeBytes(directory);
      if (free < FREE_FLOOR) stop(overDisk(`only ${mib(free)} are free on its file system`, directory));
      const now = performance.now();
      if (cap === null || now < next) return;
      const used = await bytesBelow(directory);
      next = performance.now() + COUNT_SHARE * (performance.now() - now);
      if (used > cap) stop(overDisk(`it has ${mib(used)} on disk, ${mib(cap)} are allowed`, directory));
    } catch {
      // The tree vanished: make says so better.
    } finally {
      busy = false;
    }
  };
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function timedOut(ms: number): KernelError {
  return new KernelError('build-timed-out', 'toolchain', {
    what: `the build did not end within ${Math.round(ms / 1000)} s and was stopped`,
    remedy: 'give it more time with --timeout, or more jobs with -j',
  });
}

function overMemory(used: number, cap: number): KernelError {
  return new KernelError('build-over-memory', 'toolchain', {
    what: `the build held ${mib(used)} of memory, ${mib(cap)} are allowed; it was stopped`,
    remedy: 'raise --memory, or compile fewer files at once with -j',
  });
}

function overDisk(how: string, directory: string): KernelError {
  return new KernelError('build-over-disk', 'toolchain', {
    what: `the build was stopped: ${how}`,
    where: directory,
    remedy: 'raise --disk, or free space on this file system',
  });
}
