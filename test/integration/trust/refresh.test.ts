/** The client workflow of TUF 1.0, section 5, by its command line: what is asked for, what is believed, what stays on disk. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { TestKey } from '../../../testkit/tuf-keys.ts';
import { type TopName, TufRepository } from '../../../testkit/tuf-repository.ts';

const FIRST = { root: 1, snapshot: 1, targets: 1, timestamp: 1 };

test('a first refresh asks for each file once and keeps the very bytes', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  const odd = Buffer.concat([repo.files.get('metadata/timestamp.json')!, Buffer.from(' \n')]);
  repo.files.set('metadata/timestamp.json', odd);
  assert.equal(await bench.refresh(), 0, bench.said);
  assert.deepEqual(bench.asked(), ['2.root', 'timestamp', '1.snapshot', '1.targets']);
  const served = { root: '1.root', timestamp: 'timestamp', snapshot: '1.snapshot', targets: '1.targets' };
  for (const [role, name] of Object.entries(served))
    assert.deepEqual(
      await readFile(join(bench.metadataFolder, `${role}.json`)),
      repo.files.get(`metadata/${name}.json`),
    );
  assert.equal(await bench.refresh(), 0);
  assert.deepEqual(bench.asked(), ['2.root', 'timestamp'], 'what is on disk is not asked for again');
});

test('init asks nobody, trusts only a root that is signed, and keeps a newer root of the same archive', async () => {
  await using bench = await TufBench.start();
  assert.deepEqual(bench.server.requests, []);
  bench.repo.publish('root');
  assert.equal(await bench.refresh(), 0);
  assert.equal(await bench.init(), 0);
  assert.deepEqual(await bench.trusted(), { ...FIRST, root: 2 });
});

test('a root of another archive starts over', async () => {
  await using bench = await TufBench.start();
  assert.equal(await bench.refresh(), 0);
  assert.equal(await bench.init(new TufRepository().files.get('metadata/1.root.json')), 0);
  assert.deepEqual(await bench.trusted(), { root: 1 });
});

test('a newer root that is given is taken, and is a rotation where its keys are others (5.3.11)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  assert.equal(await bench.refresh(), 0);
  repo.publish('root');
  assert.equal(await bench.init(repo.files.get('metadata/2.root.json')), 0);
  assert.deepEqual(await bench.trusted(), { ...FIRST, root: 2 });
  repo.addKey('timestamp');
  repo.publish('root');
  assert.equal(await bench.init(repo.files.get('metadata/3.root.json')), 0);
  assert.deepEqual(await bench.trusted(), { root: 3, targets: 1 });
});

test('a root that is not a root, or not signed by itself, starts nothing', async () => {
  const spoil = [
    (text: string) => text.replace('"version": 1,', ''),
    (text: string) => text.replace(/"sig": "[0-9a-f]{4}/, '"sig": "0000'),
    (text: string) => text.slice(0, -10),
    () => '',
  ];
  for (const change of spoil) {
    await using bench = await TufBench.start(undefined, false);
    const text = bench.repo.files.get('metadata/1.root.json')!.toString();
    assert.equal(await bench.init(Buffer.from(change(text))), 1);
    assert.equal(bench.code, 'root-invalid');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'root-invalid');
    assert.deepEqual(bench.server.requests, []);
  }
});

test('a root on disk that was damaged since starts nothing either, and can be set up again', async () => {
  await using bench = await TufBench.start();
  assert.equal(await bench.refresh(), 0);
  await writeFile(join(bench.metadataFolder, 'root.json'), '{"signatures": [');
  bench.server.requests.length = 0;
  assert.equal(await bench.refresh(), 1);
  assert.deepEqual(bench.server.requests, []);
  assert.equal(await bench.init(), 0);
  assert.equal(await bench.refresh(), 0);
});

test('a download refreshes first, and says so when there is no such target', async () => {
  await using bench = await TufBench.start();
  assert.equal(await bench.download('no such target'), 1);
  assert.equal(bench.code, 'target-unknown');
  assert.deepEqual(bench.asked(), ['2.root', 'timestamp', '1.snapshot', '1.targets']);
  assert.deepEqual(await bench.trusted(), FIRST);
});

/** What stays trusted when the second version of a role is not to be believed: what comes before it in the workflow. */
const refusedAt: readonly (readonly [TopName, Record<string, number>])[] = [
  ['root', { root: 1 }],
  ['timestamp', { root: 2 }],
  ['snapshot', { root: 2, timestamp: 2 }],
  ['targets', { root: 2, snapshot: 2, timestamp: 2 }],
];

