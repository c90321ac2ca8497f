/** Posting to addresses that people typed in, against a real receiver. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { hasCode } from '#domain';
import { postPinned } from '#host';
import { hookReceiver } from '../../../testkit/hook-receiver.ts';

const OPTIONS = { headers: {}, timeoutMs: 2_000, maxBytes: 1_000, allowPrivate: false };
const BODY = Buffer.from('{}');

test('this machine is reached only by a loopback address that is written as one', async () => {
  const hook = await hookReceiver();
  assert.equal((await postPinned(hook.url, BODY, OPTIONS)).status, 204);
  const port = new URL(hook.url).port;
  assert.equal((await postPinned(`http://localhost:${port}/x`, BODY, OPTIONS)).status, 204);
  assert.equal(hook.posts.length, 2);
  const refused = [
    ...['http://10.0.0.1/', 'https://10.0.0.1/', 'https://169.254.169.254/latest', 'https://[fe80::1]/'],
    ...[
      'http://example.org/',
      'ftp://127.0.0.1/',
      'file:///etc/passwd',
      'no address',
      '',
      'https://user:pw@127.0.0.1/',
    ],
    ...[`https://[::ffff:127.0.0.1]:${port}/`, `http://0.0.0.0:${port}/`, `http://127.0.0.1.example:${port}/`],
  ];
  for (const address of refused)
    await assert.rejects(postPinned(address, BODY, OPTIONS), (e) => hasCode(e, 'address-refused'), address);
  assert.equal(hook.posts.length, 2, 'nothing was sent');
});

test('a private address is let through only where that is allowed', async () => {
  const allowed = { ...OPTIONS, allowPrivate: true, timeoutMs: 300 };
  await assert.rejects(postPinned('https://10.255.255.1/', BODY, allowed), (e) =>
    hasCode(e, 'timed-out', 'http-failed'),
  );
  await assert.rejects(postPinned('http://10.255.255.1/', BODY, allowed), (e) => hasCode(e, 'address-refused'));
});

test('a redirect is an answer, and is not followed', async () => {
  const [hook, target] = [await hookReceiver(), await hookReceiver()];
  hook.answer = { status: 307, headers: { location: `${target.url}/stolen` } };
  assert.equal((await postPinned(hook.url, BODY, OPTIONS)).status, 307);
  assert.equal(target.posts.length, 0);
});

test('an endless answer, and none, end', async () => {
  const hook = await hookReceiver();
  hook.answer = { status: 200, body: 'x'.repeat(1_001) };
  await assert.rejects(postPinned(hook.url, BODY, OPTIONS), (e) => hasCode(e, 'http-too-large'));
  const mute = createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  after(() => mute.close());
  const { port } = mute.address() as { port: number };
  const waiting = postPinned(`http://127.0.0.1:${port}/`, BODY, { ...OPTIONS, timeoutMs: 200 });
  await assert.rejects(waiting, (e) => hasCode(e, 'timed-out'));
  await new Promise((resolve) => mute.close(resolve));
  await assert.rejects(postPinned(`http://127.0.0.1:${port}/`, BODY, OPTIONS), (e) => hasCode(e, 'http-failed'));
});
