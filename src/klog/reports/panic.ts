import type { KernelReport } from '../report.ts';

/** A report, where it ended, and whether the task that ran was killed. */
export interface Before {
  readonly kind: KernelReport['kind'];
  readonly line: number;
  readonly time: number | null;
  readonly died: boolean;
}

/** A panic so soon after a report may be its consequence. */
const LINES = 1000;
const SECONDS = 30;

const WORDS = 'Kernel panic - not syncing: ';
/** Somebody asked for it: kernel/panic.c, kernel/hung_task.c, kernel/watchdog*.c, kernel/rcu/tree_stall.h, kernel/workqueue.c. */
const ASKED =
  /^(?:(?:\S+: )?\S*panic(?:_on_\w+)? set|\S+: system warned too often|hung_task: |softlockup: |(?:Watchdog detected )?[Hh]ard LOCKUP|RCU Stall|workqueue: |scheduling while atomic)/;
/** The kernel cannot go on without the task, or the interrupt, that it killed: die() of each architecture, kernel/exit.c. */
const KILLED =
  /^(?:(?:\S+: )?Fatal exception|Attempted to kill |Aiee, killing |Machine halted|Oops|\S+ stack (?:overflow|guard hit))/;

/** The panic tells of the report before it, or of one that is still open. */
export function isConsequence(text: string, died: boolean): boolean {
  const why = text.slice(WORDS.length, WORDS.length + 200);
  return ASKED.test(why) || (died && KILLED.test(why));
}

/** It stands near enough to that report. */
export function isNear({ number, time }: { number: number; time: number | null }, before: Before): boolean {
  if (before.kind === 'module-refused' || number - before.line > LINES) return false;
  return before.time === null || time === null || Math.abs(time - before.time) <= SECONDS;
}
