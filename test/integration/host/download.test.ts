/** Downloads from a server that cuts, lies, stalls and never ends. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#domain';
import { download } from '#host';
import { scratch } from '../../../testkit/scratch.ts';

const CONTENT = randomBytes(300_000);
const LIMITS = { timeoutMs: 20_000, idleMs: 500 };

interface Server extends AsyncDisposable {
  readonly url: string;
  readonly ranges: (string | undefined)[];
}

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, times: number) => void,
): Promise<Server> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ranges,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends so many bytes of what was asked for, then cuts the line. */
function cutAfter(bytes: number) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': CONTENT.length - from });
    const piece = CONTENT.subarray(from, from + bytes);
    response.write(piece, () => (from + bytes < CONTENT.length ? response.socket?.end() : response.end()));
  };
}

test('a download that is cut again and again goes on where it ended', async () => {
  const part = join(await scratch(), 'part');
  await using server = await serve(cutAfter(100_000));
  let content: Buffer | undefined;
  // What was on the way when the line was cut may be lost: that is asked for again, and no more.
  for (let i = 0; i < 20 && content === undefined; i += 1)
    content = await download(server.url, part, CONTENT.length, LIMITS).catch((error: unknown) => {
      assert.ok(hasCode(error, 'http-failed'), String(error));
      return undefined;
    });
  assert.deepEqual(content, CONTENT);
  const starts = server.ranges.map((range) => Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0));
  assert.ok(starts.length >= 3 && starts.at(-1)! >= CONTENT.length - 100_000, starts.join(' '));
  assert.deepEqual(
    starts,
    starts.toSorted((x, y) => x - y),
    'it never goes back',
  );
});

test('a server that knows no ranges sends all of it anew', async () => {
  const part = join(await scratch(), 'part');
  await writeFile(part, CONTENT.subarray(0, 1_000));
  await using server = await serve((_, response) => response.end(CONTENT));
  assert.deepEqual(await download(server.url, part, CONTENT.length, LIMITS), CONTENT);
});

test('what is complete, and was refused by whoever verified it, is fetched anew', async () => {
  const part = join(await scratch(), 'part');
  await writeFile(part, Buffer.alloc(CONTENT.length));
  await using server = await serve(cutAfter(CONTENT.length));
  assert.deepEqual(await download(server.url, part, CONTENT.length, LIMITS), CONTENT);
  assert.deepEqual(server.ranges, [undefined]);
});

test('more than was said is refused while it comes, and not kept', async () => {
  const part = join(await scratch(), 'part');
  await using server = await serve((_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write(CONTENT, more);
    };
    more();
  });
  await assert.rejects(download(server.url, part, 1_000, LIMITS), { code: 'http-too-large' });
  assert.ok(!existsSync(part));
});

test('silence and slowness have an end, and what came is kept', async () => {
  const part = join(await scratch(), 'part');
  await using silent = await serve((_, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, 5_000));
  });
  await assert.rejects(download(silent.url, part, CONTENT.length, LIMITS), { code: 'timed-out' });
  assert.deepEqual(await readFile(part), CONTENT.subarray(0, 5_000));
  await using slow = await serve((_, response) => {
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => clearInterval(timer));
  });
  await assert.rejects(download(slow.url, part, CONTENT.length, { timeoutMs: 1_000, idleMs: 500 }), {
    code: 'timed-out',
  });
});

test('what is not there, and who is not there, is told apart', async () => {
  const part = join(await scratch(), 'part');
  await using server = await serve((_, response) => response.writeHead(404).end());
  await assert.rejects(download(server.url, part, 10, LIMITS), { code: 'http-failed', status: 404 });
  await using elsewhere = await serve((_, response) =>
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  );
  await assert.rejects(download(elsewhere.url, part, 10, LIMITS), { code: 'http-failed', status: 302 });
  await assert.rejects(download('http://127.0.0.1:1/', part, 10, LIMITS), { code: 'http-failed' });
});
