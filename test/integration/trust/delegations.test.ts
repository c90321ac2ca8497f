/** The search for a target through roles that delegate (TUF 1.0, 4.5, 5.6.7; TAP 15): which roles are asked, in which order. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '#host';
import { MetadataFolder, TufClient } from '#trust';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { TestKey } from '../../../testkit/tuf-keys.ts';
import { type DelegatedJson, percent, type TargetsJson, type TufRepository } from '../../../testkit/tuf-repository.ts';

type Edge = readonly [from: string, to: string, how?: Partial<DelegatedJson>];

function build(repo: TufRepository, edges: readonly Edge[]): void {
  for (const [from, to, how] of edges) repo.delegate(from, { name: to, ...how });
  repo.publish(...repo.delegated.keys(), 'targets', 'snapshot', 'timestamp');
}

/** Delegated roles that a search for `path` asks for. */
async function searched(bench: TufBench, path: string): Promise<string[]> {
  assert.equal(await bench.refresh(), 0, bench.said);
  bench.asked();
  await bench.download(path);
  return bench
    .asked()
    .slice(2)
    .map((name) => name.replace(/^1\./, ''));
}

const PYTHON = { paths: ['*.py'] };
const graphs: Record<string, readonly [edges: readonly Edge[], order: readonly string[]]> = {
  one: [[['targets', 'A']], ['A']],
  two: [
    [
      ['targets', 'A'],
      ['targets', 'B'],
    ],
    ['A', 'B'],
  ],
  'two levels': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
    ],
    ['A', 'B', 'C'],
  ],
  'depth first': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C'],
      ['A', 'D'],
    ],
    ['A', 'C', 'D', 'B'],
  ],
  'depth first, three levels': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C'],
      ['C', 'D'],
    ],
    ['A', 'C', 'D', 'B'],
  ],
  'a terminating one ends the search on every level': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', { terminating: true }],
      ['A', 'D'],
    ],
    ['A', 'C'],
  ],
  'a terminating one does not end its own': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', { terminating: true }],
      ['C', 'D'],
    ],
    ['A', 'C', 'D'],
  ],
  'a terminating one for other paths ends nothing': [
    [
      ['targets', 'A', { terminating: true, ...PYTHON }],
      ['targets', 'B'],
    ],
    ['B'],
  ],
  'not for these paths': [
    [
      ['targets', 'A', PYTHON],
      ['targets', 'B'],
      ['A', 'C'],
    ],
    ['B'],
  ],
  'not for these paths, deeper': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', PYTHON],
      ['C', 'D'],
    ],
    ['A', 'B'],
  ],
  circle: [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['C', 'D'],
      ['D', 'B'],
    ],
    ['A', 'B', 'C', 'D'],
  ],
  'a role that delegates to itself': [
    [
      ['targets', 'A'],
      ['A', 'A'],
      ['targets', 'B'],
    ],
    ['A', 'B'],
  ],
  'two to one third': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['A', 'C'],
    ],
    ['A', 'C', 'B'],
  ],
  'two to one third, one of them for other paths': [
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['A', 'C', PYTHON],
    ],
    ['A', 'B', 'C'],
  ],
  'names that are numbers stay in the order of appearance': [
    [
      ['targets', 'z'],
      ['targets', '10'],
      ['targets', '2'],
      ['targets', '__proto__'],
    ],
    ['z', '10', '2', '__proto__'],
  ],
  'nothing is delegated without paths': [
    [
      ['targets', 'A', { paths: [] }],
      ['targets', 'B'],
    ],
    ['B'],
  ],
};

for (const [name, [edges, order]] of Object.entries(graphs)) {
  test(`order of a search: ${name}`, async () => {
    await using bench = await TufBench.start();
    build(bench.repo, edges);
    assert.deepEqual(await searched(bench, 'missing'), order);
    assert.equal(bench.code, 'target-unknown');
  });
}

test('a target is found along paths that every role of the chain may speak for', async () => {
  const edges: readonly Edge[] = [
    ['targets', 'A', { paths: ['*.doc', '*.md'] }],
    ['targets', 'B', { paths: ['releases/*/*'] }],
    ['B', 'C', { paths: ['releases/x/*'] }],
    ['B', 'D', { paths: ['releases/y/*.zip'] }],
  ];
  const cases: readonly (readonly [string, string, boolean, readonly string[]])[] = [
    ['targets', 'targetfile', true, []],
    ['A', 'README.md', true, ['A']],
    ['C', 'releases/x/x_v1', true, ['B', 'C']],
    ['D', 'releases/y/y_v1.zip', true, ['B', 'D']],
    ['D', 'releases/z/z_v1.zip', false, ['B']],
    ['A', 'deeper/README.md', false, []],
  ];
  for (const [role, path, found, order] of cases) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    for (const [from, to, how] of edges) repo.delegate(from, { name: to, ...how });
    repo.addTarget(role, path, `by ${role}`);
    build(repo, []);
    assert.deepEqual(await searched(bench, path), order, path);
    assert.deepEqual(await bench.downloads(), found ? { [percent(path)]: `by ${role}` } : {});
  }
});

