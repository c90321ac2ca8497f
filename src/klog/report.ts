/** What kind of trouble a report of the kernel log is. */
export type ReportKind =
  | 'oops'
  | 'page-fault'
  | 'general-protection'
  | 'bug'
  | 'warning'
  | 'kasan'
  | 'ubsan'
  | 'lockdep'
  | 'hung-task'
  | 'lockup'
  | 'rcu-stall'
  | 'refcount'
  | 'memory-leak'
  | 'corruption'
  | 'panic';

/** One report of the kernel: something went wrong. */
export interface KernelReport {
  readonly kind: ReportKind;
  /** The line that says it, without timestamp. */
  readonly title: string;
  /** Line number in the log, from 1. */
  readonly line: number;
  /** Function of the faulting instruction, and the module it lies in, where the report says so. */
  readonly function: string | null;
  readonly module: string | null;
}

/** A message of the kernel's livepatching about one patch (kernel/livepatch, prefix "livepatch: "). */
export interface LivepatchEvent {
  readonly what: 'enabling' | 'starting' | 'complete' | 'signaling' | 'forcing' | 'failed' | 'other';
  readonly patch: string | null;
  readonly text: string;
  readonly line: number;
}

export interface KernelLog {
  readonly reports: readonly KernelReport[];
  readonly livepatch: readonly LivepatchEvent[];
}
