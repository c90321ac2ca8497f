import type { ReportKind } from '../../report.ts';
import type { Class, Start } from '../start.ts';

const where = ['instruction', 'trace'] as const;

/** A processor's fault in kernel mode: the task is lost. */
function fault(text: string, kind: ReportKind, title: string, more: Partial<Start> = {}): Start {
  return { text, kind, title, severity: 'fatal', guilty: where, class: 'bad-access', ...more };
}

const PAGING = 'BUG: unable to handle kernel paging request in {frame}';
const NULL = 'BUG: unable to handle kernel NULL pointer dereference in {frame}';

/** show_fault_oops of arch/x86/mm/fault.c (new words since 5.1), bad_page_fault of arch/powerpc/mm/fault.c. */
const x86: readonly Start[] = [
  fault('BUG: unable to handle kernel NULL pointer dereference', 'page-fault', NULL),
  fault('BUG: kernel NULL pointer dereference', 'page-fault', NULL),
  fault('BUG: Kernel NULL pointer dereference', 'page-fault', NULL),
  fault('BUG: unable to handle kernel paging request', 'page-fault', PAGING),
  fault('BUG: unable to handle page fault', 'page-fault', PAGING),
  fault(
    'BUG: Unable to handle kernel data access',
    'page-fault',
    'BUG: unable to handle kernel data access in {frame}',
  ),
  fault(
    'BUG: Unable to handle kernel instruction fetch',
    'page-fault',
    'BUG: unable to handle kernel instruction fetch in {frame}',
  ),
  fault('BUG: Unable to handle kernel ', 'page-fault', PAGING),
];

/** die_kernel_fault of arch/{arm,arm64,riscv,loongarch}/mm/fault.c; s390 and mips; `CPU 0 Unable…` is of mips. */
const others: readonly Start[] = [
  fault('Unable to handle kernel NULL pointer dereference', 'page-fault', NULL),
  fault('Unable to handle kernel paging request', 'page-fault', PAGING),
  fault(
    'Unable to handle kernel access ',
    'page-fault',
    'BUG: unable to handle kernel access to user memory in {frame}',
    {
      form: /^to user memory/,
    },
  ),
  fault('Unable to handle kernel ', 'page-fault', PAGING, {
    form: /^(?:read|write|execute|access|pointer dereference|instruction fetch|data access)/,
  }),
  fault('CPU ', 'page-fault', PAGING, { form: /^\d+ Unable to handle kernel paging request at virtual address/ }),
  fault('Unhandled fault: ', 'oops', 'Unhandled fault in {frame}'),
  fault('Unhandled prefetch abort: ', 'oops', 'Unhandled prefetch abort in {frame}'),
  fault('Kernel stack overflow', 'oops', 'kernel stack overflow in {frame}', {
    class: 'stack-overflow',
    form: /^ in process /,
  }),
  /** handle_bad_stack of arch/arm64/kernel/traps.c, arch/riscv/kernel/traps.c; the panic that follows names it. */
  fault('Insufficient stack space to handle exception', 'panic', 'kernel panic: kernel stack overflow', {
    guilty: [],
    role: 'prelude',
  }),
  fault('Bad mode in ', 'oops', 'Bad mode in {1}', { form: /^(.{1,30}?) handler detected/, role: 'die' }),
];

/** The line that die() prints (arch/x86/kernel/dumpstack.c and others), which follows another line of the same fault. */
function die(text: string, kind: ReportKind, title: string, form?: RegExp): Start {
  const kindOf: Class = 'bad-access';
  return fault(text, kind, title, { role: 'die', class: kindOf, ...(form === undefined ? {} : { form }) });
}

