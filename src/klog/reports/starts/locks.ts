import type { Start } from '../start.ts';

const base = { kind: 'lockdep', severity: 'error' } as const;
const lock = { ...base, guilty: ['lock', 'trace'] } as const;
const trace = { ...base, guilty: ['trace'] } as const;

/** Words of kernel/locking/lockdep.c after `WARNING: `, before 4.12 after `[ INFO: ` or `[ BUG: `. */
const reports: readonly Start[] = (
  [
    ['WARNING: ', 'WARNING'],
    ['[ INFO: ', 'INFO'],
    ['[ BUG: ', 'BUG'],
  ] as const
).flatMap(([text, word]): readonly Start[] => [
  {
    text,
    form: /^possible (?:circular locking|recursive locking|irq lock inversion)/,
    title: 'possible deadlock in {frame}',
    ...lock,
  },
  /** The lock at fault is the one that an interrupt takes. */
  {
    text,
    form: /^\S+-safe -> \S+-unsafe lock order detected/,
    title: 'possible deadlock in {frame}',
    ...base,
    guilty: ['interrupt', 'lock', 'trace'],
  },
  { text, form: /^inconsistent lock state/, title: 'inconsistent lock state in {frame}', ...lock },
  { text, form: /^bad unlock balance detected!/, title: `${word}: bad unlock balance in {frame}`, ...lock },
  { text, form: /^bad contention detected!/, title: `${word}: bad contention in {frame}`, ...lock },
  { text, form: /^held lock freed!/, title: `${word}: held lock freed in {frame}`, ...lock },
  {
    text,
    form: /^lock held (?:when returning to user space|at task exit time)/,
    title: `${word}: lock held when returning to user space in {frame}`,
    ...trace,
    guilty: ['lock', 'trace'],
    trace: false,
  },
  { text, form: /^Nested lock was not taken/, title: `${word}: nested lock was not taken in {frame}`, ...trace },
  { text, form: /^Invalid wait context/, title: 'WARNING: locking bug in {frame}', ...trace },
  { text, form: /^chain_key collision/, title: `${word}: chain_key collision in {frame}`, ...trace },
  { text, form: /^.{1,40}?\/-?\d+ still has locks held!/, title: `${word}: still has locks held in {frame}`, ...lock },
  { text, form: /^suspicious RCU usage/, title: `${word}: suspicious RCU usage in {frame}`, ...trace },
  { text, form: /^(?:possible|inconsistent|bad|held|suspicious) (?:\w+ )?lock/, title: `${word}: {rest}`, ...trace },
]);

/** kernel/locking/spinlock_debug.c, kernel/sched/core.c, lib/smp_processor_id.c, kernel/workqueue.c, lockdep's own limits. */
export const locks: readonly Start[] = [
  ...reports,
  {
    text: 'BUG: spinlock ',
    form: /^(bad magic|recursion|cpu recursion|lockup suspected|lockup|already unlocked|wrong owner|wrong CPU|trylock failure on UP) on CPU#/,
    title: 'BUG: spinlock {1} in {frame}',
    ...base,
    guilty: ['trace'],
  },
  {
    text: 'BUG: rwlock ',
    form: /^([a-zA-Z -]+?) on CPU#/,
    title: 'BUG: rwlock {1} in {frame}',
    ...base,
    guilty: ['trace'],
  },
  {
    text: 'BUG: scheduling while atomic',
    kind: 'atomic-sleep',
    severity: 'error',
    title: 'BUG: scheduling while atomic in {frame}',
    guilty: ['trace'],
  },
  {
    text: 'BUG: scheduling in a non-blocking section: ',
    kind: 'atomic-sleep',
    severity: 'error',
    title: 'BUG: scheduling in a non-blocking section in {frame}',
    guilty: ['trace'],
  },
  {
    text: 'BUG: sleeping function called from invalid context',
    kind: 'atomic-sleep',
    severity: 'error',
    title: 'BUG: sleeping function called from invalid context in {frame}',
    guilty: ['trace'],
  },
  {
    text: 'BUG: using ',
    form: /^(\w+(?:\(\))?)\(?\)? in preemptible \[[0-9a-f]+\] code/,
    title: 'BUG: using {1} in preemptible code in {frame}',
    ...base,
    guilty: ['caller', 'trace'],
  },
  {
    text: 'BUG: workqueue leaked ',
    form: /^([a-zA-Z, ]+):/,
    title: 'BUG: workqueue leaked {1} in {frame}',
    ...base,
    guilty: ['caller'],
    trace: false,
  },
  {
    text: 'INFO: trying to register non-static key',
    title: 'INFO: trying to register non-static key in {frame}',
    ...base,
    guilty: ['trace'],
  },
  {
    text: 'BUG: MAX_',
    form: /^[A-Z_]+ too low!/,
    title: 'BUG: MAX_{rest}',
    ...base,
    severity: 'warning',
    guilty: ['trace'],
    trace: false,
  },
];
