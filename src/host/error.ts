import { type Fault, type Problem, StageError } from '#domain';

export type HostCode =
  | 'program-missing'
  | 'program-failed'
  | 'timed-out'
  | 'output-too-long'
  | 'over-limit'
  | 'file-missing'
  | 'file-unreadable'
  | 'file-too-large'
  | 'disk-full'
  | 'locked'
  | 'address-refused'
  | 'http-failed'
  | 'http-too-large'
  | 'git-failed'
  | 'no-terminal'
  | 'prompt-stopped'
  | 'git-object-missing';

export class HostError extends StageError<HostCode> {}

/** The server answered, with a status that is no success. */
export class HttpStatusError extends HostError {
  readonly status: number;
  /** Milliseconds the server asked to wait (Retry-After in seconds, RFC 9110 section 10.2.3); null when it did not. */
  readonly retryAfterMs: number | null;

  constructor(url: string, status: number, retryAfter: string | null = null) {
    super('http-failed', 'network', { what: `the server answered ${status}`, where: url });
    this.status = status;
    this.retryAfterMs = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : null;
  }
}

/** A program that ran and ended badly: keeps what it printed, so that the next layer can say why. */
export class ProgramError extends HostError {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    code: HostCode,
    fault: Fault,
    problem: Problem,
    result: { exitCode: number | null; stdout: string; stderr: string },
  ) {
    super(code, fault, problem);
    this.exitCode = result.exitCode;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Turns a node:fs error into ours; anything unknown passes through unchanged. */
export function fromErrno(error: unknown, path: string, doing: string): unknown {
  switch (errno(error)) {
    case 'ENOENT':
      return new HostError('file-missing', 'input', {
        what: `cannot ${doing}: it does not exist`,
        where: path,
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EISDIR':
    case 'ENOTDIR':
      return new HostError('file-unreadable', 'input', {
        what: `cannot ${doing}: ${errno(error)}`,
        where: path,
        remedy: 'check the path and its permissions',
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new HostError('disk-full', 'toolchain', {
        what: `cannot ${doing}: no space left`,
        where: path,
        remedy: 'free space on this file system, then run the command again; nothing was half-written',
        cause: error,
      });
    default:
      return error;
  }
}