for (const [role, trusted] of refusedAt) {
  test(`${role} without a signature is refused, and what comes before it stays (5.3.4, 5.4.2, 5.5.3, 5.6.3)`, async () => {
    await using bench = await TufBench.start();
    bench.repo.signers.set(role, []);
    bench.repo.publish('root', 'targets', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-unsigned');
    assert.deepEqual(await bench.trusted(), trusted);
  });

  test(`${role} of another type is refused, whoever signed it`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    const other = role === 'timestamp' ? 'snapshot' : 'timestamp';
    for (const key of repo.signers.get(role)!) repo.addKey(other, key);
    repo.snapshot.meta = { ...repo.snapshot.meta, 'snapshot.json': { version: 1 } };
    repo.publish('root', 'targets', 'snapshot', 'timestamp');
    const name = { root: '3.root', timestamp: 'timestamp', snapshot: '2.snapshot', targets: '2.targets' }[role];
    repo.files.set(`metadata/${name}.json`, repo.envelope(other));
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-invalid');
    assert.equal((await bench.trusted())[role], role === 'root' ? 2 : undefined);
  });
}

for (const [role, trusted] of refusedAt.filter(([name]) => name !== 'timestamp')) {
  test(`${role} under the address of another version is refused (5.3.5, 5.5.4, 5.6.4)`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.publish('root', 'targets', 'snapshot', 'timestamp');
    repo.json(role).version += 1;
    repo.files.set(`metadata/2.${role}.json`, repo.envelope(role));
    assert.equal(await bench.refresh(), 1);
    assert.match(bench.code!, /^metadata-(invalid|rollback)$/);
    assert.deepEqual(await bench.trusted(), trusted);
  });
}

test('a next root that has the version of the trusted one, or skips one, is refused (5.3.5)', async () => {
  for (const version of [1, 3]) {
    await using bench = await TufBench.start();
    bench.repo.root.version = version;
    bench.repo.files.set('metadata/2.root.json', bench.repo.envelope('root'));
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    assert.deepEqual(await bench.trusted(), { root: 1 });
  }
});

test('many roots are walked one by one, up to a number of them in one update (5.3.3)', async () => {
  await using bench = await TufBench.start();
  for (let i = 0; i < 260; i += 1) bench.repo.publish('root');
  assert.equal(await bench.refresh(), 0, bench.said);
  assert.equal((await bench.trusted())['root'], 257);
  assert.equal(await bench.refresh(), 0);
  assert.equal((await bench.trusted())['root'], 261);
});

test('a timestamp of the same version with other content is not taken (5.4.3.1)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  assert.equal(await bench.refresh(), 0);
  repo.timestamp.meta = { 'snapshot.json': { version: 100 } };
  repo.files.set('metadata/timestamp.json', repo.envelope('timestamp'));
  bench.asked();
  assert.equal(await bench.refresh(), 0);
  assert.deepEqual(bench.asked(), ['2.root', 'timestamp']);
  const kept = JSON.parse(await readFile(join(bench.metadataFolder, 'timestamp.json'), 'utf8')) as {
    signed: { meta: Record<string, { version: number }> };
  };
  assert.equal(kept.signed.meta['snapshot.json']!.version, 1);
});

test('hashes and lengths in timestamp and snapshot have to be those of the files (5.5.2, 5.6.2)', async () => {
  for (const wrong of [
    { hashes: { sha256: '4'.repeat(64) } },
    { length: 10 },
    { length: 100_000 },
    { hashes: { md5: '4' } },
  ]) {
    for (const [role, upper] of [
      ['targets', 'snapshot'],
      ['snapshot', 'timestamp'],
    ] as const) {
      await using bench = await TufBench.start();
      const { repo } = bench;
      repo.withHashes = true;
      repo.publish('targets', 'snapshot', 'timestamp');
      assert.equal(await bench.refresh(), 0, bench.said);
      repo.publish('targets', 'snapshot');
      Object.assign(repo[upper].meta[`${role}.json`]!, wrong);
      repo.publish(...(upper === 'snapshot' ? ['snapshot', 'timestamp'] : ['timestamp']));
      assert.equal(await bench.refresh(), 1);
      assert.equal(bench.code, 'metadata-invalid');
      assert.equal((await bench.trusted())[role], 2);
    }
  }
});

