import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseKernelLog } from '#klog';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';
import { consoleLines, gathered } from '../../../testkit/kernel-lines.ts';
import { shared } from '../../../testkit/shared.ts';

const cases = corpus('kernel-reports').map(({ name, input, expected }) => ({
  name,
  expected,
  text: input.toString('utf8'),
}));

for (const { name, text, expected } of cases) {
  test(`kernel report ${name}`, () => assertContains(gathered(consoleLines(text)), expected));
}

test('a line that the kernel did not write is in no report', () => {
  for (const { text } of cases) {
    const lines = consoleLines(text).map((line) => ({ ...line, fromKernel: false }));
    assert.deepEqual(gathered(lines), { reports: [], events: [] });
  }
});

test('the key is the same on another host', () => {
  const [one] = gathered(consoleLines(cases.find(({ name }) => name === 'warning-7.2')!.text)).reports;
  const other = cases
    .find(({ name }) => name === 'warning-7.2')!
    .text.replaceAll('583', '91')
    .replaceAll('+0x33', '+0x71');
  assert.equal(gathered(consoleLines(other)).reports[0]?.key, one?.key);
});

test('a livepatch message after a report that never ended is told', () => {
  const text =
    "[   20.000000] BUG: unable to handle page fault for address: 0\n[   90.000000] livepatch: enabling patch 'x'";
  const { reports, events } = gathered(consoleLines(text));
  assert.deepEqual([reports.length, events.map(({ step }) => step)], [1, ['enabling']]);
});

test('frames of every architecture name the guilty function', () => {
  const forms = [
    ['x86 4.14', 'RIP: 0010:guilty+0x1/0x2', 'Call Trace:', ' [<ffffffff81234567>] caller+0x1/0x2'],
    [
      'x86 4.8',
      'RIP: 0010:[<ffffffff82d4e304>]  [<ffffffff82d4e304>] guilty+0x24/0x30',
      'Call Trace:',
      ' caller+0x1/0x2',
    ],
    ['arm64', 'pc : guilty+0x18/0x2c [mod]', 'Call trace:', ' caller+0x18/0x2c (P)'],
    ['arm', 'PC is at guilty+0x40/0x48', 'Backtrace: ', '[<8078e15c>] (guilty) from [<8078fba0>] (caller+0x10c/0x114)'],
    [
      'ppc64le',
      'NIP [c0000000000392d4] guilty+0x2c/0x70',
      'Call Trace:',
      '[c00000003ae5b800] [c00000000135c19c] caller+0x128/0x1cc',
    ],
    [
      's390x',
      'Krnl PSW : 0704c00180000000 00000000001c8a9e (guilty+0x22/0x50)',
      'Call Trace:',
      ' [<000000000010b8a2>] caller+0x82/0xd0',
    ],
    ['riscv', 'epc : guilty+0x1c/0x40', 'Call Trace:', '[<ffffffe000203f80>] caller+0x0/0xa0'],
    ['mips', 'epc   : 80123456 guilty+0x1c/0x40', 'Call Trace:', '[<80123456>] caller+0x0/0xa0'],
  ];
  for (const [name, ...lines] of forms) {
    const text = ['Unable to handle kernel paging request at virtual address 00000010', ...lines].join('\n');
    const { reports } = gathered(consoleLines(text));
    assert.equal(reports[0]?.title, 'BUG: unable to handle kernel paging request in guilty', name);
    assert.equal(reports[0].instruction?.function, 'guilty', name);
    assert.ok(
      reports[0].trace.some((frame) => frame.function === 'caller'),
      name,
    );
  }
});

test('a function that acts for its caller is not guilty, one that only looks like it is', () => {
  const titled = (guilty: string, ...above: string[]) =>
    [
      'BUG: kernel NULL pointer dereference, address: 0000000000000010',
      'Oops: 0000 [#1] SMP',
      'CPU: 1 PID: 501 Comm: worker Not tainted 6.1.0 #1',
      `RIP: 0010:${above[0] ?? guilty}+0x1/0x20`,
      'Call Trace:',
      ...[...above, guilty, 'demo_caller'].map((name) => ` ${name}+0x1/0x20`),
    ].join('\n');
  const helpers =
    'memcpy kfree kmem_cache_alloc_noprof _raw_spin_lock __mutex_lock down_write refcount_inc strnlen vsnprintf kobject_get device_del';
  for (const helper of helpers.split(' ')) {
    const [report] = gathered(consoleLines(titled('demo_guilty', helper))).reports;
    assert.equal(report?.function, 'demo_guilty', helper);
  }
  const owners =
    'list_lru_add print_reg_state bitmap_ip_add hash_ip4_add kernfs_get mas_next_slot put_device kvfree_call_rcu copy_from_kernel_nofault put_user_ns copy_to_urb ida_free rb_next skb_dequeue';
  for (const owner of owners.split(' ')) {
    const [report] = gathered(consoleLines(titled(owner))).reports;
    assert.equal(report?.function, owner, owner);
  }
});

