import type { ReportKind, Severity } from '../report.ts';

/**
 * Where the guilty function is looked for, in this order: `instruction` the faulting one; `fault` the same, whatever it is; `trace` the call trace, with the
 * instruction where it stands in it; `head` the function that the first line names; `named` the same, whatever it is; `lock` where the lock was taken; `caller`
 * what stands behind `caller is`; `calls` the call trace alone; `any` all traces in the order printed; `interrupt` where an interrupt takes the lock; `stall` the representative frame of a loop.
 */
export type Source =
  | 'instruction'
  | 'fault'
  | 'trace'
  | 'head'
  | 'named'
  | 'lock'
  | 'caller'
  | 'stall'
  | 'calls'
  | 'interrupt'
  | 'any';

/**
 * What a start means beside an open report of the same printer. `report`: a new one. `die`: printed by the same fault as the
 * line above it (`Oops:` after `BUG: unable to handle`). `panic`: the consequence of what went before. `prelude`: announces a
 * WARNING or BUG that follows at once.
 */
export type Role = 'report' | 'die' | 'panic' | 'prelude';

/** Another customary way to name the same: `bad-access in f` for every kind of bad access. */
export type Class = 'bad-access' | 'invalid-free' | 'stall' | 'hang' | 'stack-overflow';

/** One way in which a report begins. */
export interface Start {
  /** Literal text that the line begins with. */
  readonly text: string;
  readonly kind: ReportKind;
  readonly severity: Severity;
  /** What must follow the text; its groups are `{1}`, `{2}` of the title. */
  readonly form?: RegExp;
  /** `{frame}` the guilty function, `{access}` Read or Write, `{rest}` the rest of the line without numbers and addresses. */
  readonly title: string;
  readonly guilty: readonly Source[];
  /** Frames that are not guilty in this kind of report, beside the general ones. */
  readonly skip?: RegExp;
  readonly class?: Class;
  readonly role?: Role;
  /** False: such a report has no call trace, and is whole without one. */
  readonly trace?: boolean;
  /**
   * Nothing but a call trace or the line of the processor makes it a report: a network device that a user names `BUG` has the
   * kernel print `BUG: entered promiscuous mode` (net/core/dev.c, netdev_printk).
   */
  readonly needsBody?: boolean;
  /** Such a line stands within a report, whose head is lost. */
  readonly fragment?: boolean;
}

/** A line that begins a report. */
export interface Head {
  readonly start: Start;
  readonly groups: readonly string[];
  readonly text: string;
  /** The module that the line speaks of. */
  readonly module?: string;
}
