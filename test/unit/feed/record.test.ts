import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode, StageError } from '#domain';
import { parseDyad, parseRecord } from '#feed';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';

const ID = 'CVE-2026-10001';

for (const { name, input, expected } of corpus('records')) {
  test(`record ${name}`, () => {
    const read = (): unknown => parseRecord(ID, 'published', { json: input, dyad: undefined });
    if (expected['error'] === undefined) assertContains(read(), expected);
    else assert.throws(read, { code: expected['error'] });
  });
}

test('the directory decides the state, not what the record says', () => {
  const json = corpus('records').find(({ name }) => name === 'not-scored')!.input;
  assert.equal(parseRecord(ID, 'rejected', { json, dyad: undefined }).record.state, 'rejected');
});

test('a dyad line is introduced version:commit:fixed version:commit, 0 for none', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  assert.deepEqual(parseDyad(`# dyad version: 9\n0:0:6.1.171:${commit}\n5.4:${commit}:0:0\n`), [
    { introduced: null, fixed: { version: '6.1.171', commit } },
    { introduced: { version: '5.4', commit }, fixed: null },
  ]);
  for (const bad of ['6.1:abc', 'a b:c:d:e', '::: ', '<script>:0:0:0']) {
    assert.throws(
      () => parseDyad(bad),
      (error) => hasCode(error, 'dyad-unreadable'),
      bad,
    );
  }
});

test('no text makes the record reader fail in another way than by its own errors', () => {
  const any = fc.oneof(
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(any, any, (json, dyad) => {
      try {
        parseRecord(ID, 'published', { json, dyad });
      } catch (error) {
        assert.ok(error instanceof StageError);
      }
    }),
  );
});