const FAULTS: Readonly<Record<string, readonly string[]>> = {
  'NAME: 0000 [#1] PREEMPT SMP': [
    ...['divide error', 'overflow', 'invalid opcode', 'int3', 'alignment check', 'bounds', 'stack segment'],
    ...['unexpected #NM exception', 'iret exception', 'fpu exception', 'simd exception', 'VE fault', 'double fault'],
    ...['Oops', 'Oops: Oops', 'Oops: int3', 'Oops: never seen', 'general protection fault', 'control protection fault'],
  ],
  'Oops: NAME, sig: 11 [#1]': ['Kernel access of bad area', 'Machine check', 'Exception in kernel mode'],
  'NAME: 0010 ilc:2 [#1] SMP': ['HFP overflow exception', 'vector exception', 'Unexpected TEID', 'monitor event'],
  'NAME [#1]': ['Oops', 'Kernel BUG', 'Oops - illegal instruction', 'Oops - environment call from U-mode'],
  'NAME[#1]:': [
    'Oops',
    'Kernel ale access',
    'Bounds check error in kernel code',
    'do_fpu invoked from kernel context!',
  ],
  'Internal error: NAME: 0000000096000004 [#1] SMP': ['Oops', 'Oops - BTI', 'UBSAN: array index out of bounds'],
};

test('every name that a kernel dies with begins a report, and a device of that name does not', () => {
  const body = ['CPU: 1 PID: 501 Comm: worker Not tainted 6.1.0 #1', 'Call Trace:', ' demo_get+0x1/0x20'];
  for (const [form, names] of Object.entries(FAULTS))
    for (const name of names) {
      const { reports } = gathered(consoleLines([form.replace('NAME', name), ...body].join('\n')));
      assert.deepEqual(
        reports.map((report) => [report.severity, report.function]),
        [['fatal', 'demo_get']],
        `${form}: ${name}`,
      );
      const device = name.replaceAll(/\W/g, '');
      assert.deepEqual(gathered(consoleLines(`${device}: entered promiscuous mode`)).reports, [], device);
    }
});

test('who warned is known though the trace is lost', () => {
  const text = 'WARNING: CPU: 1 PID: 501 at drivers/demo/demo.c:18 demo_put+0x1/0x20 [demo]\nModules linked in: demo';
  const [report] = gathered(consoleLines(text)).reports;
  assert.equal(report?.title, 'WARNING in corrupted');
  assert.equal(report.function, 'demo_put');
  assert.equal(report.module, 'demo');
});

test('any mutation of a log is read without a throw, and lines stay within it', () => {
  const all = cases.flatMap(({ text }) => text.split('\n'));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...all), fc.string({ maxLength: 90 })), { maxLength: 120 }),
      (lines) => {
        const { reports } = gathered(consoleLines(lines.join('\n')));
        for (const { firstLine, lastLine } of reports) {
          assert.ok(firstLine >= 1 && lastLine >= firstLine && lastLine <= lines.length * 2 + 2);
        }
      },
    ),
    { numRuns: 300 },
  );
});

interface SharedCase {
  readonly title: string | null;
  readonly alt: readonly string[];
  readonly frame: string | null;
  readonly class: string;
  readonly corrupted: boolean | null;
  readonly log: string;
}

const real = shared === undefined ? undefined : join(shared, 'klog/cases.jsonl');

test('real logs: found, titled, and nothing where nothing is', {
  skip: real === undefined || !existsSync(real),
}, () => {
  const lines = readFileSync(real!, 'utf8').trim().split('\n');
  /** Reports of a fuzzer or of firmware are not the kernel's; `see_log` states no title. */
  const stated = lines
    .map((line) => JSON.parse(line) as SharedCase)
    .filter((one) => one.class !== 'not_kernel' && one.class !== 'see_log');
  const results = stated.map((one) => ({ one, report: parseKernelLog(one.log).reports[0] }));
  const wanted = results.filter(({ one }) => one.title !== null && one.title !== '');
  const found = wanted.filter(({ report }) => report !== undefined);
  const titled = wanted.filter(
    ({ one, report }) => report !== undefined && [one.title, ...one.alt].includes(report.title),
  );
  const whole = wanted.filter(({ one, report }) => report?.corrupted === one.corrupted);
  assert.deepEqual(
    results.filter(({ one, report }) => (one.title === null || one.title === '') && report !== undefined),
    [],
  );
  assert.ok(found.length >= wanted.length * 0.98, `${found.length} of ${wanted.length} found`);
  assert.ok(titled.length >= wanted.length * 0.95, `${titled.length} of ${wanted.length} titled`);
  assert.ok(whole.length >= wanted.length * 0.95, `${whole.length} of ${wanted.length} corrupted or not`);
  for (const { one, report } of wanted) if (one.frame !== null) assert.equal(report?.function, one.frame);
});
