import type { KernelReport, ReportKind, Severity } from '../report.ts';
import type { LivepatchStep } from '../reports/livepatch.ts';

/** What each kind of report means. */
export const kindWords: Readonly<Record<ReportKind, string>> = {
  oops: 'the processor refused an instruction of the kernel; the task that ran is killed',
  'page-fault': 'the kernel used an address that is not mapped or not allowed; the task that ran is killed',
  'general-protection':
    'the kernel used an address that cannot exist or broke a rule of the processor; the task is killed',
  bug: 'the kernel met a state that its author declared impossible (BUG)',
  warning: 'the kernel met a state that should not be, and goes on (WARN)',
  kasan: 'the address sanitizer saw an access outside of, or after the end of, an object',
  kmsan: 'the memory sanitizer saw a value used that was never set',
  kcsan: 'the concurrency sanitizer saw two accesses race without a lock',
  kfence: 'the sampling sanitizer saw an access outside of, or after the end of, an object',
  ubsan: 'the code did what the language leaves undefined',
  lockdep: 'locks were taken in an order, or in a state, that can deadlock',
  'atomic-sleep': 'code that may sleep was called where sleeping is forbidden',
  'hung-task': 'a task has waited without interruption for longer than allowed',
  'soft-lockup': 'a processor ran kernel code for so long that no other task could run on it',
  'hard-lockup': 'a processor did not even take interrupts for many seconds',
  'rcu-stall': 'a processor or task kept an RCU grace period from ending',
  refcount: 'a reference counter went wrong; its object may be freed too early or never',
  'memory-leak': 'an object that nothing points to any more was not freed',
  'list-corruption': 'a linked list does not fit together: something wrote over it or freed an entry',
  'slab-corruption': 'the allocator found its own marks overwritten',
  panic: 'the kernel stopped the machine',
  'module-refused': 'a module was not loaded',
  other: 'a report of another kind',
};

export const severityWords: Readonly<Record<Severity, string>> = {
  fatal: 'the machine or the task is lost',
  error: 'memory or locks may be damaged',
  warning: 'something is not as it should be',
};

/** What each message of kernel/livepatch means (Documentation/livepatch/livepatch.rst). */
export const stepWords: Readonly<Record<LivepatchStep, string>> = {
  enabling: 'a livepatch was loaded and is about to be applied',
  starting: 'tasks begin to move to the new functions (or back), each when it uses none of the old ones',
  complete: 'every task has moved',
  stalled: 'after 15 s some tasks had not moved; they are sent a fake signal so that they leave the kernel',
  reversed: 'the transition was turned round: tasks go back to where they were',
  forced: 'somebody forced the transition; the livepatch can never be unloaded now',
  failed: 'the livepatch was not applied',
  unsupported: 'this kernel cannot check stacks; the transition may never end',
  other: 'another message of the livepatching core',
};

/** One line on what the report says as a whole. */
export function summaryOf({ kind, severity, corrupted }: KernelReport): string {
  const cut = corrupted ? '; the report is cut or mixed with another' : '';
  return `${kindWords[kind]}; ${severityWords[severity]}${cut}`;
}
