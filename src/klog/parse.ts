import type { KernelLog, KernelReport, LivepatchEvent, ReportKind } from './report.ts';

/** `<6>[   12.345678][  T123] text`: priority, time and caller are cut off, in any combination (kernel/printk). */
const PREFIX = /^(?:<\d{1,3}>)?(?:\[\s*\d+\.\d+\]\s?)?(?:\[\s*[TC]\d+\]\s?)?/;
/** Lines that many reports begin with; the first match wins. Sources: arch/x86/mm/fault.c, kernel/panic.c, lib/, mm/, kernel/. */
const STARTS: readonly (readonly [ReportKind, RegExp])[] = [
  ['kasan', /^BUG: (?:KASAN|KMSAN|KCSAN|KFENCE): /],
  ['page-fault', /^BUG: (?:unable to handle|kernel NULL pointer dereference)|^Unable to handle kernel /],
  [
    'lockup',
    /^(?:watchdog: )?BUG: soft lockup|^(?:CPU\d+: )?(?:NMI )?[Ww]atchdog.*(?:detected|BUG: ).*(?:hard LOCKUP|soft lockup)|^Watchdog detected hard LOCKUP/,
  ],
  [
    'corruption',
    /^BUG: Bad (?:page|rss|kernel)|^BUG [\w-]+ .*(?:Redzone|Poison|Object|Freechain|Freelist)|^list_(?:add|del) corruption|^slab error|^=+ BUG /,
  ],
  [
    'lockdep',
    /^(?:WARNING: (?:possible|inconsistent|suspicious|bad|held|lock|Nested|HARDIRQ|SOFTIRQ|\w+-safe)|BUG: (?:MAX_LOCK|workqueue leaked|sleeping function|scheduling while atomic|using |looking up|key |spinlock|rwlock|Invalid wait|assuming))/,
  ],
  ['refcount', /^refcount_t: /],
  ['ubsan', /^UBSAN: /],
  [
    'general-protection',
    /^(?:general protection fault|traps: PANIC: double fault|PANIC: double fault|stack segment|divide error|invalid opcode|int3|stack guard page|alignment check|bounds): ?|^(?:general protection fault|divide error|invalid opcode)\b/,
  ],
  ['bug', /^kernel BUG at |^BUG: |^Kernel BUG at/],
  ['warning', /^WARNING: /],
  ['hung-task', /^INFO: task .{1,80} blocked (?:in \S+ )?for more than \d+ seconds|^INFO: task .{1,80} can't die/],
  ['rcu-stall', /^(?:rcu: )?INFO: (?:rcu_\w+|\S+) (?:self-)?detected (?:expedited )?stall|^rcu: INFO: |^INFO: rcu_/],
  ['memory-leak', /^BUG: memory leak|^unreferenced object 0x/],
  ['panic', /^Kernel panic - not syncing/],
  [
    'oops',
    /^(?:Internal error: |Oops: |Oops\b)|^INFO: trying to register non-static key|^unregister_netdevice: waiting for/,
  ],
];

const RIP =
  /^(?:RIP: [0-9a-f]{4}:|pc : |NIP \[\w+\] )(?:\[<[0-9a-f]+>\] )?([\w.]+)\+0x[0-9a-f]+\/0x[0-9a-f]+(?: \[(\w+)\])?/;
/** How far below its first line a report names the faulting instruction. */
const REPORT_LINES = 60;

/** Reads a kernel log. Pure; linear in its length. A thin first version: kinds and titles, not yet every transport. */
export function parseKernelLog(text: string): KernelLog {
  const reports: KernelReport[] = [];
  const livepatch: LivepatchEvent[] = [];
  let open: { report: KernelReport; until: number } | undefined;
  let number = 0;
  for (const raw of text.split('\n')) {
    number += 1;
    const line = raw.replace(/\r$/, '').replace(PREFIX, '');
    const event = livepatchEvent(line, number);
    if (event) livepatch.push(event);
    const kind = STARTS.find(([, start]) => start.test(line))?.[0];
    if (kind !== undefined) {
      const report: KernelReport = { kind, title: line.slice(0, 200), line: number, function: null, module: null };
      open = { report, until: number + REPORT_LINES };
      reports.push(report);
      continue;
    }
    const rip = open !== undefined && number <= open.until ? RIP.exec(line) : null;
    if (rip !== null && open?.report.function === null) {
      reports[reports.indexOf(open.report)] = { ...open.report, function: rip[1]!, module: rip[2] ?? null };
      open = undefined;
    }
  }
  return { reports, livepatch };
}

function livepatchEvent(line: string, number: number): LivepatchEvent | undefined {
  if (!line.startsWith('livepatch: ')) return undefined;
  const text = line.slice('livepatch: '.length);
  const patch = /'([\w-]+)'/.exec(text)?.[1] ?? null;
  const rules: [LivepatchEvent['what'], RegExp][] = [
    [
      'failed',
      /^failed|not found in symbol table|unresolvable ambiguity|is not compatible|pre-patch callback failed|is not marked/,
    ],
    ['enabling', /^enabling patch/],
    ['starting', /: starting (?:un)?patching transition/],
    ['complete', /: (?:un)?patching complete/],
    ['signaling', /^signaling remaining tasks/],
    ['forcing', /^forcing remaining tasks/],
  ];
  return {
    what: rules.find(([, rule]) => rule.test(text))?.[0] ?? 'other',
    patch,
    text: text.slice(0, 200),
    line: number,
  };
}
