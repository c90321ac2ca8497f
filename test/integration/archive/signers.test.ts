/** Keys that never lie in our files: a program signs, here openssl and a PKCS #11 token (softhsm2), and hosts take what it signed. */
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import {
  addProgram,
  applyChange,
  encryptHeld,
  Keyring,
  makeKey,
  proposeArchive,
  publishLivepatch,
  signPending,
} from '#archive';
import { indexPath } from '#domain';
import { plainEnvironment, run, systemClock } from '#host';
import { BUILD_ID, bundle } from '../../../testkit/archive.ts';
import { adding, rootOf, visit } from '../../../testkit/ceremony.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '4711';
let openssl = '';

before(async () => {
  openssl = (await run('sh', ['-c', 'command -v openssl'])).stdout.trim();
});

async function script(path: string, body: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\nset -eu\n${body}\n`);
  await chmod(path, 0o700);
  return path;
}

async function opensslKey(home: string, ...args: string[]): Promise<{ file: string; publicPem: string }> {
  const file = join(home, `${args.join('-').replaceAll(/[^a-z0-9-]/gi, '')}.pem`);
  await run('openssl', ['genpkey', ...args, '-out', file]);
  return { file, publicPem: (await run('openssl', ['pkey', '-in', file, '-pubout'])).stdout };
}

test('a release that programs signed, one by P-256 and one by a token, is one that hosts take', async () => {
  const home = await scratch();
  const keys = join(home, 'keys');
  const p256 = await opensslKey(home, '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
  const args = ['dgst', '-sha256', '-sign', p256.file];
  const one = await addProgram(keys, 'release', { program: openssl, args, output: 'raw', publicPem: p256.publicPem });
  const token = await tokenKey(home);
  const two = await addProgram(keys, 'root', {
    program: token.program,
    args: [],
    output: 'raw',
    publicPem: token.publicPem,
  });
  const made = await Promise.all(
    ['targets', 'rollout', 'snapshot', 'timestamp'].map((name) => makeKey(keys, name, null)),
  );
  const roles = ['targets', 'rollout', 'snapshot', 'timestamp'] as const;
  const changes = adding(
    ['root', two.key],
    ['modules', one.key],
    ...roles.map((role, at) => [role, made[at]!.key] as const),
  );
  const place = { directory: join(home, 'archive'), keys, clock: systemClock };
  const { change } = await signPending(proposeArchive(changes, 1, new Date()), await Keyring.of(place));
  await applyChange(place, change);
  await publishLivepatch(place, bundle('tuxtape_one'));
  const read = await visit(place, await rootOf(place), join(home, 's'), (archive) =>
    archive.read(indexPath(BUILD_ID), 1 << 20),
  );
  assert.match(String(read?.content), /tuxtape_one/);
});

/** An ECDSA key in a software token, and the script of docs/operations/key-ceremony.md that signs with it. */
async function tokenKey(home: string): Promise<{ program: string; publicPem: string }> {
  const [conf, tokens, pin] = [join(home, 'softhsm.conf'), join(home, 'tokens'), join(home, 'pin')];
  await run('mkdir', [tokens]);
  await writeFile(conf, `directories.tokendir = ${tokens}\n`);
  await writeFile(pin, PIN, { mode: 0o600 });
  const env = plainEnvironment({ SOFTHSM2_CONF: conf, PIN });
  await run('softhsm2-util', ['--init-token', '--free', '--label', 'tuxtape', '--pin', PIN, '--so-pin', PIN], { env });
  const token = ['--module', SOFTHSM, '--token-label', 'tuxtape', '--login', '--pin', 'env:PIN'];
  await run('pkcs11-tool', [...token, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01'], { env });
  const der = join(home, 'public.der');
  await run('pkcs11-tool', [...token, '--read-object', '--type', 'pubkey', '--id', '01', '-o', der], { env });
  const publicPem = (await run('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', der])).stdout;
  const program = await script(
    join(home, 'sign-by-token'),
    `export SOFTHSM2_CONF=${conf} PIN="$(cat ${pin})"
openssl dgst -sha256 -binary | pkcs11-tool ${token.map((word) => `'${word}'`).join(' ')} \\
  --sign --mechanism ECDSA --signature-format openssl --id 01 --input-file /dev/stdin --output-file /dev/stdout | cat`,
  );
  return { program, publicPem };
}

test('a program that answers nothing, something else, or with another key is refused before anything is written', async () => {
  const home = await scratch();
  const keys = join(home, 'keys');
  const [right, wrong] = [
    await opensslKey(home, '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'),
    await opensslKey(home, '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'),
  ];
  const { publicPem } = right;
  const good = ['dgst', '-sha256', '-sign', right.file];
  const cases = [
    { program: '/bin/true', args: [], output: 'raw' },
    { program: '/bin/false', args: [], output: 'raw' },
    { program: '/bin/cat', args: [], output: 'hex' },
    { program: openssl, args: good, output: 'hex' },
    { program: openssl, args: ['dgst', '-sha256', '-sign', wrong.file], output: 'raw' },
    { program: '/nowhere/signer', args: [], output: 'raw' },
  ] as const;
  for (const one of cases)
    await assert.rejects(addProgram(keys, 'x', { ...one, publicPem }), { code: 'signer-failed' }, one.program);
  await assert.rejects(addProgram(keys, 'x', { program: 'openssl', args: good, output: 'raw', publicPem }), {
    code: 'key-invalid',
  });
  await assert.rejects(addProgram(keys, '../x', { program: openssl, args: good, output: 'raw', publicPem }), {
    code: 'name-invalid',
  });
  const secret = await readFile(right.file, 'utf8');
  await assert.rejects(addProgram(keys, 'x', { program: openssl, args: good, output: 'raw', publicPem: secret }), {
    code: 'key-invalid',
  });
  assert.deepEqual(await readdir(keys), []);
});

test('a key is put under a passphrase, and under another; the open file is gone', async () => {
  const keys = join(await scratch(), 'keys');
  const plain = await makeKey(keys, 'one', null);
  const encrypted = await encryptHeld(keys, 'one', { old: null, next: 'a' });
  assert.deepEqual((await readdir(keys)).toSorted(), ['one.key', 'one.pub']);
  assert.equal(encrypted.keyid, plain.keyid);
  await assert.rejects(encryptHeld(keys, 'one', { old: 'b', next: 'c' }), { code: 'key-locked' });
  await encryptHeld(keys, 'one', { old: 'a', next: 'c' });
  const [held] = (await Keyring.of({ keys })).held;
  await assert.rejects(
    held!.open(() => Promise.resolve(null)),
    { code: 'key-locked' },
  );
  const again = (await Keyring.of({ keys, passphrase: () => Promise.resolve('c') })).held[0]!;
  assert.equal((await again.open(() => Promise.resolve(null))).keyid, plain.keyid);
  await rename(join(keys, 'one.key'), join(keys, 'two.key'));
  await assert.rejects(makeKey(keys, 'two', null), { code: 'key-exists' });
});
