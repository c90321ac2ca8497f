import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode, MAX_MAIL_BYTES, StageError } from '#domain';
import { parseMail, readVersionLines, sectionsOf } from '#feed';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';

for (const { name, input, expected } of corpus('mails')) {
  test(`mail ${name}`, async () => {
    if (expected['error'] !== undefined) {
      await assert.rejects(parseMail(input), { code: expected['error'] });
      return;
    }
    assertContains(await parseMail(input), expected);
  });
}

test('a mail over the limit is refused before it is parsed', async () => {
  await assert.rejects(parseMail(Buffer.alloc(MAX_MAIL_BYTES + 1)), (error) => hasCode(error, 'mail-too-large'));
});

test('no bytes make the mail reader fail in another way than by its own errors', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
      await parseMail(bytes).catch((error: unknown) => assert.ok(error instanceof StageError));
    }),
  );
});

test('text behind a known head never adds a range or a file that it does not state', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 80 }), { maxLength: 40 }), (lines) => {
      const sections = sectionsOf(lines.join('\n'));
      assert.ok(sections.size <= 6);
      assert.ok(readVersionLines(lines).length <= lines.length);
    }),
  );
});
