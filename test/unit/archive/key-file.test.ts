import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { decryptKey, encryptKey, parseEncryptedKey, parsePublicKey } from '#archive';

const { privateKey } = generateKeyPairSync('ed25519');
const PASSPHRASE = 'correct horse';
const text = JSON.stringify(await encryptKey(privateKey, PASSPHRASE));
type Parts = ReturnType<typeof parseEncryptedKey>;

test('a key comes out of its file with the passphrase, and with no other', async () => {
  const file = parseEncryptedKey(text, 'f');
  const key = await decryptKey(file, PASSPHRASE, 'f');
  assert.ok(key.equals(privateKey));
  for (const wrong of ['', 'Correct horse', `${PASSPHRASE} `])
    await assert.rejects(decryptKey(file, wrong, 'f'), { code: 'key-locked' });
  const raw = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex').slice(-64);
  assert.ok(!text.includes(raw), 'nothing of the private key stands in the file');
});

test('two files of one key and passphrase have nothing in common that is secret', async () => {
  const [one, other] = [parseEncryptedKey(text, 'f'), await encryptKey(privateKey, PASSPHRASE)];
  assert.notEqual(one.kdf.salt, other.kdf.salt);
  assert.notEqual(one.cipher.nonce, other.cipher.nonce);
  assert.notEqual(one.data, other.data);
});

test('every part of the file is authenticated: one that was changed opens no key', async () => {
  const other = await encryptKey(generateKeyPairSync('ed25519').privateKey, PASSPHRASE);
  const flip = (hex: string): string => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;
  const changes: ((file: Parts) => Parts)[] = [
    (file) => ({ ...file, public: other.public }),
    (file) => ({ ...file, data: flip(file.data) }),
    (file) => ({ ...file, data: file.data.slice(0, -2) }),
    (file) => ({ ...file, data: other.data }),
    (file) => ({ ...file, kdf: { ...file.kdf, salt: flip(file.kdf.salt) } }),
    (file) => ({ ...file, kdf: { ...file.kdf, N: file.kdf.N / 2 } }),
    (file) => ({ ...file, cipher: { ...file.cipher, nonce: flip(file.cipher.nonce) } }),
    (file) => ({ ...file, cipher: { ...file.cipher, tag: flip(file.cipher.tag) } }),
    (file) => ({ ...file, cipher: { ...file.cipher, tag: file.cipher.tag.slice(0, 8) } }),
  ];
  for (const change of changes)
    await assert.rejects(
      decryptKey(change(parseEncryptedKey(text, 'f')), PASSPHRASE, 'f'),
      { code: 'key-locked' },
      String(change),
    );
});

test('a file that would cost all memory, or is in no form of ours, is not tried', () => {
  const file = parseEncryptedKey(text, 'f');
  const bad: unknown[] = [
    { ...file, kdf: { ...file.kdf, N: 1 << 30 } },
    { ...file, kdf: { ...file.kdf, r: 1_000 } },
    { ...file, kdf: { ...file.kdf, name: 'none' } },
    { ...file, cipher: { ...file.cipher, name: 'aes-256-ctr' } },
    { ...file, more: 1 },
    {},
    [],
    null,
  ];
  for (const value of bad) assert.throws(() => parseEncryptedKey(JSON.stringify(value), 'f'), { code: 'key-invalid' });
  assert.throws(() => parseEncryptedKey('{', 'f'), { code: 'key-invalid' });
});

test('what is carried to the ceremony is a public key and nothing else', () => {
  const key = parseEncryptedKey(text, 'f').public;
  assert.deepEqual(parsePublicKey(JSON.stringify(key), 'f'), key);
  for (const value of [
    text,
    '{}',
    JSON.stringify({ ...key, private: 'x' }),
    JSON.stringify({ ...key, scheme: 'none' }),
  ])
    assert.throws(() => parsePublicKey(value, 'f'), { code: 'key-invalid' });
});
