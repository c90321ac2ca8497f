/** The same repositories by another implementation: tuf-js has to find them good and bad as we do. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Updater } from 'tuf-js';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { type KeyKind, TestKey } from '../../../testkit/tuf-keys.ts';
import { inDays, type TufRepository } from '../../../testkit/tuf-repository.ts';

/** Does tuf-js, in a folder of its own, get the target? */
async function other(bench: TufBench, path: string): Promise<boolean> {
  const [metadataDir, targetDir] = [join(bench.home, 'other'), join(bench.home, 'other-targets')];
  await mkdir(metadataDir, { recursive: true });
  await mkdir(targetDir, { recursive: true });
  const root = bench.repo.files.get('metadata/1.root.json')!;
  await writeFile(join(metadataDir, 'root.json'), root, { flag: 'wx' }).catch(() => {});
  const urls = { metadataBaseUrl: `${bench.server.url}/metadata`, targetBaseUrl: `${bench.server.url}/targets` };
  const updater = new Updater({ metadataDir, targetDir, ...urls, config: { fetchRetry: 0, fetchRetries: 0 } });
  try {
    const info = await updater.getTargetInfo(path);
    if (info === undefined) return false;
    await updater.downloadTarget(info, join(targetDir, 'file'));
    return true;
  } catch {
    return false;
  }
}

const top = ['root', 'targets', 'snapshot', 'timestamp'] as const;
const cases: Record<string, readonly [good: boolean, change: (repo: TufRepository) => void]> = {
  'as it is': [true, () => {}],
  'hashes and lengths': [true, (repo) => ((repo.withHashes = true), repo.publish('targets', 'snapshot', 'timestamp'))],
  'without consistent snapshots': [
    true,
    (repo) => {
      repo.root.consistent_snapshot = false;
      repo.addTarget('targets', 'file', 'content');
      repo.publish(...top);
    },
  ],
  'every kind of key': [
    true,
    (repo) => {
      const kinds: KeyKind[] = ['ed25519', 'ed25519-pem', 'ecdsa', 'ecdsa-hex', 'ecdsa-old', 'ecdsa-384', 'rsa'];
      for (const kind of kinds) repo.addKey('snapshot', new TestKey(kind));
      repo.root.roles['snapshot']!.threshold = kinds.length + 1;
      repo.publish(...top);
    },
  ],
  'all keys rotated': [
    true,
    (repo) => {
      for (const role of ['targets', 'snapshot', 'timestamp'] as const) repo.rotate(role);
      repo.publish(...top);
    },
  ],
  'a threshold not reached': [
    false,
    (repo) => {
      repo.root.roles['snapshot']!.threshold = 2;
      repo.publish(...top);
    },
  ],
  'a root without the old key': [false, (repo) => (repo.rotate('root'), repo.publish('root'))],
  'an expired snapshot': [
    false,
    (repo) => ((repo.snapshot.expires = inDays(-1)), repo.publish('snapshot', 'timestamp')),
  ],
  'an unsigned timestamp': [false, (repo) => (repo.signers.set('timestamp', []), repo.publish('timestamp'))],
  'unknown fields': [
    true,
    (repo) => {
      for (const role of top) repo.json(role)['unknown'] = { b: [1, null], a: 'ü"\\\n' };
      repo.publish(...top);
    },
  ],
  'delegated twice, to the right role': [
    true,
    (repo) => {
      delete repo.targets.targets['file'];
      repo.delegate('targets', { name: 'a/b', paths: ['f*'] });
      repo.delegate('a/b', { name: 'c', paths: ['fil?'], terminating: true });
      repo.addTarget('c', 'file', 'content');
      repo.publish('c', 'a/b', 'targets', 'snapshot', 'timestamp');
    },
  ],
  'delegated for other paths': [
    false,
    (repo) => {
      delete repo.targets.targets['file'];
      repo.delegate('targets', { name: 'a', paths: ['*/file', 'g*'] });
      repo.addTarget('a', 'file', 'content');
      repo.publish('a', 'targets', 'snapshot', 'timestamp');
    },
  ],
  'in a hash bin': [
    true,
    (repo) => {
      delete repo.targets.targets['file'];
      repo.delegateToBins(3, 'bin');
      for (const bin of repo.delegated.keys()) repo.addTarget(bin, 'file', 'content');
      repo.publish(...repo.delegated.keys(), 'targets', 'snapshot', 'timestamp');
    },
  ],
};

for (const [name, [good, change]] of Object.entries(cases)) {
  test(`${name}: ${good ? 'both take it' : 'neither takes it'}`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.addTarget('targets', 'file', 'content');
    repo.publish('targets', 'snapshot', 'timestamp');
    assert.equal(await bench.download('file'), 0, bench.said);
    assert.equal(await other(bench, 'file'), true);
    change(repo);
    assert.equal((await bench.download('file')) === 0, good, bench.said);
    assert.equal(await other(bench, 'file'), good);
  });
}
