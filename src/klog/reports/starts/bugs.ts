import type { Start } from '../start.ts';

const fatal = { kind: 'bug', severity: 'fatal' } as const;
const error = { kind: 'bug', severity: 'error' } as const;

/** BUG() of include/asm-generic/bug.h: `kernel BUG at FILE:LINE!` (report_bug, lib/bug.c), powerpc and arm alike. */
const asserts: readonly Start[] = ['kernel BUG at ', 'Kernel BUG at '].flatMap((text): readonly Start[] => [
  {
    text,
    form: /^(?:\S*\/)?lib\/list_debug\.c:\d+!/,
    title: 'BUG: corrupted list in {frame}',
    kind: 'list-corruption',
    severity: 'fatal',
    guilty: ['instruction', 'trace'],
    class: 'bad-access',
    role: 'die',
  },
  {
    text,
    form: /^(?:\S*\/)?mm\/usercopy\.c:\d+!/,
    title: 'BUG: bad usercopy in {frame}',
    ...fatal,
    guilty: ['trace'],
    role: 'die',
  },
  { text, title: 'kernel BUG in {frame}', ...fatal, guilty: ['instruction', 'trace'], role: 'die' },
]);

/** Who allocated the page comes first, where CONFIG_PAGE_OWNER knows; else who met it (mm/debug.c, mm/page_owner.c). */
const page = {
  ...error,
  guilty: ['any'],
  skip: /^(?:bad_page|check_new_page\w*|free_page_is_bad\w*|\w*folios?_put\w*|(?:folio|filemap|__folio|vma)_alloc\w*|__?alloc_\w+|filemap_alloc_folio\w*|__free_\w+|free_\w*pages?\w*|free_pcp\w*|release_pages|put_page)$/,
} as const;

/** mm/page_alloc.c (bad_page), mm/memory.c (print_bad_pte), kernel/fork.c (check_mm), fs/dcache.c (umount_check). */
const memory: readonly Start[] = [
  { text: 'BUG: Bad page state in process', title: 'BUG: Bad page state in {frame}', ...page },
  { text: 'BUG: Bad page map in process', title: 'BUG: Bad page map', ...error, guilty: ['trace'] },
  { text: 'BUG: Bad page cache in process', title: 'BUG: Bad page cache', ...error, guilty: ['trace'] },
  { text: 'BUG: Bad rss-counter state', title: 'BUG: Bad rss-counter state', ...error, guilty: [], trace: false },
  {
    text: 'BUG: Dentry ',
    title: 'BUG: Dentry still in use in unmount',
    ...error,
    guilty: [],
    trace: false,
    role: 'prelude',
    form: /^.{1,200}still in use \(-?\d+\) \[(unmount of .{1,40})\]/,
  },
  {
    text: 'BUG: non-zero ',
    form: /^\w+ on freeing mm: /,
    title: 'BUG: non-zero {rest}',
    ...error,
    guilty: [],
    trace: false,
  },
  {
    text: 'BUG: ',
    /** lib/locking-selftest.c counts what it expected. */
    form: /^(?!\s*\d+ unexpected failures )/,
    title: 'BUG: {rest}',
    ...error,
    guilty: ['instruction', 'trace'],
    trace: false,
    needsBody: true,
  },
];

/** net/core/dev.c (netdev_wait_allrefs), fs/super.c (generic_shutdown_super), fs/open.c (filp_close). */
const counts: readonly Start[] = [
  {
    text: 'unregister_netdevice: waiting for ',
    form: /^\S+ to become free/,
    title: 'unregister_netdevice: waiting for DEV to become free',
    kind: 'hung-task',
    severity: 'error',
    guilty: [],
    trace: false,
  },
  {
    text: 'VFS: Busy inodes after unmount of ',
    title: 'VFS: Busy inodes after unmount (use-after-free)',
    ...error,
    guilty: [],
    trace: false,
  },
  {
    text: 'VFS: Close: file count is ',
    title: 'VFS: Close: file count is zero (use-after-free)',
    ...error,
    guilty: [],
    trace: false,
  },
];

/** rust/kernel/lib.rs (panic): `rust_kernel: panicked at FILE:LINE:COL:` and the words on the next line. */
const rust: readonly Start[] = [
  {
    text: 'rust_kernel: panicked at ',
    title: '{next} in {frame}',
    kind: 'bug',
    severity: 'fatal',
    guilty: ['trace'],
    skip: /rust_begin_unwind|rust_helper_|^<?core::/,
    role: 'prelude',
  },
];

const panic = { kind: 'panic', severity: 'fatal', role: 'panic', text: 'Kernel panic - not syncing: ' } as const;

/** kernel/panic.c; kernel/sched/core.c (schedule_debug), __stack_chk_fail. */
const panics: readonly Start[] = [
  {
    ...panic,
    form: /^(?:stack-protector: )?Kernel stack is corrupted in: (?:[0-9a-fA-Fx]{6,18}|([\w.]+)\+0x|(\S+))/,
    title: 'kernel panic: stack is corrupted in {frame}',
    guilty: ['named', 'trace'],
    trace: false,
  },
  {
    ...panic,
    form: /^corrupted stack end detected inside scheduler/,
    title: 'kernel panic: corrupted stack end in {frame}',
    guilty: ['stall'],
    class: 'stack-overflow',
  },
  { ...panic, form: /^Fatal exception/, title: 'kernel panic: Fatal exception', guilty: [] },
  {
    ...panic,
    form: /^Attempted to kill init!/,
    title: 'kernel panic: Attempted to kill init!',
    guilty: [],
    trace: false,
  },
  { ...panic, form: /^(.{1,120}?)(?: [.]{3})?$/, title: 'kernel panic: {rest}', guilty: [] },
  { ...panic, title: 'kernel panic: {rest}', guilty: [] },
];

export const bugs: readonly Start[] = [...asserts, ...counts, ...rust, ...panics, ...memory];
