import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { errno, HostError, ProgramError } from './error.ts';
import { type FamilyLimits, watchFamily } from './family.ts';
import { limitWords, type ProcessLimits } from './limits.ts';

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; nothing is inherited but what is given here. Default: PATH, HOME, LANG=C. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds until the whole process group is killed. */
  readonly timeoutMs?: number;
  /** Bytes kept of each stream; more is an error unless `keepTail`, which keeps the last bytes. */
  readonly maxOutput?: number;
  readonly keepTail?: boolean;
  /** stdout as one character a byte (latin1), for what is not text. Default: UTF-8. */
  readonly rawOutput?: boolean;
  /** Exit codes that are not failures. Default: 0. */
  readonly okCodes?: readonly number[];
  readonly signal?: AbortSignal;
  /** Open file descriptors the child gets as 3, 4, … */
  readonly descriptors?: readonly number[];
  /** User and group to run as; only root may give it. */
  readonly uid?: number;
  readonly gid?: number;
  /** The kernel kills the program when this process dies, even by SIGKILL: for what writes where a next run works. */
  readonly diesWithUs?: boolean;
  readonly limits?: ProcessLimits;
  /** What it and all that it starts may use together; more stops them. */
  readonly family?: FamilyLimits;
  /** Told the process number once it runs: for watching what it uses. */
  readonly onStart?: (pid: number) => void;
  /** Called with every chunk of stdout and stderr, for live logs. */
  readonly onOutput?: (text: string) => void;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const DEFAULT_MAX_OUTPUT = 16 << 20;
const KILL_AFTER_MS = 5_000;
/** prctl(2) PR_SET_PDEATHSIG, set between fork and exec by util-linux. */
const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

/** Environment given to every program: no user settings, no locale, no proxies but the documented ones. */
export function plainEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'USER', 'http_proxy', 'https_proxy', 'no_proxy']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...kept, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...extra };
}

/** Why a program was stopped: by time, by its caller, by what it printed or by what its family used. */
type Ended = 'timeout' | 'aborted' | 'overflow' | { readonly over: string } | undefined;

/** Collects output up to a limit; keeps the head or the tail. */
class Collector {
  readonly #chunks: Buffer[] = [];
  readonly #limit: number;
  readonly #tail: boolean;
  #size = 0;
  overflowed = false;

  constructor(limit: number, tail: boolean) {
    this.#limit = limit;
    this.#tail = tail;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#tail && this.#chunks.length > 1 && this.#size - this.#chunks[0]!.length > this.#limit) {
      this.#size -= this.#chunks.shift()!.length;
    }
    if (!this.#tail && this.#size > this.#limit) this.overflowed = true;
  }

  text(encoding: 'utf8' | 'latin1' = 'utf8'): string {
    return Buffer.concat(this.#chunks).toString(encoding);
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error;
  }
}

/**
 * Runs a program without a shell, in a process group of its own, and waits for it.
 * Errors: program-missing, program-failed (with what it printed), timed-out, output-too-long, over-limit.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const limit = options.maxOutput ?? DEFAULT_MAX_OUTPUT;
  const out = new Collector(limit, options.keepTail ?? false);
  const err = new Collector(limit, true);
  options.signal?.throwIfAborted();
  const [file, ...words] = commandOf(program, args, options);
  // The first three are pipes, whatever else is handed down.
  const child = spawn(file, words, {
    cwd: options.cwd,
    env: options.env ?? plainEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  }) as ChildProcessWithoutNullStreams;
  if (child.pid !== undefined) options.onStart?.(child.pid);
  let ended: Ended;
  const stop = (why: Ended): void => {
    ended ??= why;
    killGroup(child, 'SIGTERM');
    setTimeout(() => killGroup(child, 'SIGKILL'), KILL_AFTER_MS).unref();
  };
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), options.timeoutMs);
  const onAbort = (): void => stop('aborted');
  const unwatch =
    options.family === undefined || child.pid === undefined
      ? undefined
      : watchFamily(child.pid, options.family, (over) => stop({ over }));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  child.stdout.on('data', (chunk: Buffer) => {
    out.add(chunk);
    options.onOutput?.(chunk.toString('utf8'));
    if (out.overflowed) stop('overflow');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err.add(chunk);
    options.onOutput?.(chunk.toString('utf8'));
  });
  child.stdin.on('error', () => {}); // A child that does not read its input says so by its exit code.
  child.stdin.end(options.input);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code));
    });
    const result = { exitCode, stdout: out.text(options.rawOutput === true ? 'latin1' : 'utf8'), stderr: err.text() };
    options.signal?.throwIfAborted();
    // What setpriv and prlimit say and exit with when the program behind them cannot be started.
    if ((exitCode === 126 || exitCode === 127) && /^(?:setpriv|prlimit): /.test(result.stderr))
      throw missing(program, options.cwd, result.stderr);
    return judge(program, args, options, ended, result);
  } catch (error) {
    // EACCES: a folder of PATH that may not be read hides the program as well as one that is not there.
    if (errno(error) === 'ENOENT' || errno(error) === 'EACCES') throw missing(program, options.cwd, error);
    throw error;
  } finally {
    clearTimeout(timer);
    unwatch?.();
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function commandOf(program: string, args: readonly string[], options: RunOptions): [string, ...string[]] {
  const before = [...(options.diesWithUs === true ? DIES_WITH_US : []), ...limitWords(options.limits ?? {})];
  const [first, ...rest] = [...before, program, ...args];
  return [first ?? program, ...rest];
}

function missing(program: string, cwd: string | undefined, cause: unknown): HostError {
  return new HostError('program-missing', 'toolchain', {
    what: `cannot start "${program}"`,
    where: cwd,
    remedy: `install the package that holds "${program}" and check that it is on PATH`,
    cause,
  });
}

function judge(
  program: string,
  args: readonly string[],
  options: RunOptions,
  ended: Ended,
  result: { exitCode: number | null; stdout: string; stderr: string },
): RunResult {
  const command = [program, ...args].join(' ').slice(0, 200);
  if (ended === 'timeout') {
    const seconds = Math.round((options.timeoutMs ?? 0) / 1000);
    throw new ProgramError(
      'timed-out',
      'toolchain',
      { what: `${program} did not end within ${seconds} s`, where: command },
      result,
    );
  }
  if (typeof ended === 'object') {
    throw new ProgramError(
      'over-limit',
      'input',
      {
        what: `${program} ${ended.over}; it was stopped`,
        where: command,
        remedy: 'what it was given makes it use more than such work needs: look at it before it is tried again',
      },
      result,
    );
  }
  if (ended === 'overflow') {
    throw new ProgramError(
      'output-too-long',
      'toolchain',
      { what: `${program} printed more than allowed`, where: command },
      result,
    );
  }
  if (result.exitCode !== null && (options.okCodes ?? [0]).includes(result.exitCode))
    return { ...result, exitCode: result.exitCode };
  const lastWords = (result.stderr || result.stdout).trim().split('\n').slice(-3).join(' | ').slice(0, 500);
  const how = result.exitCode === null ? 'was killed' : `ended with ${result.exitCode}`;
  throw new ProgramError(
    'program-failed',
    'toolchain',
    { what: `${program} ${how}: ${lastWords}`, where: command },
    result,
  );
}