test('the first role that has the target decides, whatever later ones say', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  for (const name of ['b', '1']) repo.delegate('targets', { name });
  for (const name of ['1', 'b']) repo.addTarget(name, 'file', `of ${name}`);
  build(repo, []);
  assert.equal(await bench.download('file'), 0);
  assert.deepEqual(await bench.downloads(), { file: 'of b' });
});

test('a role that cannot be had or believed ends the search, also for what a later role has', async () => {
  const spoil: readonly ((repo: TufRepository) => void)[] = [
    (repo) => void repo.files.delete('metadata/1.a.json'),
    (repo) => void repo.files.set('metadata/1.a.json', repo.envelope('a', [])),
    (repo) => void repo.files.set('metadata/1.a.json', repo.envelope('b')),
    (repo) => {
      delete repo.snapshot.meta['a.json'];
      repo.publish('snapshot', 'timestamp');
    },
  ];
  for (const change of spoil) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    for (const name of ['a', 'b']) repo.delegate('targets', { name });
    repo.addTarget('b', 'file', 'content');
    build(repo, []);
    change(repo);
    assert.equal(await bench.download('file'), 1);
    assert.match(bench.code!, /^metadata-/);
    assert.deepEqual(await bench.downloads(), {});
  }
});

test('at most 32 delegated roles are asked in one search (5.6.7.1)', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  for (let i = 0; i < 40; i += 1) repo.delegate('targets', { name: `r${i}` });
  repo.addTarget('r31', 'near', 'n');
  repo.addTarget('r32', 'far', 'f');
  build(repo, []);
  assert.equal((await searched(bench, 'missing')).length, 32);
  assert.equal(await bench.download('near'), 0, bench.said);
  assert.equal(await bench.download('far'), 1);
  assert.equal(bench.code, 'target-unknown');
});

test('path_hash_prefixes delegate by the hash of the path', async () => {
  await using bench = await TufBench.start();
  const hash = createHash('sha256').update('dir/file').digest('hex');
  const other = hash.startsWith('0') ? '1' : '0';
  build(bench.repo, [
    [
      'targets',
      'not',
      { path_hash_prefixes: [other, `${hash}0`, hash.slice(0, 3).toUpperCase().replace(/[0-9]/g, 'F')] },
    ],
    ['targets', 'yes', { path_hash_prefixes: [other, hash.slice(0, 5)] }],
    ['targets', 'whole', { path_hash_prefixes: [hash] }],
  ]);
  assert.deepEqual(await searched(bench, 'dir/file'), ['yes', 'whole']);
});

/** From the hash alone: sha256 of "boo" starts with 0, of "too" with 1 (bits), and so on. */
for (const bits of [1, 2, 3, 5, 8, 9]) {
  test(`hash bins of ${bits} bits: the bin is named by the first bits of the hash`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.delegateToBins(bits, 'bin');
    const paths = ['boo', 'too', 'foo', 'dir/ü', ...Array.from({ length: 6 }, (_, i) => `file-${i}`)];
    const digits = Math.ceil(bits / 4);
    const binOf = (path: string): string => {
      const first = BigInt(`0x${createHash('sha256').update(path).digest('hex')}`)
        .toString(2)
        .padStart(256, '0')
        .slice(0, bits);
      return `bin-${Number.parseInt(first, 2).toString(16).padStart(digits, '0')}`;
    };
    for (const path of paths) repo.addTarget(binOf(path), path, `content of ${path}`);
    build(repo, []);
    for (const path of paths) {
      assert.equal(await bench.download(path), 0, `${path}: ${bench.said}`);
      const asked = bench.asked().filter((name) => name.includes('bin-'));
      assert.ok(
        asked.every((name) => name === `1.${binOf(path)}`),
        `${path}: ${asked.join(' ')}`,
      );
    }
  });
}

const oddNames = [
  '?',
  '#',
  '/delegated',
  '../delegated',
  '..',
  '.',
  'a b',
  'ü',
  '\u{1F600}',
  '%2e%2e',
  "!'()*",
  'a\\b',
  'role.json',
  '\n',
  '1',
  'C:',
];

