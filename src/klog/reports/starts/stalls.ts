import type { Start } from '../start.ts';

const stall = { severity: 'error', guilty: ['stall'], class: 'stall' } as const;
const RCU = 'INFO: rcu detected stall in {frame}';
const RCU_FORM = /^\S{1,30} (?:self-)?detected (?:expedited )?stalls?[ ,]/;

/** kernel/rcu/tree_stall.h, kernel/rcu/tree_exp.h, kernel/rcu/tasks.h; with `rcu: ` before since 4.19. */
const rcu: readonly Start[] = ['rcu: ', ''].map(
  (word): Start => ({ text: `${word}INFO: `, kind: 'rcu-stall', form: RCU_FORM, title: RCU, ...stall }),
);

/** kernel/watchdog.c, kernel/watchdog_hld.c (with `CPUn: ` before since 7.0), kernel/watchdog_buddy.c. */
const lockups: readonly Start[] = [
  ...['watchdog: ', ''].map(
    (word): Start => ({
      text: `${word}BUG: soft lockup - CPU#`,
      kind: 'soft-lockup',
      title: 'BUG: soft lockup in {frame}',
      ...stall,
    }),
  ),
  /** arch/powerpc/kernel/watchdog.c. */
  ...['watchdog: CPU ', 'Watchdog CPU:', 'watchdog: BUG: CPU '].map(
    (text): Start => ({
      text,
      kind: 'hard-lockup',
      form: /^\d+ (?:self-detected hard LOCKUP @ |detected hard LOCKUP on other CPUs |(?:detected )?Hard LOCKUP)/,
      title: 'BUG: hard lockup in {frame}',
      ...stall,
    }),
  ),
  ...['NMI watchdog: ', 'watchdog: ', ''].flatMap((word): readonly Start[] => [
    ...(word === 'NMI watchdog: '
      ? [
          {
            text: `${word}BUG: soft lockup - CPU#`,
            kind: 'soft-lockup',
            title: 'BUG: soft lockup in {frame}',
            ...stall,
          } as const,
        ]
      : []),
    {
      text: `${word}Watchdog detected hard LOCKUP on cpu`,
      kind: 'hard-lockup',
      title: 'BUG: hard lockup in {frame}',
      ...stall,
    },
    {
      text: `${word}CPU`,
      kind: 'hard-lockup',
      form: /^\d+: Watchdog detected hard LOCKUP on cpu/,
      title: 'BUG: hard lockup in {frame}',
      ...stall,
    },
  ]),
  /** kernel/smp.c, csd_lock_wait_toolong (CONFIG_CSD_LOCK_WAIT_DEBUG): a processor does not answer another's call. */
  {
    text: 'smp: csd: ',
    kind: 'hard-lockup',
    form: /^Detected non-responsive CSD lock /,
    title: 'BUG: CSD lock not answered in {frame}',
    ...stall,
  },
  {
    text: 'BUG: workqueue lockup',
    kind: 'soft-lockup',
    title: 'BUG: workqueue lockup',
    severity: 'error',
    guilty: [],
    trace: false,
  },
];

/** They wait for the device, the page or the lock that the caller named. */
const WAITERS =
  /^(?:usb_(?:kill_urb|start_wait_urb|(?:internal_)?control_msg)|\w*folio_wait_\w+|\w+_locked|\w+_lock_\w+|unregister_netdev|wait_on_page\w*|(?:__)?flush_work\w*|__bread_slow)$/;

/** kernel/hung_task.c: check_hung_task; `can't die` is of the linux-next tree; 6.16 names what it waits in. */
const hung: readonly Start[] = [
  {
    text: 'INFO: task ',
    kind: 'hung-task',
    /** 6.16 and later say below it who holds the lock, in lines that also begin with `INFO: task`. */
    form: /^.{1,15}?:-?\d+ blocked (?:in I\/O wait )?for more than \d+ seconds/,
    title: 'INFO: task hung in {frame}',
    severity: 'error',
    guilty: ['trace'],
    class: 'hang',
    skip: WAITERS,
  },
  {
    text: 'INFO: task ',
    kind: 'hung-task',
    form: /^.{1,15}?:-?\d+ can't die for more than \d+ seconds/,
    title: "INFO: task can't die in {frame}",
    severity: 'error',
    guilty: ['trace'],
    class: 'hang',
    skip: WAITERS,
  },
];

export const stalls: readonly Start[] = [...rcu, ...lockups, ...hung];
