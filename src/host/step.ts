import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { errno } from './error.ts';

export interface StepOptions {
  readonly timeoutMs: number;
  /** Bytes of output that are kept, from its end. */
  readonly maxOutput: number;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StepResult {
  /** Null: it was killed by a signal, or did not end at all. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  /** The end of what it printed, both streams as they came. */
  readonly output: string;
  /** Milliseconds, by the monotonic clock. */
  readonly ms: number;
}

/** What a stopped program gets to clean up in. */
const TERM_MS = 5_000;
/** One that cannot even be killed (it sleeps in the kernel) is not waited for any longer. */
const KILL_MS = 5_000;
/** Output that is already in the pipe when a program ends. */
const DRAIN_MS = 200;

/**
 * Runs a program without a shell and waits for its end alone: what it started and left behind (a service that it brought back) may keep the
 * output open and lives on. It is killed when this process dies. Never throws for what the program does; a program that cannot be started
 * ends with 127, as from a shell.
 */
export async function runStep(program: string, args: readonly string[], options: StepOptions): Promise<StepResult> {
  const started = performance.now();
  // PR_SET_PDEATHSIG: a killed runner leaves no hook that goes on beside the next one.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    cwd: '/',
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tail = new Tail(options.maxOutput);
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => tail.add(chunk));
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code));
    child.on('error', (error) => {
      tail.add(Buffer.from(error.message));
      resolve(127);
    });
  });
  const inTime = await within(ended, options.timeoutMs);
  let exitCode: number | null = inTime === 'late' ? null : inTime;
  if (inTime === 'late') {
    for (const [signal, ms] of [
      ['SIGTERM', TERM_MS],
      ['SIGKILL', KILL_MS],
    ] as const) {
      killGroup(child, signal);
      const last = await within(ended, ms);
      if (last === 'late') continue;
      exitCode = last;
      break;
    }
    // It may have gone without those that it started.
    killGroup(child, 'SIGKILL');
  }
  await Promise.race([wait(DRAIN_MS), Promise.all([child.stdout, child.stderr].map(closed))]);
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  return { exitCode, timedOut: inTime === 'late', output: tail.text(), ms: performance.now() - started };
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | 'late'> {
  const stop = new AbortController();
  try {
    return await Promise.race([promise, wait(ms, 'late' as const, { signal: stop.signal })]);
  } finally {
    stop.abort();
  }
}

function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
    if (stream.closed) resolve();
  });
}

function killGroup({ pid }: ChildProcessByStdio<null, Readable, Readable>, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error;
  }
}

class Tail {
  readonly #limit: number;
  #bytes = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length > this.#limit) this.#bytes = Buffer.from(this.#bytes.subarray(-this.#limit));
  }

  text(): string {
    return this.#bytes.toString('utf8');
  }
}