for (const name of oddNames) {
  test(`a role named ${JSON.stringify(name)} is asked for and kept under a quoted name`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.delegate('targets', { name });
    repo.addTarget(name, 'file', 'content');
    build(repo, []);
    assert.equal(await bench.download('file'), 0, bench.said);
    assert.ok(bench.server.requests.includes(`metadata/1.${percent(name)}.json`), bench.server.requests.join(' '));
    assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 2, targets: 2, timestamp: 2, [percent(name)]: 1 });
  });
}

test('a role with the name of a top-level role, none, or one no file can have is refused', async () => {
  for (const name of ['root', 'targets', 'snapshot', 'timestamp', '', 'x'.repeat(300)]) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    const key = new TestKey();
    const role = { name, keyids: [key.keyid], threshold: 1, terminating: false, paths: ['*'] };
    repo.targets.delegations = { keys: { [key.keyid]: key.json }, roles: [role] };
    if (!['root', 'targets', 'snapshot', 'timestamp'].includes(name))
      repo.snapshot.meta[`${name}.json`] = { version: 1 };
    repo.publish('targets', 'snapshot', 'timestamp');
    assert.equal(await bench.download('file'), 1);
    assert.equal(bench.code, 'metadata-invalid', name);
  }
});

test('what is on disk of a delegated role is held against the keys its delegator names today', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  repo.delegate('targets', { name: 'a' });
  repo.addTarget('a', 'file', 'content');
  build(repo, []);
  assert.equal(await bench.download('file'), 0);
  const key = new TestKey();
  repo.targets.delegations!.keys[key.keyid] = key.json;
  repo.targets.delegations!.roles![0]!.keyids = [key.keyid];
  repo.addTarget('targets', 'other', 'x');
  repo.publish('targets', 'snapshot', 'timestamp');
  bench.asked();
  assert.equal(await bench.download('file'), 1);
  assert.equal(bench.code, 'metadata-unsigned');
  assert.ok(bench.asked().includes('1.a'), 'it is asked for again');
  repo.signers.set('a', [key]);
  repo.publish('a', 'snapshot', 'timestamp');
  assert.equal(await bench.download('file'), 0, bench.said);
});

test('a role that two roles delegate to has to be signed for each of them', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  build(repo, [
    ['targets', 'A', { paths: ['a/*'] }],
    ['targets', 'B', { paths: ['b/*'] }],
    ['A', 'C'],
    ['B', 'C'],
  ]);
  for (const role of ['A', 'B']) (repo.json(role) as TargetsJson).delegations!.roles![0]!.paths = ['*/*'];
  repo.addTarget('C', 'a/file', 'a');
  repo.addTarget('C', 'b/file', 'b');
  // Only the key that A names signs C from here on.
  repo.signers.set('C', repo.signers.get('C')!.slice(0, 1));
  repo.publish('A', 'B', 'C', 'snapshot', 'timestamp');
  assert.equal(await bench.download('a/file'), 0, bench.said);
  assert.equal(await bench.download('b/file'), 1);
  assert.equal(bench.code, 'metadata-unsigned');
  // Nor by a client that has loaded the role for the other one just now.
  const folder = new MetadataFolder(bench.metadataFolder);
  const client = await TufClient.refresh({ folder, metadataUrl: `${bench.server.url}/metadata`, clock: systemClock });
  assert.equal((await client.find('a/file'))?.length, 1);
  await assert.rejects(client.find('b/file'), { code: 'metadata-unsigned' });
});

test('delegations in two forms at once, or two roles of one name, are refused', async () => {
  const changes: readonly ((delegations: NonNullable<TargetsJson['delegations']>) => void)[] = [
    (delegations) => void (delegations.succinct_roles = { keyids: [], threshold: 1, bit_length: 2, name_prefix: 'b' }),
    (delegations) => void (delegations.roles![0]!.path_hash_prefixes = ['0']),
    (delegations) => void delegations.roles!.push({ ...delegations.roles![0]!, terminating: true }),
    (delegations) => void (delegations.roles![0]!.terminating = 'no' as unknown as boolean),
    (delegations) => void (delegations.roles![0]!.threshold = 0),
    (delegations) => {
      delete delegations.roles;
      delegations.succinct_roles = { keyids: [], threshold: 1, bit_length: 33, name_prefix: 'b' };
    },
    (delegations) => void delete delegations.roles,
  ];
  for (const change of changes) {
    await using bench = await TufBench.start();
    build(bench.repo, [['targets', 'A']]);
    change(bench.repo.targets.delegations!);
    bench.repo.publish('targets', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-invalid');
    assert.deepEqual(await bench.trusted(), { root: 1, snapshot: 3, timestamp: 3 });
  }
});
