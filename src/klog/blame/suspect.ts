import type { PatchedFunction } from '#domain';

/** What is known of a livepatch that is, or was, on the host that printed a report. */
export interface SuspectLivepatch {
  readonly moduleName: string;
  /** What it replaces, as /sys/kernel/livepatch/<module>/<object>/<function> lists it; object `vmlinux` or a module. */
  readonly replaced: readonly PatchedFunction[];
  /** Functions that call those, where the build says so. */
  readonly callers: readonly PatchedFunction[];
  /** When its loading began; null where nobody knows. */
  readonly loaded: LoadPoint | null;
}

/** A point of the log: seconds since boot as printk counts them (sleep is not in it), and line of the same input. */
export interface LoadPoint {
  readonly seconds: number | null;
  readonly line: number | null;
}

/** Keys of reports that are known not to be of the livepatch; null: not known, which is told apart from none. */
export interface Baseline {
  /** Of this host, before the livepatch was loaded. */
  readonly host: ReadonlySet<string> | null;
  /** Of hosts with the same kernel that do not have it. */
  readonly peers: ReadonlySet<string> | null;
}
