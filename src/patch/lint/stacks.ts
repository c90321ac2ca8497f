import { finding } from './finding.ts';
import type { Fn } from './source-text.ts';
import type { Family } from './surroundings.ts';

/** Some task is always in one of these: the scheduler, and the loops of kernel threads (kernel/, mm/, fs/io_uring). */
const ALWAYS: ReadonlySet<string> = new Set([
  ...[
    'schedule',
    '__schedule',
    'schedule_idle',
    'schedule_timeout',
    'schedule_hrtimeout_range',
    'schedule_hrtimeout_range_clock',
  ],
  ...[
    'do_idle',
    'cpu_startup_entry',
    'default_idle_call',
    'rest_init',
    'start_kernel',
    'kthread',
    'kthreadd',
    'kthread_worker_fn',
  ],
  ...[
    'worker_thread',
    'rescuer_thread',
    'smpboot_thread_fn',
    'rcu_gp_kthread',
    'rcu_tasks_kthread',
    'kswapd',
    'kcompactd',
  ],
  ...[
    'khugepaged',
    'ksm_scan_thread',
    'oom_reaper',
    'irq_thread',
    'io_wq_worker',
    'io_sq_thread',
    'kauditd_thread',
    'kjournald2',
  ],
  ...['ret_from_fork', 'cpu_stopper_thread', 'migration_cpu_stop', 'devtmpfsd', 'hub_thread'],
]);
/** Tasks sleep in these for as long as nothing happens. */
const LONG: ReadonlySet<string> = new Set([
  ...[
    'do_wait',
    'kernel_wait4',
    'kernel_waitid',
    'do_poll',
    'do_sys_poll',
    'do_select',
    'core_sys_select',
    'ep_poll',
    'do_epoll_wait',
  ],
  ...[
    'do_nanosleep',
    'hrtimer_nanosleep',
    'futex_wait',
    'futex_wait_queue',
    'do_sigtimedwait',
    'do_signal_stop',
    'sigsuspend',
  ],
  ...[
    'pipe_read',
    'pipe_wait_readable',
    'n_tty_read',
    'wait_woken',
    'sk_wait_data',
    'inet_csk_wait_for_connect',
    'inet_csk_accept',
  ],
  ...[
    'unix_stream_read_generic',
    '__skb_wait_for_more_packets',
    'do_msgrcv',
    'do_semtimedop',
    '__do_semtimedop',
    'inotify_read',
  ],
  ...[
    'fanotify_read',
    'eventfd_read',
    'signalfd_read',
    'timerfd_read',
    'fuse_dev_do_read',
    'userfaultfd_ctx_read',
    'do_syslog',
    'syslog_print',
  ],
]);
const ASK = /\bkthread_(?:should_stop|freezable_should_stop|should_park) \(/;
const LOOP = /\bwhile \( [^{};]*\bkthread_(?:should_stop|freezable_should_stop|should_park) \(/;

/** Hazard 26: functions that tasks never leave, or sleep in. */
export const stacks: Family = ({ path, functions }) =>
  functions.flatMap(({ name, line, before, after }) => {
    if (before === undefined) return [];
    if (ALWAYS.has(name)) return [finding('always-on-stack', { path, line }, `some task is always in ${name}`)];
    if (isThreadLoop(before))
      return [finding('always-on-stack', { path, line }, `${name} is the loop of a kernel thread`)];
    const isLong =
      LONG.has(name) || /\bwait_event(?:_interruptible|_killable|_freezable)\w* \(/.test((after ?? before).body);
    return isLong
      ? [finding('sleeps-long', { path, line }, `tasks may sleep in ${name} for as long as nothing happens`)]
      : [];
  });

/** `int f(void *data)` with `while (!kthread_should_stop())`, or an endless loop that asks for it. */
function isThreadLoop({ head, body }: Fn): boolean {
  if (!/\( void \* \w+ \)$/.test(head) || !ASK.test(body)) return false;
  return /\bfor \( ; ; \)|\bwhile \( (?:1|true) \)/.test(body) || LOOP.test(body);
}