/** What die() adds to the name of a fault: a code, and how often the kernel died (`0000 [#1]`). */
const CODE = /^[0-9a-f]{4} \[#\d+\]/;

/** exc_* of arch/x86/kernel/traps.c; since 6.10 with `Oops: ` before the name. A device may be called `int3`, too. */
const traps: readonly Start[] = ['', 'Oops: '].flatMap((oops) => [
  die(`${oops}general protection fault`, 'general-protection', 'general protection fault in {frame}'),
  die(`${oops}stack segment`, 'oops', 'stack segment fault in {frame}', /^(?: fault)?[:,]/),
  die(`${oops}divide error, `, 'oops', 'divide error in {frame}'),
  ...[
    'divide error',
    'overflow',
    'invalid opcode',
    'int3',
    'alignment check',
    'coprocessor segment overrun',
    'invalid TSS',
    'segment not present',
    'control protection fault',
    'bounds',
    'Bad pagetable',
    'unexpected #NM exception',
    'fpu exception',
    'simd exception',
    'iret exception',
    'VE fault',
  ].map((name) => die(`${oops}${name}: `, 'oops', `${name} in {frame}`, CODE)),
  die(`${oops}double fault: `, 'oops', 'PANIC: double fault in {frame}', CODE),
  die(`${oops}stack guard page: `, 'oops', 'BUG: stack guard page was hit in {frame}', CODE),
]);

const ILC = /^[0-9a-f]{4} ilc:/;

/** Names of arch/s390/kernel/traps.c, of which some are called otherwise elsewhere, with `0010 ilc:2 [#1]` behind. */
const s390: readonly Start[] = [
  die('monitor event: ', 'bug', 'kernel BUG in {frame}', ILC),
  die('fixpoint divide exception: ', 'oops', 'divide error in {frame}', ILC),
  ...[
    'illegal operation',
    'addressing exception',
    'specification exception',
    'protection exception',
    'data exception',
    'execute exception',
    'operand exception',
    'privileged operation',
    'special operation exception',
    'transaction constraint exception',
    'fixpoint overflow exception',
    'floating point exception',
    'vector exception',
    'space switch event',
    'Unknown program exception',
    'Unexpected TEID',
    ...['divide', 'overflow', 'underflow', 'significance', 'square root'].map((name) => `HFP ${name} exception`),
  ].map((name) => die(`${name}: `, 'oops', `${name} in {frame}`, ILC)),
];

const NUMBERED = /^(?: in kernel code)?\[#\d+\]/;

/** die_if_kernel of arch/{mips,loongarch}/kernel: `FP exception in kernel code[#1]:`. */
const mips: readonly Start[] = [
  die('Reserved instruction', 'oops', 'invalid opcode in {frame}', NUMBERED),
  ...[
    'Unhandled kernel unaligned access',
    'Unaligned FP access',
    'Break instruction',
    'Trap instruction',
    'FP exception',
    'Integer overflow',
    'Kernel unaligned instruction access',
    'Kernel ade access',
    'Kernel ale access',
    'Bounds check error',
    'Math emu break/trap',
    'do_reserved exception',
    ...['cpu', 'fpu', 'lsx', 'lasx', 'msa', 'msa_fpe'].map((name) => `do_${name} invoked from kernel context!`),
  ].map((text) => die(text, 'oops', `${text} in {frame}`, NUMBERED)),
];

const deaths: readonly Start[] = [
  ...traps,
  /** The words of mm/kasan before 5.6 and of die() on one line, where the first lacks its end. */
  die(
    'kasan: GPF could be caused by NULL-ptr deref or user memory accessgeneral protection fault',
    'general-protection',
    'general protection fault in {frame}',
  ),
  die('segment-related general protection fault', 'general-protection', 'general protection fault in {frame}'),
  die('kernel stack overflow (double-fault)', 'oops', 'kernel stack overflow in {frame}'),
  ...['traps: ', ''].map((word) =>
    fault(`${word}PANIC: double fault`, 'oops', 'PANIC: double fault in {frame}', {
      class: 'stack-overflow',
      role: 'die',
    }),
  ),
  fault('BUG: stack guard page was hit', 'oops', 'BUG: stack guard page was hit in {frame}', {
    class: 'stack-overflow',
    guilty: ['stall', 'calls'],
  }),
  ...['TASK', 'IRQ', 'SOFTIRQ', 'NMI', '#DF', '#DB', '#MC', '#VC'].map((name) =>
    fault(`BUG: ${name} stack guard page was hit`, 'oops', 'BUG: stack guard page was hit in {frame}', {
      class: 'stack-overflow',
      guilty: ['stall', 'calls'],
    }),
  ),
  fault('Internal error: ', 'oops', 'Internal error in {frame}', {
    role: 'die',
    guilty: ['fault', 'trace'],
    skip: /^(?:__raw_(?:read|write)|logic_(?:in|out)|(?:read|write)[bwlq]$)/,
  }),
  /** do_trap_error of arch/riscv/kernel/traps.c, and the end of a line of arm64 that lost its beginning. */
  die(
    'Oops - ',
    'oops',
    'Internal error in {frame}',
    /^(?:[a-zA-Z][\w, ()/-]{2,60}\s?\[#\d+\]|bad mode|BUG|BTI|FPAC|SP\/PC|CFI|GCS)/,
  ),
  die('Oops: ', 'oops', 'kernel oops in {frame}', /^(?:Oops: )?[0-9a-f]{4,16} \[#\d+\]/),
  { ...die('Oops: ', 'oops', 'kernel oops in {frame}'), needsBody: true },
  die('Oops', 'oops', 'kernel oops in {frame}', /^(?:\[#\d+\]| \[#\d+\])/),
  die('Kernel BUG [#', 'bug', 'kernel BUG in {frame}'),
  die('Kernel bug detected', 'bug', 'kernel BUG in {frame}', /^\[#/),
  ...s390,
  ...mips,
  die('Unrecoverable exception ', 'oops', 'Unrecoverable exception in {frame}', /^[0-9a-f]+ at /),
  die('Unexpected kernel BRK exception at EL1', 'oops', 'Internal error in {frame}'),
];

export const faults: readonly Start[] = [...x86, ...others, ...deaths];
