import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clusterReports, type KernelReport, parseKernelLog } from '#klog';
import { corpus } from '../../../testkit/corpus.ts';
import { encoders } from '../../../testkit/kernel-log.ts';
import { pageFault, records, type SampleReport } from '../../../testkit/sample-report.ts';

function reportOf(parts: Partial<SampleReport>, transport = 'console'): KernelReport {
  const { reports } = parseKernelLog(encoders[transport]!.encode(records(pageFault(parts), parts)));
  assert.equal(reports.length, 1, transport);
  return reports[0]!;
}

const BUG = { instruction: 'sample_read [demo]', frames: ['sample_open [demo]', 'vfs_read'] };
const KEY = reportOf(BUG).key;

const suffix = fc.constantFrom(
  '',
  '.isra.0',
  '.constprop.0',
  '.cold',
  '.part.0',
  '.isra.0.cold',
  '.constprop.0.isra.1',
  '.__uniq.123456.llvm.7',
  '.cfi_jt',
);
const host = fc.record({
  suffix,
  transport: fc.constantFrom(...Object.keys(encoders)),
  parts: fc.record({
    pid: fc.integer({ min: 1, max: 4_194_304 }),
    cpu: fc.nat(511),
    task: fc.constantFrom('cat', 'kworker/u8:3', 'BUG: x', 'a b', '(sd-pam)', 'Oops', 'sample_write'),
    offset: fc.integer({ min: 1, max: 0x340 }),
    seconds: fc.integer({ min: 1, max: 9_000_000 }),
    release: fc.constantFrom('6.12.1-amd64', '6.12.9-amd64', '7.2.0+'),
    modules: fc.constantFrom('', 'ext4', 'demo(OE+) tuxtape_y(OEK) [last unloaded: x]'),
  }),
});

test('the same bug on another host, in any transport, has the same key', () => {
  fc.assert(
    fc.property(host, ({ suffix: clone, transport, parts }) => {
      const { key, corrupted } = reportOf({ ...parts, ...BUG, instruction: `sample_read${clone} [demo]` }, transport);
      assert.equal(corrupted, false);
      assert.equal(key, KEY);
    }),
  );
});

test('a system call has one key on every architecture', () => {
  const names = ['__x64_sys_read', '__ia32_sys_read', '__arm64_sys_read', '__do_sys_read.__uniq.1234.llvm.5'];
  assert.equal(new Set(names.map((instruction) => reportOf({ instruction }).key)).size, 1);
});

test('another function, module or kind is another bug', () => {
  const warning = parseKernelLog(
    `WARNING: CPU: 1 PID: 583 at fs/a.c:12 sample_read+0x12/0x340 [demo]\nCall Trace:\n vfs_read+0x1/0x2\n---[ end trace 0 ]---`,
  );
  const keys = [
    KEY,
    reportOf({ ...BUG, instruction: 'sample_write [demo]' }).key,
    reportOf({ ...BUG, instruction: 'sample_read [demo2]' }).key,
    reportOf({ ...BUG, instruction: 'sample_read' }).key,
    warning.reports[0]!.key,
  ];
  assert.equal(new Set(keys).size, keys.length, keys.join('\n'));
});

const LINES: readonly (readonly [string, string])[] = [
  [
    'INFO: task kworker/1:2:77 blocked for more than 120 seconds.\nCall Trace:\n __schedule+0x1/0x2\n schedule+0x1/0x2\n sample_wait+0x1/0x2',
    'INFO: task dd:99 blocked for more than 362 seconds.\nCall Trace:\n __schedule+0x9/0x9\n schedule+0x7/0x9\n sample_wait.isra.0+0x5/0x9',
  ],
  [
    'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [dd:77]\nCPU: 1 PID: 77 Comm: dd Not tainted 6.1.0 #1\nRIP: 0010:sample_spin+0x1/0x9\nCall Trace:\n vfs_read+0x1/0x2',
    'watchdog: BUG: soft lockup - CPU#12 stuck for 48s! [kworker/12:0:9]\nCPU: 12 PID: 9 Comm: kworker/12:0 Tainted: G      D L 6.1.9 #3\nRIP: 0010:sample_spin+0x4/0x9\nCall Trace:\n vfs_write+0x1/0x2',
  ],
  [
    'BUG: KASAN: slab-use-after-free in sample_free+0x12/0x40\nRead of size 8 at addr ffff888012345678 by task cat/12\nCPU: 0 PID: 12 Comm: cat Not tainted 6.1.0 #1\nCall Trace:\n sample_free+0x12/0x40',
    'BUG: KASAN: slab-use-after-free in sample_free.cold+0x1/0x4\nRead of size 8 at addr ffff8880abcdef00 by task dd/999\nCPU: 3 PID: 999 Comm: dd Not tainted 6.1.0 #1\nCall Trace:\n sample_free.cold+0x1/0x4',
  ],
  ['demo: Unknown symbol gone (err -2)', 'demo: Unknown symbol gone (err -22)'],
  [
    "UBSAN: array-index-out-of-bounds in fs/sample.c:120:5\nindex 12 is out of range for type 'int [8]'\nCPU: 0 PID: 1 Comm: a Not tainted 6.1 #1\nCall Trace:\n sample_index+0x1/0x2",
    "UBSAN: array-index-out-of-bounds in fs/sample.c:120:5\nindex 99 is out of range for type 'int [8]'\nCPU: 5 PID: 7 Comm: b Not tainted 6.1 #1\nCall Trace:\n sample_index+0x9/0x9",
  ],
];

for (const [one, other] of LINES) {
  test(`one key: ${one.split('\n')[0]}`, () => {
    const keys = [one, other].map((text) => parseKernelLog(text).reports.map(({ key }) => key));
    assert.equal(keys[0]!.length, 1);
    assert.deepEqual(keys[1], keys[0]);
  });
}

test('every report of the corpus keeps its key whoever prints it, and no two kinds share one', () => {
  const kinds = new Map<string, string>();
  for (const { input } of corpus('kernel-reports'))
    for (const { key, kind } of parseKernelLog(input).reports) {
      assert.equal(kinds.get(key) ?? kind, kind);
      kinds.set(key, kind);
      assert.doesNotMatch(key, /0x[0-9a-f]{4}|ffff[0-9a-f]{8}/);
    }
});

test('sightings become one row a bug: how often, where, when first and last', () => {
  const other = reportOf({ instruction: 'sample_write' });
  const sightings = Array.from({ length: 100 }, (_, i) => ({
    report: reportOf({ ...BUG, pid: i + 1, cpu: i }),
    host: `host-${i % 40}`,
    at: 1000 - i,
  }));
  const rows = clusterReports([{ report: other, host: 'host-1', at: 5 }, ...sightings]);
  assert.deepEqual(
    rows.map(({ key, count, hosts, first, last }) => ({ key, count, hosts: hosts.size, first, last })),
    [
      { key: KEY, count: 100, hosts: 40, first: 901, last: 1000 },
      { key: other.key, count: 1, hosts: 1, first: 5, last: 5 },
    ],
  );
});
