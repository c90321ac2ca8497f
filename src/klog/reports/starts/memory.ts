import type { Start } from '../start.ts';

/** Functions of the C library kind and of the checkers, that a bad access passes through. */
const bad = { severity: 'error', guilty: ['head', 'trace'], class: 'bad-access' } as const;
const free = {
  severity: 'error',
  guilty: ['head', 'trace'],
  class: 'invalid-free',
  /** They give back what the caller named, of a kind of its own (net/core/skbuff.c). */
  skip: /^(?:__?)?(?:kfree_skb\w*|skb_(?:release|free)\w*|consume_skb|sk_skb_reason_drop|\w*napi_consume_skb)$/,
} as const;

/** mm/kasan/report.c (print_error_description), mm/kasan/report_generic.c (get_bug_type). */
export const kasan: readonly Start[] = [
  {
    text: 'BUG: KASAN: ',
    kind: 'kasan',
    form: /^(?:double-free or invalid-free|double-free|invalid-free)\b/,
    title: 'KASAN: invalid-free in {frame}',
    ...free,
  },
  {
    text: 'BUG: KASAN: ',
    kind: 'kasan',
    form: /^([a-z][\w-]*) (?:in |on address )/,
    title: 'KASAN: {1} {access} in {frame}',
    ...bad,
  },
  /** Words of Linux 4.0 and 4.1. */
  ...(
    [
      ['use after free', 'use-after-free'],
      ['out of bounds', 'out-of-bounds'],
      ['slab out of bounds', 'slab-out-of-bounds'],
    ] as const
  ).flatMap(([words, name]) =>
    ['BUG: KASAN: ', 'BUG: KASan: '].map(
      (text): Start => ({
        text,
        kind: 'kasan',
        form: new RegExp(`^${words}(?: access| on \\w+)? in `),
        title: `KASAN: ${name} {access} in {frame}`,
        ...bad,
      }),
    ),
  ),
  { text: 'BUG: KASAN: ', kind: 'kasan', form: /^([a-z][\w-]*)/, title: 'KASAN: {1} {access} in {frame}', ...bad },
];

/** mm/kfence/report.c. */
export const kfence: readonly Start[] = [
  {
    text: 'BUG: KFENCE: ',
    kind: 'kfence',
    form: /^(out-of-bounds|use-after-free|invalid) (read|write) in /,
    title: 'KFENCE: {1} {2} in {frame}',
    ...bad,
  },
  {
    text: 'BUG: KFENCE: ',
    kind: 'kfence',
    form: /^invalid free in /,
    title: 'KFENCE: invalid free in {frame}',
    ...free,
  },
  {
    text: 'BUG: KFENCE: ',
    kind: 'kfence',
    form: /^([a-z -]+?) in /,
    title: 'KFENCE: {1} in {frame}',
    severity: 'error',
    guilty: ['head', 'trace'],
  },
];

