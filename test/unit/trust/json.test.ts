/** The JSON reader and the canonical form, against JSON.parse and a canonical form written another way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { canonicalJson, type Json, parseJson } from '../../../src/trust/json.ts';
import { canonical } from '../../../testkit/tuf-keys.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', '1', '10', '2', '"\\', 'toString'),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    text,
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(text, tie('any'), { maxKeys: 5, noNullPrototype: false }),
  ),
})).any;

const read = (json: string): Json => parseJson(Buffer.from(json), 'test');
/** As JSON.parse, which gives objects a prototype. */
const plain = (json: Json): unknown => JSON.parse(JSON.stringify(json));

test('what JSON.stringify writes is read as JSON.parse reads it, however it is spaced or escaped', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(0, 1, '\t'), fc.boolean(), (any, indent, escape) => {
      const written = JSON.stringify(any, null, indent);
      const json = escape
        ? written.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
        : written;
      assert.deepEqual(plain(read(` ${json}\n`)), JSON.parse(json));
    }),
  );
});

test('any text is read as JSON.parse reads it, or refused; what JSON.parse refuses is refused', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '"b"',
    '\\',
    '\\u0041',
    '1',
    '0',
    '-',
    '.5',
    'e3',
    'true',
    'null',
    ' ',
    '\n',
    'ü',
  );
  let both = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const json = pieces.join('');
      let ours: unknown;
      try {
        ours = plain(read(json));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'metadata-invalid');
        return;
      }
      both += 1;
      // Written once more: there, minus zero is zero.
      assert.deepEqual(ours, JSON.parse(JSON.stringify(JSON.parse(json))));
    }),
    { numRuns: 20_000 },
  );
  assert.ok(both > 100, `only ${both} texts were read`);
});

test('an object with a key twice is refused, at any depth and in any spelling', () => {
  fc.assert(
    fc.property(
      fc.dictionary(text, fc.integer(), { minKeys: 1, noNullPrototype: false }),
      fc.nat(),
      fc.nat(10),
      (object, pick, depth) => {
        const keys = Object.keys(object);
        const twice = keys[pick % keys.length]!;
        const spelled = `"${[...Array(twice.length).keys()].map((at) => `\\u${twice.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;
        const inner = `${JSON.stringify(object).slice(0, -1)},${spelled}:0}`;
        assert.throws(() => read(`${'['.repeat(depth)}${inner}${']'.repeat(depth)}`), { code: 'metadata-invalid' });
      },
    ),
  );
});

test('numbers are integers that are exact, or refused', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }), (number) => {
      const exact = number >= BigInt(Number.MIN_SAFE_INTEGER) && number <= BigInt(Number.MAX_SAFE_INTEGER);
      if (exact) assert.equal(BigInt(read(String(number)) as number), number);
      else assert.throws(() => read(String(number)), { code: 'metadata-invalid' });
    }),
  );
  for (const number of ['9007199254740991', '-9007199254740991', '0', '-0'])
    assert.equal(read(number), Number(number) + 0);
  for (const number of ['9007199254740992', '-9007199254740992', '1.0', '1e1', '00', '-', ''])
    assert.throws(() => read(number));
});

test('the canonical form does not depend on order, space or escapes, and tells different values apart', () => {
  fc.assert(
    fc.property(value, (any) => {
      const json = JSON.stringify(any);
      assert.equal(canonicalJson(read(json)), canonical(JSON.parse(json)));
      const turned = JSON.stringify(any, (_key, item: unknown) =>
        typeof item === 'object' && item !== null && !Array.isArray(item)
          ? Object.fromEntries(Object.entries(item).toReversed())
          : item,
      );
      assert.equal(canonicalJson(read(turned)), canonicalJson(read(json)));
    }),
  );
  fc.assert(
    fc.property(value, value, (one, other) => {
      const [a, b] = [read(JSON.stringify(one)), read(JSON.stringify(other))];
      assert.equal(canonicalJson(a) === canonicalJson(b), isDeepStrictEqual(plain(a), plain(b)));
    }),
  );
});

test('keys stand in the order of their code points', () => {
  assert.equal(
    canonicalJson(read('{"\u{1F600}":1,"\uFF5E":2,"b":3,"a":4,"":5,"B":6}')),
    '{"":5,"B":6,"a":4,"b":3,"\uFF5E":2,"\u{1F600}":1}',
  );
});
