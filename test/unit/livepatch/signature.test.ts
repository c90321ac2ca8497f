import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { appendSignature, readSignature, SIGNATURE_MARK, splitSignature } from '#livepatch';
import { DerError, der, dotted, oid, readDer, TAG } from '../../../src/livepatch/signature/der.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

test('a signature comes off as it was put on, and a file without one is left whole', () => {
  fc.assert(
    fc.property(bytes, bytes, (module, signature) => {
      fc.pre(signature.length > 0);
      assert.deepEqual(splitSignature(appendSignature(module, signature)), { module, signature, damage: null });
    }),
  );
  assert.deepEqual(splitSignature(Buffer.from('plain')).signature, null);
});

test('bytes behind the mark, a cut signature and a foreign kind are not taken for one', () => {
  const signed = appendSignature(Buffer.from('module'), Buffer.from('signature'));
  assert.equal(splitSignature(Buffer.concat([signed, Buffer.from('x')])).signature, null);
  const at = signed.length - SIGNATURE_MARK.length - 12;
  const changed = (offset: number, value: number): string | null => {
    const copy = Buffer.from(signed);
    copy[at + offset] = value;
    return splitSignature(copy).damage;
  };
  assert.match(changed(2, 1)!, /kind 1/);
  assert.match(changed(0, 1)!, /not one of PKCS#7/);
  assert.match(changed(8, 0xff)!, /longer than the file/);
  assert.match(splitSignature(Buffer.from(SIGNATURE_MARK)).damage!, /cut off/);
});

test('a signature that cannot be read fails its check, and never throws', () => {
  fc.assert(
    fc.property(bytes, (noise) => {
      fc.pre(noise.length > 0);
      const { check } = readSignature(appendSignature(Buffer.from('module'), noise));
      assert.ok(['failed', 'passed'].includes(check.outcome));
    }),
  );
});

test('DER is read as it is written; what is not DER is an error of its own', () => {
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      const read = readDer(der(TAG.sequence, der(TAG.octets, one), der(TAG.integer, other)));
      assert.deepEqual(
        readDer(read[0]!.content).map(({ content }) => content),
        [one, other],
      );
    }),
  );
  fc.assert(
    fc.property(bytes, (noise) => {
      try {
        readDer(noise);
      } catch (error) {
        assert.ok(error instanceof DerError, String(error));
      }
    }),
  );
  for (const id of ['1.2.840.113549.1.7.2', '2.16.840.1.101.3.4.2.1', '2.5.4.3', '1.3.14.3.2.26'])
    assert.equal(dotted(readDer(oid(id))[0]!.content), id);
});