/** mm/kmsan/report.c, kernel/kcsan/report.c. */
export const sanitizers: readonly Start[] = [
  {
    text: 'BUG: KMSAN: ',
    kind: 'kmsan',
    form: /^([a-z][\w -]{1,40}?) in /,
    title: 'KMSAN: {1} in {frame}',
    ...bad,
    /** They hand to the device what the driver gave them (drivers/usb/core). */
    skip: /^usb_(?:submit_urb|start_wait_urb|bulk_msg|control_msg\w*|interrupt_msg)$/,
  },
  {
    text: 'BUG: KCSAN: ',
    kind: 'kcsan',
    form: /^([a-z-]+(?:: race)?) in (\S+)(?: \(.{1,200}?\))? \/ (\S+)/,
    title: 'KCSAN: {1} in {pair}',
    severity: 'warning',
    guilty: ['head'],
  },
  {
    text: 'BUG: KCSAN: ',
    kind: 'kcsan',
    form: /^([a-z-]+(?:: race)?) in /,
    title: 'KCSAN: {1} in {frame}',
    severity: 'warning',
    guilty: ['head', 'trace'],
  },
  {
    text: 'UBSAN: ',
    kind: 'ubsan',
    form: /^Undefined behaviour in /,
    title: 'UBSAN: undefined-behaviour in {frame}',
    severity: 'error',
    guilty: ['trace'],
  },
  {
    text: 'UBSAN: ',
    kind: 'ubsan',
    form: /^(array-index-out-of-bounds|misaligned-access|null-ptr-deref|object-size-mismatch) in /,
    title: 'UBSAN: {1} in {frame}',
    severity: 'error',
    guilty: ['trace'],
    class: 'bad-access',
  },
  {
    text: 'UBSAN: ',
    kind: 'ubsan',
    form: /^([a-z][\w-]*) in /,
    title: 'UBSAN: {1} in {frame}',
    severity: 'error',
    guilty: ['trace'],
  },
  /** Traps (CONFIG_UBSAN_TRAP; handle_bug of arch/x86/kernel/traps.c): no report of the checker, only the fault. */
  {
    text: 'UBSAN: ',
    kind: 'ubsan',
    form: /^([a-z][a-z/ ]*[a-z])(?:: | at (?=[\w.]+\+0x))/,
    title: 'UBSAN: {1} in {frame}',
    severity: 'fatal',
    guilty: ['instruction', 'trace'],
  },
];

/** Who asks for memory on behalf of another: every subsystem has its own, and they are named alike. */
const ALLOCATORS = /alloc|create_(?:chunk|cache)|(?:strn?|mem)dup|^kvasprintf/;

/** mm/kmemleak.c; the line above is of the program that reads /sys/kernel/debug/kmemleak. */
export const leaks: readonly Start[] = [
  {
    text: 'BUG: memory leak',
    kind: 'memory-leak',
    title: 'memory leak in {frame}',
    severity: 'warning',
    guilty: ['trace'],
    skip: ALLOCATORS,
  },
  {
    text: 'unreferenced object 0x',
    kind: 'memory-leak',
    title: 'memory leak in {frame}',
    severity: 'warning',
    guilty: ['trace'],
    skip: ALLOCATORS,
  },
];

/** mm/slub.c (slab_bug, print_track), mm/slab.c, lib/list_debug.c, mm/usercopy.c, mm/mempool.c. */
export const corruption: readonly Start[] = [
  {
    text: 'BUG ',
    kind: 'slab-corruption',
    /** Before 5.9 each memory cgroup had caches of its own, `dentry(22:system.slice)` (mm/slab_common.c). */
    form: /^([^\s()]+)(?:\(\d+:.{0,255}\))? \((?:Not tainted|Tainted: [A-Z ]+)\): (.{1,80})/,
    title: 'BUG: {2} in {1}',
    severity: 'error',
    guilty: ['trace'],
  },
  {
    text: 'INFO: ',
    kind: 'slab-corruption',
    form: /^(?:Allocated|Freed) in \S+ age=/,
    title: 'INFO: {rest}',
    severity: 'error',
    guilty: ['head'],
    fragment: true,
  },
  {
    text: 'Allocated in ',
    kind: 'slab-corruption',
    form: /^\S+ age=\d+ cpu=/,
    title: 'INFO: Allocated in {rest}',
    severity: 'error',
    guilty: ['head'],
    fragment: true,
  },
  {
    text: 'slab error in ',
    kind: 'slab-corruption',
    form: /^(\w+)\(\): /,
    title: 'BUG: slab error in {1}',
    severity: 'error',
    guilty: ['trace'],
  },
  ...['list_add corruption', 'list_del corruption', 'list_add double add: '].map(
    (text): Start => ({
      text,
      kind: 'list-corruption',
      title: 'BUG: corrupted list in {frame}',
      severity: 'error',
      guilty: ['instruction', 'trace'],
      class: 'bad-access',
      role: 'prelude',
    }),
  ),
];
