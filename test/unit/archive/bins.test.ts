/** Writer and reader share no code, and have to put every target into the same bin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#domain';
import { binNames, binOf } from '../../../src/archive/state.ts';
import { delegatesOf } from '../../../src/trust/delegation.ts';

const path = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));

test('the publisher lists a target in the bin in which a host looks for it', () => {
  fc.assert(
    fc.property(path, fc.integer({ min: 1, max: 14 }), (target, bits) => {
      const written = { bit_length: bits, name_prefix: 'modules', keyids: [], threshold: 1 };
      const bins = { keyids: new Set<string>(), threshold: 1, keys: new Map(), bitLength: bits, namePrefix: 'modules' };
      const [read] = delegatesOf({ kind: 'bins', bins }, target);
      assert.equal(binOf(written, target), read?.name);
      assert.ok(binNames(written).includes(read?.name ?? ''));
    }),
  );
});

test('an archive that says it has more bins than memory is refused before one is made', () => {
  for (const bits of [0, 15, 28, 32, 2.5, -1])
    assert.throws(
      () => binNames({ bit_length: bits, name_prefix: 'modules', keyids: [], threshold: 1 }),
      (error) => hasCode(error, 'archive-broken'),
    );
});