test('what is on disk under the listed version, and is not the listed file, is fetched again (5.5.2, 5.6.2)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.withHashes = true;
  repo.publish('targets', 'snapshot', 'timestamp');
  assert.equal(await bench.refresh(), 0);
  // Signed a second time, with other bytes: neither version rises but that of the timestamp.
  for (const role of ['targets', 'snapshot']) {
    repo.json(role)['again'] = true;
    repo.serve(role, repo.envelope(role));
  }
  repo.publish('timestamp');
  bench.asked();
  assert.equal(await bench.refresh(), 0, bench.said);
  assert.deepEqual(bench.asked(), ['2.root', 'timestamp', '2.snapshot', '2.targets']);
});

test('fields that we do not know are part of what is signed, and no more', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  const key = new TestKey();
  key.json['extra'] = { b: 1, a: ['ü', '\u{1F600}', '\uFF5E', 'tab\t"quote"\\'] };
  key.json['keyid_hash_algorithms'] = 'md5';
  repo.addKey('root', key);
  repo.root['custom'] = { '\uFF5E': 1, '\u{1F600}': 2, a: null, b: false, c: -3 };
  repo.root.roles['root']!['another'] = 'value';
  repo.publish('root');
  assert.equal(await bench.refresh(), 0, bench.said);
  const bytes = repo.files.get('metadata/2.root.json')!.toString();
  repo.publish('root');
  repo.files.set(
    'metadata/3.root.json',
    Buffer.from(bytes.replace('"c": -3', '"c": -4').replace('"version": 2', '"version": 3')),
  );
  assert.equal(await bench.refresh(), 1);
  assert.equal(bench.code, 'metadata-unsigned');
});

test('metadata that is listed and not served is an error; what came before it stays', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  assert.equal(await bench.refresh(), 0);
  repo.publish('targets', 'snapshot', 'timestamp');
  repo.files.delete('metadata/2.targets.json');
  assert.equal(await bench.refresh(), 1);
  assert.equal(bench.code, 'metadata-missing');
  assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 2, targets: 1, timestamp: 2 });
  repo.publish('snapshot', 'timestamp');
  repo.files.delete('metadata/3.snapshot.json');
  assert.equal(await bench.refresh(), 1);
  assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 2, targets: 1, timestamp: 3 });
  repo.files.delete('metadata/timestamp.json');
  assert.equal(await bench.refresh(), 1);
  assert.equal(bench.asked().at(-1), 'timestamp');
});

test('without consistent snapshots nothing has a prefix, and the field may be missing (4.3, 5.5.1, 5.6.1, 5.7.3)', async () => {
  for (const value of [false, undefined]) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    if (value === undefined) delete repo.root.consistent_snapshot;
    else repo.root.consistent_snapshot = value;
    repo.addTarget('targets', 'a/file', 'content');
    repo.publish('root', 'targets', 'snapshot', 'timestamp');
    assert.equal(await bench.download('a/file'), 0, bench.said);
    assert.deepEqual(bench.server.requests.slice(-4), [
      'metadata/timestamp.json',
      'metadata/snapshot.json',
      'metadata/targets.json',
      'targets/a/file',
    ]);
    assert.deepEqual(await bench.downloads(), { 'a%2Ffile': 'content' });
  }
});

test('wrong arguments are said, with 1', async () => {
  await using bench = await TufBench.start();
  for (const args of [
    [],
    ['refresh'],
    ['--metadata-dir', bench.metadataFolder, 'refresh'],
    ['--nonsense'],
    ['--metadata-dir', 'x', 'init'],
  ]) {
    assert.equal(await bench.run(...args), 1);
    assert.equal(bench.code, 'usage');
  }
  assert.equal(await bench.run('--help'), 0);
});
