import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '#host';
import { keySigner, readSignature, type SigningHash, signModule, splitSignature } from '#livepatch';
import { makeModule } from '../../../testkit/livepatch-module.ts';
import { scratch } from '../../../testkit/scratch.ts';

interface Keys {
  readonly folder: string;
  readonly key: string;
  readonly certificate: string;
}

/** A throw-away key and its certificate, by openssl. */
async function makeKeys(name: string, kind: readonly string[]): Promise<Keys> {
  const folder = join(await scratch(), name);
  await mkdir(folder);
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', `/O=TuxTape test/CN=${name}`, '-days', '2'];
  await run('openssl', ['req', '-x509', '-nodes', ...kind, ...subject, '-keyout', key, '-out', certificate]);
  return { folder, key, certificate };
}

async function signerOf({ key, certificate }: Keys, hash: SigningHash): Promise<ReturnType<typeof keySigner>> {
  return keySigner(await readFile(key), await readFile(certificate), hash);
}

const RSA = ['-newkey', 'rsa:2048'];
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'];
const module = makeModule();

for (const hash of ['sha256', 'sha512'] as const)
  test(`an RSA signature with ${hash} is byte for byte what openssl makes with the flags of sign-file`, async () => {
    const keys = await makeKeys('rsa', RSA);
    const signed = await signModule(module, await signerOf(keys, hash));
    const file = join(keys.folder, 'module.ko');
    await writeFile(file, module);
    // scripts/sign-file.c: CMS_NOCERTS | CMS_BINARY | CMS_DETACHED | CMS_NOATTR.
    const words = ['-binary', '-noattr', '-nocerts', '-outform', 'DER', '-md', hash];
    await run('openssl', [
      'cms',
      '-sign',
      ...words,
      ...['-signer', keys.certificate, '-inkey', keys.key],
      '-in',
      file,
      '-out',
      `${file}.p7s`,
    ]);
    const parts = splitSignature(signed);
    assert.deepEqual(parts.signature, await readFile(`${file}.p7s`));
    assert.deepEqual(parts.module, module);
  });

test('an ECDSA signature is one that openssl verifies, and of these bytes alone', async () => {
  const keys = await makeKeys('ec', EC);
  const { signature } = splitSignature(await signModule(module, await signerOf(keys, 'sha384')));
  await writeFile(join(keys.folder, 'p7s'), signature!);
  const verify = async (content: Buffer): Promise<unknown> => {
    await writeFile(join(keys.folder, 'content'), content);
    const words = [
      '-verify',
      '-binary',
      '-inform',
      'DER',
      '-in',
      'p7s',
      '-content',
      'content',
      '-certfile',
      keys.certificate,
    ];
    return run('openssl', ['cms', ...words, '-CAfile', keys.certificate, '-purpose', 'any', '-out', 'out'], {
      cwd: keys.folder,
    });
  };
  await verify(module);
  await assert.rejects(verify(Buffer.concat([module, Buffer.from('x')])), { code: 'program-failed' });
});

test('who signed can be read, and a second signature replaces the first', async () => {
  const [one, other] = [await makeKeys('first', RSA), await makeKeys('second', RSA)];
  const signed = await signModule(module, await signerOf(one, 'sha256'));
  const { stdout } = await run('openssl', ['x509', '-in', one.certificate, '-noout', '-serial']);
  const serial = stdout.trim().replace('serial=', '').toLowerCase();
  const { signature, check } = readSignature(signed);
  assert.deepEqual(signature, { signer: 'O=TuxTape test, CN=first', keyId: signature?.keyId, hash: 'sha256' });
  assert.equal(signature.keyId.replace(/^00/, ''), serial.replace(/^00/, ''));
  assert.equal(check.outcome, 'passed');
  const again = await signModule(signed, await signerOf(other, 'sha256'));
  assert.equal(readSignature(again).signature?.signer, 'O=TuxTape test, CN=second');
  assert.deepEqual(splitSignature(again).module, module);
});

test('a key that is not of the certificate is refused, and so is what is no key', async () => {
  const [one, other] = [await makeKeys('first', RSA), await makeKeys('second', RSA)];
  const [key, certificate] = [await readFile(one.key), await readFile(other.certificate)];
  const code = { code: 'signing-failed' };
  assert.throws(() => keySigner(key, certificate, 'sha256'), code);
  assert.throws(() => keySigner(Buffer.from('no key'), certificate, 'sha256'), code);
  const damaged = Buffer.concat([module, Buffer.alloc(12, 0xff), Buffer.from('~Module signature appended~\n')]);
  await assert.rejects(signModule(damaged, await signerOf(one, 'sha256')), code);
});
