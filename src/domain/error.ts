/** Whose fault a failure is: decides who is told, whether a retry can help, and the exit code of the CLI. */
export type Fault =
  | 'input' // what the operator gave: arguments, files, configuration
  | 'patch' // the change does not apply, does not compile, cannot be livepatched
  | 'kernel-source' // the kernel tree or its configuration does not build
  | 'toolchain' // a program, package or the machine (disk, memory) is missing or broken
  | 'network' // the other side did not answer, or not in time
  | 'untrusted' // the other side answered with something that must not be believed
  | 'us'; // a defect of TuxTape

export interface Problem {
  /** What was wrong, one sentence without a full stop. */
  readonly what: string;
  /** Where: a path, a URL, a commit, a line, a CVE id. */
  readonly where?: string | undefined;
  /** What the reader can do about it. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one error shape of TuxTape. Every stage has a subclass with a closed union of codes in its `error.ts`;
 * tests and callers match `code`, never the message.
 */
export abstract class StageError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly fault: Fault;
  readonly where: string | undefined;
  readonly remedy: string | undefined;

  constructor(code: Code, fault: Fault, problem: Problem) {
    super(problem.what, problem.cause === undefined ? undefined : { cause: problem.cause });
    this.name = new.target.name;
    this.code = code;
    this.fault = fault;
    this.where = problem.where;
    this.remedy = problem.remedy;
  }
}

/** Is this error of the given code? Narrows without a string match on messages. */
export function hasCode<Code extends string>(error: unknown, ...codes: Code[]): error is StageError<Code> {
  return error instanceof StageError && (codes as string[]).includes(String(error.code));
}

/** What a caught value says: anything can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : JSON.stringify(thrown);
}
