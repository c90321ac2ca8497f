/** Fixes over HTTP from a real server, that answers well or not. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MAX_PATCH_BYTES } from '#domain';
import { fetchBytes } from '#host';
import { type FixSource, openFixes, parseDiff } from '#patch';
import { type Answer, cgitMail, type FixServer, serveAnswers } from '../../../testkit/fix-server.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { SAMPLE_FIX } from '../../../testkit/tiny-kernel.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const OTHER = 'fedcba9876543210fedcba9876543210fedcba98';
const TIMEOUT_MS = 500;

interface Asked {
  readonly server: FixServer;
  readonly source: FixSource;
  readonly cache: string;
  readonly waited: number[];
}

async function ask(answers: readonly Answer[], path = ''): Promise<Asked & AsyncDisposable> {
  const server = await serveAnswers(answers);
  const cache = await scratch();
  const waited: number[] = [];
  const source = await openFixes(`${server.url}${path}`, {
    get: (url, limits) => fetchBytes(url, { ...limits, timeoutMs: TIMEOUT_MS }),
    sleep: (ms) => {
      waited.push(ms);
      return Promise.resolve();
    },
    cache,
  });
  return { server, source, cache, waited, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const send =
  (text: string | Buffer, status = 200, head: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, head).end(text);
const good = send(cgitMail(COMMIT, SAMPLE_FIX));

test('a commit is fetched once, and kept under its name', async () => {
  for (const path of ['', '/', '/patch', '/patch/']) {
    await using asked = await ask([good], path);
    const fix = await asked.source.changeOf(COMMIT);
    assert.deepEqual(asked.server.requests, [`/linux.git/patch/?id=${COMMIT}`]);
    assert.deepEqual(
      parseDiff(fix?.text ?? '', 'x').map((file) => file.path),
      ['kernel/sample.c'],
    );
    assert.equal(fix?.date, Date.parse('2026-08-04T08:00:00Z'));
    assert.deepEqual(await asked.source.changeOf(COMMIT), fix);
    assert.deepEqual(await asked.source.changeOf(COMMIT.slice(0, 12)), fix);
    assert.equal(asked.server.requests.length, 1);
    assert.deepEqual(await asked.source.list(), [COMMIT]);
  }
});

test('a kept file that somebody wrote into is fetched again', async () => {
  await using asked = await ask([good]);
  const fix = await asked.source.changeOf(COMMIT);
  await writeFile(fix?.file ?? '', cgitMail(OTHER, SAMPLE_FIX));
  assert.deepEqual(await asked.source.changeOf(COMMIT), fix);
  assert.equal(asked.server.requests.length, 2);
  assert.equal(await readFile(fix?.file ?? '', 'utf8'), fix?.text);
});

test('what fails in passing is asked once more, what is not there is not', async () => {
  const passing: Answer[] = [send('', 503, { 'retry-after': '7' }), (response) => void response.destroy(), () => {}];
  for (const [i, answer] of passing.entries()) {
    await using asked = await ask([answer, good]);
    assert.match((await asked.source.changeOf(COMMIT))?.text ?? '', /ANSWER \+ 1/);
    assert.deepEqual(asked.waited, [i === 0 ? 7_000 : 2_000]);
  }
  await using down = await ask([send('', 503)]);
  await assert.rejects(down.source.changeOf(COMMIT), { code: 'http-failed', fault: 'network' });
  assert.equal(down.server.requests.length, 2);
  await using absent = await ask([send('Bad object id', 404)]);
  assert.equal(await absent.source.changeOf(COMMIT), undefined);
  assert.equal(absent.server.requests.length, 1);
});

const hostile: Record<string, { answer: Answer; code: string; requests?: number }> = {
  'another commit': { answer: send(cgitMail(OTHER, SAMPLE_FIX)), code: 'wrong-commit' },
  'a second commit behind it': {
    answer: send(cgitMail(COMMIT, SAMPLE_FIX) + cgitMail(OTHER, SAMPLE_FIX)),
    code: 'wrong-commit',
  },
  'a change without a commit': { answer: send(SAMPLE_FIX), code: 'fix-unreadable' },
  'a page': { answer: send('<!DOCTYPE html><html>\u001b[2J'), code: 'fix-unreadable' },
  nothing: { answer: send(''), code: 'fix-unreadable' },
  'an announced giant': {
    answer: send(Buffer.alloc(MAX_PATCH_BYTES + 1, 'x')),
    code: 'http-too-large',
  },
  'a body without end': {
    answer: (response) => {
      response.writeHead(200);
      const more = (): void => void (response.destroyed || (response.write('x'.repeat(65_536)), setImmediate(more)));
      more();
    },
    code: 'http-too-large',
  },
  'a body that never comes whole': {
    answer: (response) => void response.writeHead(200).write(`From ${COMMIT}`),
    code: 'timed-out',
    requests: 2,
  },
  'a redirect': { answer: send('', 302, { location: 'http://127.0.0.1:1/elsewhere' }), code: 'http-failed' },
  'a refusal': { answer: send('', 403), code: 'http-failed' },
};

for (const [name, { answer, code, requests }] of Object.entries(hostile)) {
  test(`refused, and nothing of it kept: ${name}`, async () => {
    await using asked = await ask([answer]);
    await assert.rejects(asked.source.changeOf(COMMIT), (error: { code?: string; message?: string }) => {
      assert.equal(error.code, code);
      // oxlint-disable-next-line no-control-regex -- what a terminal would obey
      assert.doesNotMatch(error.message ?? '', /[\u0000-\u001f]/);
      return true;
    });
    assert.equal(asked.server.requests.length, requests ?? 1);
    assert.deepEqual(await readdir(asked.cache), []);
  });
}

test('what is no commit is never asked for', async () => {
  await using asked = await ask([good]);
  for (const text of ['', 'HEAD', '../../etc', `${COMMIT}&id2=x`, COMMIT.toUpperCase(), `${COMMIT}0`])
    assert.equal(await asked.source.changeOf(text), undefined);
  assert.deepEqual(asked.server.requests, []);
});

test('addresses that are none, or not safe, are refused', async () => {
  const doors = { get: () => Promise.reject(new TypeError('asked')), sleep: () => Promise.resolve(), cache: '' };
  for (const address of ['http://example.org/linux.git', 'https://', 'https://me:secret@example.org/linux.git'])
    await assert.rejects(openFixes(address, doors), { code: 'source-refused', fault: 'input' });
  for (const address of ['git:', 'git:ext::sh -c x', 'git:--upload-pack=x', 'git:http://example.org/x'])
    await assert.rejects(openFixes(address, doors), { code: 'source-refused' }, address);
  const folder = await scratch();
  await writeFile(join(folder, 'file'), '');
  for (const [address, what] of [
    [join(folder, 'nowhere'), /not there/],
    [join(folder, 'file'), /is a file/],
    [folder, /no <commit>.patch file/],
    [`git:${folder}`, /no git repository/],
  ] as const)
    await assert.rejects(openFixes(address, doors), { code: 'fixes-missing', message: what });
});
