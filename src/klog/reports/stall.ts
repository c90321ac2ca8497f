import type { Body, Step } from './body.ts';
import { plainName } from './frames.ts';
import { isNeverGuilty } from './skip.ts';

/**
 * A machine that loops is caught at any place of the loop, so the innermost function says little and would give the same bug
 * many names. What stays the same is where the task came from: the system call, or, where a call serves many (ioctl, read,
 * sendmsg), the function it hands over to. That one stands for the loop.
 */
const ENTRY =
  /^(?:(?:__(?:x64|ia32|arm64|arm|riscv|s390x?|powerpc|do|se)_)?(?:compat_)?(?:sys|SyS|SYSC)_|C_SYSC_|ksys_)/;

/** They hand over to the function they call, which is the one that matters. */
const DISPATCHERS = new Set(
  `vfs_ioctl do_vfs_ioctl ksys_ioctl sys_ioctl SyS_ioctl compat_SyS_ioctl SYSC_ioctl
  vfs_read __vfs_read new_sync_read call_read_iter do_iter_read do_iter_readv_writev do_readv_writev ksys_read vfs_readv
  vfs_write __vfs_write new_sync_write call_write_iter do_iter_write ksys_write vfs_writev vfs_iter_write vfs_iter_read
  sock_sendmsg sock_sendmsg_nosec __sock_sendmsg sock_recvmsg sock_recvmsg_nosec ____sys_sendmsg ___sys_sendmsg
  nfnetlink_rcv_msg
  __sys_connect __sys_connect_file __sys_bind __sys_accept4 __sys_listen __sys_setsockopt do_sock_setsockopt sock_ioctl sock_do_ioctl
  vfs_fallocate vfs_fsync_range vfs_get_tree vfs_open do_dentry_open vfs_getattr vfs_poll do_sys_poll
  task_work_run process_one_work kthread call_timer_fn expire_timers run_timer_softirq __run_timers
  net_rx_action rcu_do_batch tasklet_action_common do_one_initcall __handle_irq_event_percpu mmap_region
  compat_ioctl security_file_ioctl
  __netif_receive_skb_core __netif_receive_skb_one_core __netif_receive_skb_list_core
  __do_softirq handle_softirqs __hrtimer_run_queues __run_timer_base
  rtnetlink_rcv_msg __sock_release __fput ret_from_fork ret_from_fork_asm do_syscall_64`.split(/\s+/),
);

/** A page fault hands over too, but what the task was doing when it came says more. */
const PAGE_FAULT = /^(?:do_user_addr_fault|(?:__)?do_page_fault)$/;

/** The system call itself, in the name that each architecture gives it, and what serves old processes. */
const IOCTL = /_compat_ioctl$|^__\w+_sys_ioctl$/;

/** Where the interrupt that found the stall came in: what is above tells of the watchdog, not of the loop. */
const INTERRUPT =
  /^(?:apic_timer_interrupt|asm_(?:sysvec|exc|common)_.*|smp_apic_timer_interrupt|sysvec_.*|el1_irq|el1h_64_irq|el0_irq|__irq_svc|ret_from_exception|call_on_irq_stack|decrementer_common.*|handle_arch_irq|reschedule_interrupt|nmi|end_repeat_nmi|asm_exc_nmi)$/;

function name(step: Step): string {
  return plainName(step.frame.function);
}

/** They report the stall; where they stand on the stack, what is above the interrupt is theirs. */
const REPORTER =
  /^(?:n?dump_stack.*|nmi_.*|rcu_dump_cpu_stacks.*|(?:print|check)_cpu_stall.*|rcu_(?:check_callbacks|sched_clock_irq).*|watchdog_timer_fn|sched_show_task|show_stack|show_regs|trigger_.*backtrace)$/;

function cutInterrupt(steps: readonly Step[]): readonly Step[] {
  const entry = steps.findIndex((step) => !step.instruction && INTERRUPT.test(name(step)));
  if (entry < 0 || !steps.slice(0, entry).some((step) => REPORTER.test(name(step)))) return steps;
  return steps.slice(entry + 1);
}

function representative(steps: readonly Step[]): Step | null {
  let previous: Step | null = null;
  let faulted: Step | null = null;
  for (const step of steps) {
    const text = name(step);
    if (text.startsWith('smp_call_function')) return step;
    if (DISPATCHERS.has(text) || IOCTL.test(text)) return previous ?? step;
    if (ENTRY.test(text)) return step;
    if (PAGE_FAULT.test(text)) faulted ??= previous;
    if (!isNeverGuilty(text)) previous = step;
  }
  return faulted;
}

/** The function that stands for the loop; null where no trace of the report reaches one. */
export function stallFrame(body: Body): Step | null {
  const sure = body.steps.filter((step) => !step.frame.unsure && !step.frame.inline);
  for (let section = 0; section < body.sections.length; section += 1) {
    if (body.sections[section]?.main !== true) continue;
    /** The instruction stands above the heading of its trace. */
    const own = sure.filter((step) => step.section === section || (step.instruction && step.section === section - 1));
    /** The grace-period thread waits; it does not loop (kernel/rcu/tree_stall.h). */
    if (own.some((step) => name(step) === 'rcu_gp_kthread')) continue;
    const found = representative(cutInterrupt(own));
    if (found !== null) return found;
  }
  return null;
}
