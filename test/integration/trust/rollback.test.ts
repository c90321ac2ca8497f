/** What an archive may not take back (5.4.3, 5.5.5), and how it recovers from versions a thief drove up (5.3.11). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TufBench } from '../../../testkit/tuf-client.ts';
import type { TufRepository } from '../../../testkit/tuf-repository.ts';

/** Serves a role in an older version, as if the newer ones had never been. */
function rollBack(repo: TufRepository, role: 'timestamp' | 'snapshot' | 'targets', version: number): void {
  repo.json(role).version = version - 1;
  repo.publish(role);
}

test('an older timestamp is refused, also by a host whose own has expired (5.4.3.1)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.publish('timestamp', 'timestamp');
  assert.equal(await bench.refresh(), 0);
  rollBack(repo, 'timestamp', 2);
  for (const days of [0, 20]) {
    bench.days = days;
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 1, targets: 1, timestamp: 3 });
    assert.equal(bench.asked().at(-1), 'timestamp');
  }
});

for (const withHashes of [false, true]) {
  const how = withHashes ? 'with hashes' : 'without hashes';
  test(`a timestamp that lists an older snapshot is refused, ${how} (5.4.3.2)`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.withHashes = withHashes;
    repo.publish('snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 0);
    rollBack(repo, 'snapshot', 1);
    repo.publish('timestamp');
    bench.asked();
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 2, targets: 1, timestamp: 2 });
    assert.equal(bench.asked().at(-1), 'timestamp');
  });

  test(`a snapshot that lists older targets is refused, ${how} (5.5.5)`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.withHashes = withHashes;
    repo.publish('targets', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 0);
    rollBack(repo, 'targets', 1);
    repo.publish('snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 2, targets: 2, timestamp: 3 });
  });
}

test('a snapshot that drops a role, or lists an older one, is refused, also where the role was never loaded (5.5.5)', async () => {
  for (const change of ['drop', 'lower']) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.delegate('targets', { name: 'a' });
    repo.publish('a', 'a', 'targets', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 0);
    if (change === 'drop') delete repo.snapshot.meta['a.json'];
    else repo.snapshot.meta['a.json'] = { version: 1 };
    repo.publish('snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 2, targets: 2, timestamp: 3 });
  }
});

test('a host that lost its timestamp still knows the snapshot it has seen (4.3, 5.5.5)', async () => {
  for (const loss of ['removed', 'cut', 'huge']) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.publish('snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 0);
    const file = join(bench.metadataFolder, 'timestamp.json');
    if (loss === 'removed') await rm(file);
    else await writeFile(file, loss === 'cut' ? '{"signed"' : ' '.repeat(20_000));
    rollBack(repo, 'snapshot', 1);
    rollBack(repo, 'timestamp', 1);
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    assert.equal((await bench.trusted())['snapshot'], 2);
  }
});

test('a snapshot of a version that the timestamp does not list is never asked for', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.publish('snapshot', 'timestamp');
  assert.equal(await bench.refresh(), 0);
  repo.publish('snapshot');
  bench.asked();
  assert.equal(await bench.refresh(), 0);
  assert.deepEqual(bench.asked(), ['2.root', 'timestamp']);
});

const recoveries: readonly (readonly [string, ('timestamp' | 'snapshot')[], 'timestamp' | 'snapshot' | 'targets'])[] = [
  ['the timestamp', ['timestamp'], 'timestamp'],
  ['the snapshot', ['timestamp', 'snapshot'], 'snapshot'],
  ['the targets', ['snapshot'], 'targets'],
];

for (const [name, rotated, role] of recoveries) {
  test(`versions of ${name} that were driven up come down when keys are rotated, and not before (5.3.11)`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.json(role).version = 9_999;
    repo.publish(role);
    repo.publish(...['targets', 'snapshot', 'timestamp'].filter((other) => other !== role));
    if (role === 'targets') repo.publish('snapshot', 'timestamp');
    if (role === 'snapshot') repo.publish('timestamp');
    assert.equal(await bench.refresh(), 0, bench.said);
    assert.equal((await bench.trusted())[role], 10_000);
    rollBack(repo, role, 2);
    if (role !== 'timestamp') repo.publish(...(role === 'targets' ? ['snapshot'] : []), 'timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-rollback');
    for (const other of rotated) repo.rotate(other);
    repo.publish('root', 'snapshot', 'timestamp');
    rollBack(repo, role, 2);
    if (role === 'targets') repo.publish('snapshot');
    if (role !== 'timestamp') repo.publish('timestamp');
    assert.equal(await bench.refresh(), 0, bench.said);
    assert.equal((await bench.trusted())[role], 2);
    assert.equal((await bench.trusted())['root'], 2);
  });
}

test('a key that is added is a rotation; a new root with the same keys is none (5.3.11)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  assert.equal(await bench.refresh(), 0);
  repo.publish('root');
  repo.files.delete('metadata/timestamp.json');
  assert.equal(await bench.refresh(), 1);
  assert.deepEqual(await bench.trusted(), { root: 2, snapshot: 1, targets: 1, timestamp: 1 });
  repo.addKey('snapshot');
  repo.publish('root');
  assert.equal(await bench.refresh(), 1);
  assert.deepEqual(await bench.trusted(), { root: 3, targets: 1 });
});

test('a root that is refused takes nothing away, though one before it rotated keys; nor does an expired one', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  assert.equal(await bench.refresh(), 0);
  repo.rotate('timestamp');
  repo.publish('root');
  repo.publish('root');
  repo.files.set('metadata/3.root.json', repo.envelope('root', []));
  assert.equal(await bench.refresh(), 1);
  assert.ok(existsSync(join(bench.metadataFolder, 'timestamp.json')));
  // What the old keys signed does not count from here on, although the update that saw the rotation was cut off.
  repo.files.delete('metadata/3.root.json');
  repo.json('timestamp').version = 0;
  repo.publish('timestamp');
  assert.equal(await bench.refresh(), 0, bench.said);
  assert.deepEqual(await bench.trusted(), { root: 2, snapshot: 1, targets: 1, timestamp: 1 });
});
