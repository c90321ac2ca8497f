/** Time (TUF 1.0, 5.1, 5.3.10, 5.4.4, 5.5.6, 5.6.5): by the clock the process sees, and never before what was signed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainEnvironment, run } from '#host';
import { ISSUED_FIELD } from '#trust';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { inDays, type TopName } from '../../../testkit/tuf-repository.ts';

const CLIENT = join(import.meta.dirname, '../../../bin/tuxtape-tuf-client');

const stays: Readonly<Record<TopName, Record<string, number>>> = {
  root: { root: 2, snapshot: 1, targets: 1, timestamp: 1 },
  timestamp: { root: 1, snapshot: 1, targets: 1, timestamp: 1 },
  snapshot: { root: 1, snapshot: 1, targets: 1, timestamp: 2 },
  targets: { root: 1, snapshot: 2, targets: 1, timestamp: 2 },
};

for (const role of Object.keys(stays) as TopName[]) {
  test(`a new ${role} that has expired is refused; a root is on disk before that is seen (5.3.8)`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    assert.equal(await bench.refresh(), 0);
    repo.json(role).expires = inDays(-1);
    repo.publish(
      ...{
        root: ['root'],
        timestamp: ['timestamp'],
        snapshot: ['snapshot', 'timestamp'],
        targets: ['targets', 'snapshot', 'timestamp'],
      }[role],
    );
    bench.asked();
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-expired');
    assert.deepEqual(await bench.trusted(), stays[role]);
    if (role === 'root') assert.deepEqual(bench.asked(), ['2.root', '3.root']);
  });

  test(`${role} on disk that has expired meanwhile is not believed, and a newer one is (5.2, 5.4.3)`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.json(role).expires = inDays(7);
    repo.publish('root', 'targets', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 0);
    bench.days = 18;
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-expired');
    repo.json(role).expires = inDays(21);
    repo.publish('root', 'targets', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 0, bench.said);
    assert.deepEqual(await bench.trusted(), { root: 3, snapshot: 3, targets: 3, timestamp: 3 });
  });
}

test('a root on the way to the newest may have expired (5.3.6)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.root.expires = inDays(-1);
  repo.publish('root', 'root');
  repo.root.expires = inDays(1);
  repo.publish('root');
  assert.equal(await bench.refresh(), 0, bench.said);
  assert.equal((await bench.trusted())['root'], 4);
});

test('a delegated role that has expired is not used, whether it is new or on disk (5.6.5)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  const role = repo.delegate('targets', { name: 'delegated', paths: ['dir/*'] });
  role.expires = inDays(-1);
  for (const name of ['first', 'second']) repo.addTarget('delegated', `dir/${name}`, name);
  repo.publish('delegated', 'targets', 'snapshot', 'timestamp');
  assert.equal(await bench.refresh(), 0);
  assert.equal(await bench.download('dir/first'), 1);
  assert.equal(bench.code, 'metadata-expired');
  assert.equal((await bench.trusted())['delegated'], undefined);
  role.expires = inDays(7);
  repo.publish('delegated', 'snapshot', 'timestamp');
  assert.equal(await bench.download('dir/first'), 0, bench.said);
  bench.days = 18;
  assert.equal(await bench.download('dir/second'), 1);
  assert.equal(bench.code, 'metadata-expired');
  role.expires = inDays(21);
  repo.publish('delegated', 'snapshot', 'timestamp');
  assert.equal(await bench.download('dir/second'), 0, bench.said);
  assert.deepEqual(await bench.downloads(), { 'dir%2Ffirst': 'first', 'dir%2Fsecond': 'second' });
});

test('a host whose clock went back does not believe what expired since it last knew better', async () => {
  for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.timestamp.expires = inDays(2);
    repo.publish('timestamp');
    assert.equal(await bench.refresh(), 0);
    repo.json(role)[ISSUED_FIELD] = inDays(3);
    repo.timestamp.expires = inDays(4);
    repo.publish('root', 'targets', 'snapshot', 'timestamp');
    bench.days = 3;
    assert.equal(await bench.refresh(), 0, bench.said);
    bench.days = -20_000;
    assert.equal(await bench.refresh(), 0, bench.said);
    // The next timestamp would pass by the clock, not by what the archive has signed.
    repo.timestamp.expires = inDays(2);
    delete repo.timestamp[ISSUED_FIELD];
    repo.publish('timestamp');
    // A role is known to be as late as it says once it was loaded: root and timestamp before the timestamp is held against it.
    if (role === 'root' || role === 'timestamp') {
      assert.equal(await bench.refresh(), 1);
      assert.equal(bench.code, 'metadata-expired');
    }
    repo.snapshot.expires = inDays(1);
    repo.timestamp.expires = inDays(4);
    repo.publish('snapshot', 'timestamp');
    const late = role !== 'targets';
    assert.equal(await bench.refresh(), late ? 1 : 0, bench.said);
    if (late) assert.equal(bench.code, 'metadata-expired');
  }
});

test('a thief who signs a time far ahead stops hosts until the key is rotated, no longer', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.timestamp[ISSUED_FIELD] = inDays(10_000);
  repo.timestamp.expires = inDays(10_001);
  repo.publish('timestamp');
  assert.equal(await bench.refresh(), 1);
  assert.equal(bench.code, 'metadata-expired');
  delete repo.timestamp[ISSUED_FIELD];
  repo.timestamp.expires = inDays(1);
  repo.rotate('timestamp');
  repo.publish('root', 'timestamp');
  assert.equal(await bench.refresh(), 0, bench.said);
});

test('a time of its own that is no time changes nothing', async () => {
  for (const value of ['soon', '2999-01-01', 42, null, '2999-02-30T00:00:00Z']) {
    await using bench = await TufBench.start();
    bench.repo.timestamp[ISSUED_FIELD] = value;
    bench.repo.publish('timestamp');
    assert.equal(await bench.refresh(), 0, bench.said);
  }
});

test('the command goes by the clock that its process is given', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.root.expires = inDays(7);
  repo.publish('root');
  const client = ['--metadata-dir', bench.metadataFolder, '--metadata-url', `${bench.server.url}/metadata/`, 'refresh'];
  const options = { env: plainEnvironment(), okCodes: [0, 1], timeoutMs: 60_000 };
  const at = (days: number): string =>
    new Date(Date.now() + days * 86_400_000).toISOString().replace('T', ' ').replace('Z', '+00:00');
  const now = await run(CLIENT, client, options);
  assert.equal(now.exitCode, 0, now.stderr);
  const later = await run('faketime', [at(8), CLIENT, ...client], options);
  assert.equal(later.exitCode, 1);
  assert.match(later.stderr, /\[metadata-expired\]/);
  repo.root.expires = inDays(20);
  repo.publish('root');
  const renewed = await run('faketime', [at(8), CLIENT, ...client], options);
  assert.equal(renewed.exitCode, 0, renewed.stderr);
});
