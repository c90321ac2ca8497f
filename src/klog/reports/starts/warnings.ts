import type { ReportKind } from '../../report.ts';
import type { Start } from '../start.ts';

/** __warn of kernel/panic.c: before 6.18 `CPU: n PID: n at FILE:LINE f`, since then `FILE:LINE at f, CPU#n: comm/pid`. */
const AT = '(?:CPU: \\d+ PID: -?\\d+ at |)(?:\\S*/)?';

/** A WARNING given by a checker in that file: the title names the checker, and the frames of the checker are not guilty. */
function of(file: string, kind: ReportKind, title: string, skip?: RegExp): Start {
  return {
    text: 'WARNING: ',
    kind,
    severity: kind === 'refcount' ? 'error' : 'warning',
    form: new RegExp(`^${AT}(?:${file.includes(':') ? file : `${file}:\\d+`})`),
    title,
    guilty: ['trace'],
    ...(skip === undefined ? {} : { skip }),
  };
}

export const warnings: readonly Start[] = [
  of(
    'lib/debugobjects\\.c:\\d+ (?:at )?(?:debug_print_object|_*debug_check_no_obj_freed)',
    'warning',
    'WARNING: ODEBUG bug in {frame}',
    /^(?:debug_|__debug_|lookup_object|\w*queue_(?:rcu_)?work)/,
  ),
  of('lib/refcount\\.c', 'refcount', 'WARNING: refcount bug in {frame}', /^(?:k[rp]ref_|kobject_|k(?:get|put))/),
  of('include/linux/refcount\\.h', 'refcount', 'WARNING: refcount bug in {frame}'),
  of('kernel/locking/lockdep\\.c', 'lockdep', 'WARNING: locking bug in {frame}'),
  of('lib/kobject\\.c', 'warning', 'WARNING: kobject bug in {frame}'),
  of(
    'fs/proc/generic\\.c:\\d+ (?:at )?proc_register',
    'warning',
    'WARNING: proc registration bug in {frame}',
    /proc_(?:register|create|mkdir)/,
  ),
  of(
    'mm/slab_common\\.c:\\d+ (?:at )?kmalloc_slab|mm/(?:util|slub)\\.c:\\d+ (?:at )?(?:__)?kvmalloc_node\\w*',
    'warning',
    'WARNING: kmalloc bug in {frame}',
  ),
  {
    text: 'WARNING: ',
    kind: 'warning',
    severity: 'warning',
    form: /^(?:CPU: \d+ (?:PID: -?\d+ )?)?at \S+\.[chSrs]+:\d+(?: |$)|^\S+\.[chSrs]+:\d+ at |^CPU: \d+ PID: -?\d+ at |^at [\w.]+\+0x[^ ]+(?: \[[\w-]+\])?, CPU#\d+/,
    title: 'WARNING in {frame}',
    guilty: ['trace'],
  },
  /** arch/x86/kernel/unwind_frame.c. */
  {
    text: 'WARNING: kernel stack regs ',
    kind: 'warning',
    severity: 'warning',
    form: /^at \S+ in .{1,40} has bad '(\w+)' value/,
    title: "WARNING: kernel stack regs has bad '{1}' value",
    guilty: [],
    trace: false,
  },
  {
    text: 'WARNING: kernel stack frame pointer ',
    kind: 'warning',
    severity: 'warning',
    form: /^at \S+ in .{1,40} has bad value/,
    title: 'WARNING: kernel stack frame pointer has bad value',
    guilty: [],
    trace: false,
  },
];

/** Lines that WARN() prints before its own line since 4.15, and that name the checker. */
export const preludes: readonly Start[] = [
  {
    text: 'refcount_t: ',
    kind: 'refcount',
    severity: 'error',
    form: /^(?:underflow|increment|addition|saturated|decrement|hit|over|under)/,
    title: 'WARNING: refcount bug in {frame}',
    guilty: ['trace'],
    role: 'prelude',
    skip: /^(?:k[rp]ref_|kobject_)/,
  },
  {
    text: 'ODEBUG: ',
    kind: 'warning',
    severity: 'warning',
    form: /^(?:free|activate|init|assert_init|destroy|deactivate|active_state) /,
    title: 'WARNING: ODEBUG bug in {frame}',
    guilty: ['trace'],
    role: 'prelude',
    skip: /^(?:debug_|__debug_)/,
  },
];
