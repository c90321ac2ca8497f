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
