import type { Step } from './body.ts';
import { isLockPrimitive, isNeverGuilty } from './skip.ts';
import type { Head, Source } from './start.ts';

/** Helpers that warn of their own state, or that fault over what they keep themselves. */
const OWN =
  /^(?:format_decode|trace_(?:hard|soft)irqs_\w+|rcu_\w+|kthread_\w+|lockdep_\w+|__schedule|(?:__)?(?:stack_depot_|call_rcu)\w*)$/;
/** A fault of user space that the kernel serves: part of what went on, unless the report is of a fault. */
const SERVES_FAULT = /^(?:(?:__)?do_page_fault|do_user_addr_fault)$/;

/** `caller is` names who asked, and on old kernels the check itself (lib/smp_processor_id.c). */
const CHECKS_CALLER = /^(?:debug_smp_processor_id|__this_cpu_preempt_check|check_preemption_disabled)$/;

/** The function is not guilty in this report, wherever it stands. */
export function isInnocent(head: Head, step: Step, source: Source, name: string): boolean {
  if (source === 'caller') return CHECKS_CALLER.test(name);
  if (head.start.severity !== 'fatal' && SERVES_FAULT.test(name)) return false;
  if (source === 'lock' || head.start.kind === 'lockdep') return isLockPrimitive(name);
  if (source === 'fault') return false;
  /** It sleeps for what is the caller's own, so the report is of it. */
  if (head.start.kind === 'atomic-sleep' && name.startsWith('lock_sock')) return false;
  return isNeverGuilty(name) && !((step.instruction || source === 'head') && OWN.test(name));
}
