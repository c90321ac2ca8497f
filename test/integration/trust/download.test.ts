/** Targets (TUF 1.0, 5.7): only what the metadata says, under a name that is never a path, and not twice. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { percent, type TufRepository } from '../../../testkit/tuf-repository.ts';

function targetsAsked(bench: TufBench): string[] {
  return bench.server.requests.filter((path) => path.startsWith('targets/'));
}

async function withTarget(path: string, content = 'content', algorithms?: readonly string[]): Promise<TufBench> {
  const bench = await TufBench.start();
  bench.repo.addTarget('targets', path, content, algorithms);
  bench.repo.publish('targets', 'snapshot', 'timestamp');
  return bench;
}

const names = [
  'file.txt',
  'path/to/a/file.txt',
  'a b',
  'ü/ö',
  '\u{1F600}',
  '?',
  '#',
  'a%2e',
  'a&b=c;d',
  '/absolute',
  'a//b',
  'back\\slash',
  '...',
  '..a',
  '-',
  '\n',
  "it's (1)!*",
  'x@1:2',
  '.hidden',
];

for (const name of names) {
  test(`a target named ${JSON.stringify(name)} comes whole, into one file`, async () => {
    await using bench = await withTarget(name);
    assert.equal(await bench.download(name), 0, bench.said);
    assert.deepEqual(await bench.downloads(), { [percent(name)]: 'content' });
    assert.equal(targetsAsked(bench).length, 1);
  });
}

test('the hash stands before the last part of the name; the rest of a URL stays as it is (5.7.3)', async () => {
  await using bench = await withTarget("a b/x@1,2;3'!$&+(4)=:#%.txt");
  assert.equal(await bench.download("a b/x@1,2;3'!$&+(4)=:#%.txt"), 0, bench.said);
  assert.match(targetsAsked(bench)[0]!, /^targets\/a%20b\/[0-9a-f]{64}\.x@1,2;3'!\$&\+\(4\)=:%23%25\.txt$/);
});

test('a name that steps out of its folder, or is a folder, is never asked for and never written', async () => {
  for (const name of ['..', '.', '../up', 'a/../../up', './here', 'a/.', 'a/..', 'folder/', '/', 'x'.repeat(300)]) {
    await using bench = await withTarget(name);
    assert.equal(await bench.download(name), 1, name);
    assert.equal(bench.code, 'target-mismatch', name);
    assert.deepEqual(targetsAsked(bench), []);
    assert.deepEqual(await bench.downloads(), {});
    assert.deepEqual((await readdir(bench.home)).toSorted(), ['given.json', 'metadata']);
  }
});

test('a target that is there and right is not fetched again; one that is wrong or was changed is', async () => {
  await using bench = await withTarget('file');
  const { repo } = bench;
  for (let i = 0; i < 2; i += 1) assert.equal(await bench.download('file'), 0);
  assert.equal(targetsAsked(bench).length, 1);
  for (const wrong of ['CONTENT', 'conten', 'content and more', '']) {
    await writeFile(join(bench.targetFolder, 'file'), wrong);
    assert.equal(await bench.download('file'), 0);
    assert.deepEqual(await bench.downloads(), { file: 'content' });
  }
  repo.addTarget('targets', 'file', 'the next one');
  repo.publish('targets', 'snapshot', 'timestamp');
  assert.equal(await bench.download('file'), 0);
  assert.deepEqual(await bench.downloads(), { file: 'the next one' });
  assert.equal(targetsAsked(bench).length, 6);
});

test('a target of another content, shorter or longer, is refused, and what is there stays', async () => {
  const change: readonly ((bytes: Buffer) => Buffer)[] = [
    (bytes) => Buffer.from(bytes.toString().toUpperCase()),
    (bytes) => bytes.subarray(1),
    (bytes) => Buffer.concat([bytes, bytes]),
    () => Buffer.alloc(0),
  ];
  for (const spoil of change) {
    await using bench = await withTarget('file', 'first');
    const { repo } = bench;
    assert.equal(await bench.download('file'), 0);
    repo.addTarget('targets', 'file', 'second');
    repo.publish('targets', 'snapshot', 'timestamp');
    for (const [path, bytes] of repo.files) if (path.startsWith('targets/')) repo.files.set(path, spoil(bytes));
    assert.equal(await bench.download('file'), 1);
    assert.equal(bench.code, 'target-mismatch');
    assert.deepEqual(await bench.downloads(), { file: 'first' });
  }
});

test('a target that is listed and not served says so', async () => {
  await using bench = await withTarget('file');
  for (const path of bench.repo.files.keys()) if (path.startsWith('targets/')) bench.repo.files.delete(path);
  assert.equal(await bench.download('file'), 1);
  assert.equal(bench.code, 'target-missing');
});

for (const algorithms of [['sha256'], ['sha512'], ['sha384'], ['sha512', 'sha256']]) {
  test(`hashes of ${algorithms.join(' and ')} are held against, each of them`, async () => {
    await using bench = await withTarget('file', 'content', algorithms);
    assert.equal(await bench.download('file'), 0, bench.said);
    assert.deepEqual(await bench.downloads(), { file: 'content' });
    const { hashes } = bench.repo.targets.targets['file']!;
    const served = bench.server.requests.at(-1)!;
    for (const algorithm of algorithms) {
      await using other = await withTarget('file', 'content', algorithms);
      const right = hashes[algorithm]!;
      other.repo.targets.targets['file']!.hashes[algorithm] = right.replaceAll(/[0-9]/g, '0');
      other.repo.publish('targets', 'snapshot', 'timestamp');
      for (const hash of Object.values(other.repo.targets.targets['file']!.hashes))
        other.repo.files.set(`targets/${hash}.file`, bench.repo.files.get(served)!);
      assert.equal(await other.download('file'), 1);
      assert.equal(other.code, 'target-mismatch');
    }
  });
}

test('no hash, a negative length or none, or custom data that are no object refuse the role', async () => {
  const wrong: readonly ((repo: TufRepository) => void)[] = [
    (repo) => void (repo.targets.targets['file']!.hashes = {}),
    (repo) => void (repo.targets.targets['file']!.length = -1),
    (repo) => void delete (repo.targets.targets['file'] as { length?: number }).length,
    (repo) => void (repo.targets.targets['file']!.custom = 'text' as unknown as object),
  ];
  for (const change of wrong) {
    await using bench = await withTarget('file');
    change(bench.repo);
    bench.repo.publish('targets', 'snapshot', 'timestamp');
    assert.equal(await bench.download('file'), 1);
    assert.equal(bench.code, 'metadata-invalid');
    assert.deepEqual(targetsAsked(bench), []);
  }
});

test('a hash of a kind that we cannot compute, or that is none, refuses its target and no other, unasked', async () => {
  const digest = '0'.repeat(64);
  for (const wrong of [
    { 'unknown-hash': digest },
    { md5: '0'.repeat(32) },
    { toString: digest },
    { sha256: '../../etc' },
    { sha256: '00' },
    { sha256: digest.toUpperCase().replace('0', 'A') },
  ]) {
    await using bench = await withTarget('file');
    const { repo } = bench;
    Object.assign(repo.targets.targets['file']!.hashes, wrong);
    repo.addTarget('targets', 'other', 'content');
    repo.publish('targets', 'snapshot', 'timestamp');
    assert.equal(await bench.download('file'), 1);
    assert.equal(bench.code, 'target-mismatch');
    assert.deepEqual(targetsAsked(bench), []);
    assert.equal(await bench.download('other'), 0, bench.said);
  }
});

test('names of what every object has are no targets', async () => {
  await using bench = await TufBench.start();
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.equal(await bench.download(name), 1);
    assert.equal(bench.code, 'target-unknown');
  }
});

test('many versions of many targets: always the newest that is signed, never what is only served', async () => {
  await using bench = await withTarget('file', 'first');
  const { repo } = bench;
  assert.equal(await bench.download('file'), 0);
  for (let i = 0; i < 11; i += 1) {
    repo.addTarget('targets', 'file', `content ${i}`);
    repo.addTarget('targets', `new-${i}`, `new content ${i}`);
    repo.publish('targets', 'snapshot', 'timestamp');
    if (i % 5 !== 0) continue;
    assert.equal(await bench.download('file'), 0, bench.said);
    assert.equal(await bench.download(`new-${i}`), 0, bench.said);
    const before = await bench.downloads();
    assert.equal(before['file'], `content ${i}`);
    repo.serveTarget('file', [repo.targets.targets['file']!.hashes['sha256']!], Buffer.from('something else'));
    repo.publish('targets', 'snapshot', 'timestamp');
    await bench.download('file');
    assert.deepEqual(await bench.downloads(), before);
  }
});
