/** Servers that are slow, endless, elsewhere or lying: told apart, cut off, and nothing of theirs stays. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Clock, plainEnvironment, run, systemClock } from '#host';
import { establishRoot, MetadataFolder, TufClient } from '#trust';
import { corpus } from '../../../testkit/corpus.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { TufBench } from '../../../testkit/tuf-client.ts';
import type { Answer } from '../../../testkit/tuf-repository.ts';

const FILES = ['2.root', 'timestamp', '2.snapshot', '2.targets'] as const;

/** A host that has seen version 1 of everything, and an archive that is one version ahead. */
async function ahead(): Promise<TufBench> {
  const bench = await TufBench.start();
  assert.equal(await bench.refresh(), 0);
  bench.repo.publish('root', 'targets', 'snapshot', 'timestamp');
  return bench;
}

let sent = 0;
const endless: Answer = (_request, response) => {
  const more = (): void => {
    if (response.destroyed || sent > 256 << 20) return;
    sent += 65_536;
    response.write(Buffer.alloc(65_536, ' '), more);
  };
  more();
};
const lies: Record<string, readonly [answer: Answer, code: RegExp]> = {
  'an error of the server': [(_request, response) => response.writeHead(500).end(), /archive-offline/],
  'a redirect': [
    (_request, response) => response.writeHead(302, { location: '/metadata/1.root.json' }).end(),
    /archive-offline/,
  ],
  'a hotel that wants a log-in': [(_request, response) => response.end('<html>log in</html>'), /metadata-invalid/],
  'nothing at all': [(_request, response) => response.end(), /metadata-invalid/],
  'a cut connection': [
    (_request, response) =>
      void response.writeHead(200, { 'content-length': 1_000 }).write('{', () => response.destroy()),
    /archive-offline/,
  ],
  'an endless body': [endless, /metadata-invalid/],
  'a compressed bomb': [
    (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(64 << 20))),
    /metadata-invalid/,
  ],
};

for (const [name, [answer, code]] of Object.entries(lies)) {
  test(`${name}, instead of any file, is refused and changes nothing after it`, async () => {
    for (const [at, file] of FILES.entries()) {
      await using bench = await ahead();
      bench.server.answers.set(`metadata/${file}.json`, answer);
      sent = 0;
      assert.equal(await bench.refresh(), 1);
      assert.match(bench.code!, code);
      assert.ok(sent < 64 << 20, `${sent} bytes were taken`);
      const versions = await bench.trusted();
      const expected = [1, 2, 2, 2].map((_, index) => (index < at ? 2 : 1));
      assert.deepEqual([versions['root'], versions['timestamp'], versions['snapshot'], versions['targets']], expected);
      bench.server.answers.clear();
      assert.equal(await bench.refresh(), 0, bench.said);
    }
  });
}

test('every hostile file of the corpus, served as the timestamp, is refused and not kept', async () => {
  const bad = corpus('tuf-metadata').filter(({ expected }) => expected['refused'] !== null);
  await using bench = await TufBench.start();
  assert.equal(await bench.refresh(), 0);
  const before = await readFile(join(bench.metadataFolder, 'timestamp.json'));
  for (const { name, input } of bad) {
    bench.repo.files.set('metadata/timestamp.json', input);
    assert.equal(await bench.refresh(), 1, name);
    assert.equal(bench.code, 'metadata-invalid', name);
  }
  assert.deepEqual(await readFile(join(bench.metadataFolder, 'timestamp.json')), before);
  assert.deepEqual(await readdir(bench.metadataFolder), [
    'root.json',
    'snapshot.json',
    'targets.json',
    'timestamp.json',
  ]);
});

test('a body that drips is cut off after 30 s, and a whole update after 300 s', async () => {
  const drip: Answer = (_request, response) => {
    const timer = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(timer));
  };
  // The deadline is asked of the clock of the process: stand-in deadlines of 100 ms, and what they were asked for.
  const asked: number[] = [];
  const real = AbortSignal.timeout.bind(AbortSignal);
  const timeout = mock.method(AbortSignal, 'timeout', (ms: number) => (asked.push(ms), real(100)));
  try {
    await using bench = await ahead();
    bench.server.answers.set('metadata/timestamp.json', drip);
    asked.length = 0;
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'archive-offline');
    assert.deepEqual(asked, [30_000, 30_000, 30_000]);
  } finally {
    timeout.mock.restore();
  }
  let elapsed = 0;
  const slow: Clock = { ...systemClock, monotonicMs: () => (elapsed += 50_000) };
  await using bench = await TufBench.start();
  for (let i = 0; i < 20; i += 1) bench.repo.publish('root');
  const options = {
    folder: new MetadataFolder(bench.metadataFolder),
    metadataUrl: `${bench.server.url}/metadata`,
    clock: slow,
  };
  await assert.rejects(TufClient.refresh(options), { code: 'archive-offline', message: /longer than 300 s/ });
  assert.ok(bench.server.requests.length <= 6, 'it stops asking');
  assert.ok(
    (await bench.trusted())['root']! > 1,
    'what was verified stays, so that the next update goes on from there',
  );
});

