import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseKernelLog } from '#klog';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';

for (const { name, input, expected } of corpus('kernel-logs')) {
  test(`kernel log ${name}`, () => {
    assertContains(parseKernelLog(input.toString('utf8')), expected);
  });
}

test('any text is read, and lines are numbered from 1 to its end', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constant('BUG: unable to handle page fault')), { maxLength: 50 }),
      (lines) => {
        const { reports } = parseKernelLog(lines.join('\n'));
        for (const { firstLine, lastLine } of reports) assert.ok(firstLine >= 1 && lastLine <= lines.length);
      },
    ),
  );
});

test('a message nested as deep as a line is long is none, and nothing throws', () => {
  const deep = `{"MESSAGE":${'['.repeat(30_000)}${']'.repeat(30_000)}}\n`;
  const entry = '{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":["BUG: Bad rss-counter state", "x"]}\n';
  const { reports } = parseKernelLog(entry.repeat(2) + deep + entry, 'journal-json');
  assert.equal(reports.length, 3);
});

test('lists of modules that repeat a mark are read in linear time', () => {
  const start = 'BUG: unable to handle page fault for address: 0\n';
  const line = `Modules linked in: a${'[last unloaded:'.repeat(4000)}\u2028\n`;
  const before = process.cpuUsage();
  const { reports } = parseKernelLog((start + line).repeat(50), 'console');
  const { user } = process.cpuUsage(before);
  assert.equal(reports.length, 50);
  assert.deepEqual(reports[0]!.modules, [{ name: 'a', state: 'live', taints: '' }]);
  assert.ok(user < 3e6, `${user / 1e6} s`);
});

test('parts of a dump of pstore in any number and with empty lines are put in order', () => {
  const part = (number: number, text: string): string => `Panic#1 Part${number}\n${text}`;
  const fault = 'BUG: unable to handle page fault for address: 0\nRIP: 0010:a+0x1/0x2\nCall Trace:\n b+0x1/0x2\n';
  const before = process.cpuUsage();
  const many = Array.from({ length: 20_000 }, (_, i) => part(20_000 - i, '')).join('');
  const { reports } = parseKernelLog(
    part(20_002, ' b+0x1/0x2\n') + part(20_003, fault) + many + '\n'.repeat(3_000_000),
  );
  assert.deepEqual(
    reports.map(({ firstLine, corrupted }) => [firstLine, corrupted]),
    [[4, false]],
  );
  assert.ok(process.cpuUsage(before).user < 5e6);
});
