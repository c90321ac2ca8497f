import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  approvalStatement,
  keyIdOf,
  openEnvelope,
  readApprovalStatement,
  readEnvelope,
  readGateStatement,
  sealStatement,
} from '#livepatch';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const HASH = 'a'.repeat(64);
const words = { reviewer: 'jane', reason: 'read it', accepted: ['a'], approvedAt: '2026-11-25T10:00:00.000Z' };
const statement = approvalStatement({ 'change.patch': HASH }, words);

function opened(text: string, key: KeyObject = publicKey): unknown {
  return openEnvelope(readEnvelope(text, 'file'), key, 'file');
}

test('what is sealed is opened by its key alone, and signed as DSSE says', () => {
  const sealed = sealStatement(statement, privateKey);
  assert.deepEqual(opened(sealed), statement);
  assert.throws(() => opened(sealed, other.publicKey), { code: 'attestation-refused' });
  const { payload, payloadType, signatures } = readEnvelope(sealed, 'file');
  assert.equal(signatures[0].keyid, keyIdOf(publicKey));
  const bytes = Buffer.from(payload, 'base64');
  // secure-systems-lab/dsse, protocol.md: PAE(type, body), written out.
  const signed = Buffer.concat([Buffer.from(`DSSEv1 28 ${payloadType} ${bytes.length} `), bytes]);
  assert.equal(payloadType.length, 28);
  assert.ok(verify(null, signed, publicKey, Buffer.from(signatures[0].sig, 'base64')));
});

test('a signature that was lent to another key id, or to another payload, is refused', () => {
  const envelope = JSON.parse(sealStatement(statement, privateKey)) as {
    payload: string;
    signatures: { keyid: string; sig: string }[];
  };
  const text = (part: object): string => JSON.stringify({ ...envelope, ...part });
  const [signature] = envelope.signatures;
  assert.throws(() => opened(text({ payload: Buffer.from('{}').toString('base64') })), { code: 'attestation-refused' });
  const lent = text({ signatures: [{ ...signature, keyid: keyIdOf(other.publicKey) }] });
  for (const key of [publicKey, other.publicKey])
    assert.throws(() => opened(lent, key), { code: 'attestation-refused' });
  for (const signatures of [[], [signature, signature], [{ ...signature, more: 1 }], [{ sig: signature!.sig }]])
    assert.throws(() => opened(text({ signatures })), { code: 'attestation-unreadable' });
  assert.throws(() => opened(text({ payloadType: 'text/plain' })), { code: 'attestation-unreadable' });
});

test('a statement of another kind, with fields of its own or two files of one name is not read', () => {
  assert.deepEqual(readApprovalStatement(statement, 'file'), { subject: { 'change.patch': HASH }, words });
  assert.throws(() => readGateStatement(statement, 'file'), { code: 'attestation-unreadable' });
  const one = { name: 'x', digest: { sha256: HASH } };
  const bad = [
    null,
    { ...(statement as object), subject: [one, { ...one, digest: { sha256: 'b'.repeat(64) } }] },
    { ...(statement as object), subject: [{ name: 'x', digest: { sha1: HASH } }] },
    { ...(statement as object), predicate: { ...words, more: true } },
    { ...(statement as object), predicate: { ...words, reason: '' } },
    { ...(statement as object), predicate: { ...words, approvedAt: 'now' } },
  ];
  for (const value of bad)
    assert.throws(() => readApprovalStatement(value, 'file'), { code: 'attestation-unreadable' });
});

test('property: no change of a byte of the file is believed', () => {
  const sealed = Buffer.from(sealStatement(statement, privateKey));
  fc.assert(
    fc.property(fc.nat({ max: sealed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(sealed);
      changed[at]! ^= by;
      let value: unknown;
      try {
        value = opened(changed.toString('latin1'));
      } catch (error) {
        assert.ok(['attestation-refused', 'attestation-unreadable'].includes((error as { code: string }).code));
        return;
      }
      // White space around the fields, and bits of base64 that no byte is made of.
      assert.deepEqual(value, statement);
    }),
  );
});

test('property: whatever a file holds, it is read or refused by code', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.throws(() => opened(text), { code: 'attestation-unreadable' });
      try {
        readApprovalStatement(JSON.parse(text), 'file');
        assert.fail('no text of chance is a statement');
      } catch (error) {
        if (!(error instanceof SyntaxError)) assert.equal((error as { code: string }).code, 'attestation-unreadable');
      }
    }),
  );
});