test('a snapshot or targets that say to be larger than we take are not taken', async () => {
  for (const [role, upper] of [
    ['snapshot', 'timestamp'],
    ['targets', 'snapshot'],
  ] as const) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.json(role)['filling'] = 'x'.repeat(6_000_000);
    repo.withHashes = true;
    repo.publish('targets', 'snapshot', 'timestamp');
    assert.ok(repo[upper].meta[`${role}.json`]!.length! > 6_000_000);
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-invalid');
    assert.match(bench.said, /longer than the [25]000000 bytes/);
  }
});

test('a full disk is an error, and what was there stays whole', async (t) => {
  const home = await scratch();
  await using bench = await TufBench.start();
  const small = join(home, 'small');
  await mkdir(small);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], {
    env: plainEnvironment(),
    okCodes: [0, 1, 32],
    timeoutMs: 10_000,
  });
  if (mounted.exitCode !== 0) return t.skip('needs the right to mount');
  try {
    const folder = new MetadataFolder(small);
    const options = { folder, metadataUrl: `${bench.server.url}/metadata`, clock: systemClock };
    await establishRoot(folder, bench.repo.files.get('metadata/1.root.json')!);
    await TufClient.refresh(options);
    await writeFile(join(small, 'ballast'), Buffer.alloc(60_000)).catch(() => {});
    bench.repo.targets['filling'] = 'x'.repeat(60_000);
    bench.repo.publish('targets', 'snapshot', 'timestamp');
    await assert.rejects(TufClient.refresh(options), { code: 'disk-full' });
    const kept = JSON.parse(await readFile(join(small, 'targets.json'), 'utf8')) as { signed: { version: number } };
    assert.equal(kept.signed.version, 1, 'whole, as it was');
    assert.ok((await readdir(small)).every((name) => !name.endsWith('.tmp')));
    await rm(join(small, 'ballast'));
    delete bench.repo.targets['filling'];
    bench.repo.publish('targets', 'snapshot', 'timestamp');
    await TufClient.refresh(options);
  } finally {
    await run('umount', [small], { env: plainEnvironment(), timeoutMs: 10_000 });
  }
});

test('a power cut in a write leaves the old file and a leftover that goes away', async () => {
  await using bench = await ahead();
  const leftover = join(bench.metadataFolder, '.01234567-89ab-cdef-0123-456789abcdef.tmp');
  await writeFile(leftover, 'half');
  await chmod(leftover, 0o600);
  assert.equal(await bench.init(), 0);
  assert.equal(await bench.refresh(), 0);
  assert.deepEqual(await readdir(bench.metadataFolder), [
    'root.json',
    'snapshot.json',
    'targets.json',
    'timestamp.json',
  ]);
});

test('a client that is killed at any time leaves whole files, and the next one goes on', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  const client = join(import.meta.dirname, '../../../bin/tuxtape-tuf-client');
  const args = ['--metadata-dir', bench.metadataFolder, '--metadata-url', `${bench.server.url}/metadata/`, 'refresh'];
  repo.targets['filling'] = 'x'.repeat(1_000_000);
  let killed = 0;
  for (let i = 0; i < 12; i += 1) {
    for (let n = 0; n < 3; n += 1) repo.publish('root');
    repo.publish('targets', 'snapshot', 'timestamp');
    bench.server.requests.length = 0;
    const child = spawn(client, args, { stdio: 'ignore', env: plainEnvironment() });
    const ended = once(child, 'exit');
    // Some requests in, and then a moment that is another one each time.
    while (child.exitCode === null && bench.server.requests.length <= i % 7) await setTimeout(1);
    await setTimeout(i % 3);
    if (child.kill('SIGKILL')) killed += 1;
    await ended;
    await bench.trusted().catch((error: unknown) => assert.fail(`after kill ${i}: ${String(error)}`));
  }
  assert.ok(killed > 3, `only ${killed} were killed`);
  assert.equal(await bench.refresh(), 0, bench.said);
  assert.equal((await bench.trusted())['root'], 37);
});
