import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#domain';
import { fromBase32, hotp, matchTotp, type TotpHash, toBase32, totpStep, totpUri } from '#identity';

const SECRET = Buffer.from('12345678901234567890');

test('codes by counter: RFC 4226, appendix D', () => {
  const codes = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489'];
  assert.deepEqual(
    codes.map((_, counter) => hotp(SECRET, counter)),
    codes,
  );
});

test('codes by time: RFC 6238, appendix B', () => {
  const secrets: Record<TotpHash, Buffer> = {
    sha1: SECRET,
    sha256: Buffer.from('12345678901234567890123456789012'),
    sha512: Buffer.from('1234567890123456789012345678901234567890123456789012345678901234'),
  };
  const vectors: [number, TotpHash, string][] = [
    [59, 'sha1', '94287082'],
    [59, 'sha256', '46119246'],
    [59, 'sha512', '90693936'],
    [1_111_111_109, 'sha1', '07081804'],
    [1_111_111_109, 'sha256', '68084774'],
    [1_111_111_109, 'sha512', '25091201'],
    [1_111_111_111, 'sha1', '14050471'],
    [1_111_111_111, 'sha256', '67062674'],
    [1_111_111_111, 'sha512', '99943326'],
    [1_234_567_890, 'sha1', '89005924'],
    [1_234_567_890, 'sha256', '91819424'],
    [1_234_567_890, 'sha512', '93441116'],
    [2_000_000_000, 'sha1', '69279037'],
    [2_000_000_000, 'sha256', '90698825'],
    [2_000_000_000, 'sha512', '38618901'],
    [20_000_000_000, 'sha1', '65353130'],
    [20_000_000_000, 'sha256', '77737706'],
    [20_000_000_000, 'sha512', '47863826'],
  ];
  for (const [seconds, hash, code] of vectors)
    assert.equal(hotp(secrets[hash], totpStep(new Date(seconds * 1000)), 8, hash), code, `${seconds} ${hash}`);
});

test('a code counts one step around its own, and never a second time', () => {
  const at = new Date(1_700_000_010_000);
  const now = totpStep(at);
  for (const [drift, counts] of [
    [-2, false],
    [-1, true],
    [0, true],
    [1, true],
    [2, false],
  ] as const)
    assert.equal(matchTotp(SECRET, hotp(SECRET, now + drift), at, null), counts ? now + drift : null, `${drift}`);
  const code = hotp(SECRET, now);
  assert.equal(matchTotp(SECRET, code, at, now - 1), now);
  assert.equal(matchTotp(SECRET, code, at, now), null, 'used');
  assert.equal(matchTotp(SECRET, code, at, now + 1), null, 'a later one was used');
  assert.equal(matchTotp(SECRET, '', at, null), null);
});

test('base32: RFC 4648, section 10, and back for any bytes', () => {
  const vectors = ['', 'MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI'];
  assert.deepEqual(
    vectors.map((_, length) => toBase32(Buffer.from('foobar'.slice(0, length)))),
    vectors,
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) =>
      assert.deepEqual(Buffer.from(fromBase32(toBase32(bytes))), Buffer.from(bytes)),
    ),
  );
  assert.throws(
    () => fromBase32('MZXW1'),
    (error) => hasCode(error, 'totp-secret-invalid'),
  );
  assert.equal(totpUri(SECRET, 'jane'), `otpauth://totp/TuxTape:jane?secret=${toBase32(SECRET)}&issuer=TuxTape`);
});
