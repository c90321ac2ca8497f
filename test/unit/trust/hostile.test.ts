/** Every file of test/corpus/tuf-metadata: what is refused, and why; what is odd and right all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TopRole } from '../../../src/trust/metadata.ts';
import { readDocument } from '../../../src/trust/metadata.ts';
import { corpus } from '../../../testkit/corpus.ts';
import { canonical } from '../../../testkit/tuf-keys.ts';

for (const { name, input, expected } of corpus('tuf-metadata')) {
  const { kind, refused } = expected as { kind: TopRole; refused: string | null };
  test(`${name} is ${refused === null ? 'read' : 'refused'}`, () => {
    if (refused === null) {
      const { signed, payload } = readDocument(kind, input, name);
      assert.equal(signed.version, 1);
      const text = (JSON.parse(input.toString()) as { signed: object }).signed;
      assert.equal(Buffer.from(payload).toString(), canonical(text));
    } else
      assert.throws(
        () => readDocument(kind, input, name),
        (error: Error & { code?: string; where?: string }) =>
          error.code === 'metadata-invalid' && error.where === name && error.message.includes(refused),
      );
    assert.equal(({} as Record<string, unknown>)['x'], undefined);
  });
}

const sources = corpus('tuf-metadata').map(({ input }) => input);
const kinds: readonly TopRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

test('files that were spoiled at random are read or refused, never anything else', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...sources.filter((bytes) => bytes.length < 5_000)),
      fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'double')), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.constantFrom(...kinds),
      (source, changes, kind) => {
        let bytes = Buffer.from(source);
        for (const [at, value, how] of changes) {
          const place = bytes.length === 0 ? 0 : at % bytes.length;
          if (how === 'set' && bytes.length > 0) bytes[place] = value;
          else if (how === 'cut') bytes = bytes.subarray(0, place);
          else bytes = Buffer.concat([bytes.subarray(0, place), bytes]);
        }
        try {
          readDocument(kind, bytes, 'spoiled');
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'metadata-invalid', String(error));
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('five megabytes of anything are read or refused within seconds', () => {
  const head =
    '{"signatures":[],"signed":{"_type":"targets","spec_version":"1.0.0","version":1,"expires":"2030-01-01T00:00:00Z",';
  const hash = '0'.repeat(64);
  const fill = (item: (at: number) => string, size = 40_000): string =>
    Array.from({ length: size }, (_, at) => item(at)).join(',');
  const big = [
    `${head}"targets":{${fill((at) => `"file-${at}":{"length":1,"hashes":{"sha256":"${hash}"}}`)}}}}`,
    `${head}"targets":{},"x":"${'\\u0041'.repeat(800_000)}"}}`,
    `${head}"targets":{},"x":[${fill(() => '[]', 1_500_000)}]}}`,
    `${head}"targets":{},"x":"${'a'.repeat(5_000_000)}`,
    ' '.repeat(5_000_000),
    `${head}"targets":{},"x":${'9'.repeat(5_000_000)}}}`,
    `${head}"targets":{},"delegations":{"keys":{${fill((at) => `"k${at}":{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"${hash}"}}`)}},"roles":[]}}}`,
  ];
  for (const text of big) {
    const start = performance.now();
    try {
      readDocument('targets', Buffer.from(text), 'big');
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'metadata-invalid');
    }
    const seconds = (performance.now() - start) / 1_000;
    assert.ok(seconds < 5, `${seconds} s for ${text.slice(0, 150)}`);
  }
});
