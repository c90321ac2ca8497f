/** Who may sign: thresholds, rotation, kinds of keys (TUF 1.0, 4.2, 5.3.4, 5.4.2, 5.5.3, 5.6.3). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { type KeyKind, TestKey } from '../../../testkit/tuf-keys.ts';
import { TufRepository } from '../../../testkit/tuf-repository.ts';

const keys = Array.from({ length: 10 }, () => new TestKey());
const pick = (numbers: readonly number[]): TestKey[] => numbers.map((number) => keys[number]!);

interface Version {
  readonly keys: readonly number[];
  readonly threshold: number;
  readonly signed: readonly number[];
  readonly refused?: boolean;
}

const five = [0, 1, 2, 3, 4];
const rootRotations: Record<string, readonly Version[]> = {
  'one key by another': [
    { keys: [1], threshold: 1, signed: [1] },
    { keys: [2], threshold: 1, signed: [2, 1] },
    { keys: [2], threshold: 1, signed: [2] },
  ],
  'with signatures that nobody needs': [
    { keys: [1], threshold: 1, signed: [3, 1, 4] },
    { keys: [2], threshold: 1, signed: [3, 2, 1, 4] },
    { keys: [2], threshold: 1, signed: [3, 2, 4] },
  ],
  'any three of five': [
    { keys: five, threshold: 3, signed: [0, 2, 4] },
    { keys: five, threshold: 3, signed: [0, 4, 1] },
    { keys: five, threshold: 3, signed: [0, 1, 3] },
  ],
  'one of five': [
    { keys: five, threshold: 3, signed: [0, 2, 4] },
    { keys: [0, 1, 3, 4, 5], threshold: 3, signed: [0, 4, 1] },
  ],
  'all of five, over a step': [
    { keys: five, threshold: 3, signed: [0, 2, 4] },
    { keys: [5, 6, 7, 8, 9], threshold: 3, signed: [0, 2, 4, 5, 6, 7] },
    { keys: [5, 6, 7, 8, 9], threshold: 3, signed: [5, 6, 7] },
  ],
  'a higher threshold': [
    { keys: [1, 2, 3], threshold: 1, signed: [1] },
    { keys: [1, 2, 3], threshold: 2, signed: [1, 2] },
  ],
  'a lower threshold': [
    { keys: [1, 2, 3], threshold: 2, signed: [1, 2] },
    { keys: [1, 2, 3], threshold: 1, signed: [1, 2] },
    { keys: [1, 2, 3], threshold: 1, signed: [1] },
  ],
  'not signed by the old key': [
    { keys: [1], threshold: 1, signed: [1] },
    { keys: [2], threshold: 1, signed: [2, 3, 4], refused: true },
  ],
  'not signed by the new key': [
    { keys: [1], threshold: 1, signed: [1] },
    { keys: [2], threshold: 1, signed: [1, 3, 4], refused: true },
  ],
  'two of three new keys': [
    { keys: five, threshold: 3, signed: [0, 2, 4] },
    { keys: [0, 1, 3, 4, 5], threshold: 3, signed: [0, 2, 4], refused: true },
  ],
  'two of three old keys': [
    { keys: five, threshold: 3, signed: [0, 2, 4] },
    { keys: [0, 1, 3, 4, 5], threshold: 3, signed: [0, 4, 5], refused: true },
  ],
  'a higher threshold that is not reached': [
    { keys: [1, 2, 3], threshold: 1, signed: [1] },
    { keys: [1, 2, 3], threshold: 2, signed: [2], refused: true },
  ],
  'a lower threshold, the old one not reached': [
    { keys: [1, 2, 3], threshold: 2, signed: [1, 2] },
    { keys: [1, 2, 3], threshold: 1, signed: [1], refused: true },
  ],
};

for (const [name, versions] of Object.entries(rootRotations)) {
  test(`root keys, ${name}`, async () => {
    const repo = new TufRepository();
    repo.root.version = 0;
    for (const version of versions) {
      repo.setKeys('root', version.threshold, pick(version.keys), pick(version.signed));
      repo.publish('root');
    }
    await using bench = await TufBench.start(repo);
    const refused = versions.at(-1)!.refused === true;
    assert.equal(await bench.refresh(), refused ? 1 : 0, bench.said);
    if (refused) assert.equal(bench.code, 'metadata-unsigned');
    const newest = versions.length - (refused ? 1 : 0);
    assert.deepEqual(
      await readFile(join(bench.metadataFolder, 'root.json')),
      repo.files.get(`metadata/${newest}.root.json`),
    );
  });
}

const otherRotations: Record<string, Version> = {
  'one key by another': { keys: [2], threshold: 1, signed: [2] },
  'with signatures that nobody needs': { keys: [1], threshold: 1, signed: [3, 1, 4] },
  'not signed by the new key': { keys: [2], threshold: 1, signed: [1, 3, 4], refused: true },
  'two of three': { keys: [0, 1, 3, 4, 5], threshold: 3, signed: [0, 2, 4], refused: true },
  'too few': { keys: [0, 1, 3, 4, 5], threshold: 3, signed: [0, 4], refused: true },
  'three of five': { keys: five, threshold: 3, signed: [2, 3, 4] },
};

for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
  for (const [name, version] of Object.entries(otherRotations)) {
    test(`${role} keys, ${name}`, async () => {
      await using bench = await TufBench.start();
      const { repo } = bench;
      assert.equal(await bench.refresh(), 0);
      repo.setKeys(role, version.threshold, pick(version.keys), pick(version.signed));
      repo.publish('root', 'targets', 'snapshot', 'timestamp');
      assert.equal(await bench.refresh(), version.refused === true ? 1 : 0, bench.said);
      if (version.refused === true) assert.equal(bench.code, 'metadata-unsigned');
      assert.equal((await bench.trusted())['root'], 2);
      assert.equal((await bench.trusted())[role] === 2, version.refused !== true);
    });
  }
}

const kinds: readonly (readonly [KeyKind, boolean])[] = [
  ['ed25519', true],
  ['ed25519-pem', true],
  ['ecdsa', true],
  ['ecdsa-hex', true],
  ['ecdsa-old', true],
  ['ecdsa-384', true],
  ['rsa', true],
  ['rsa-pkcs1', true],
  ['rsa-1024', false],
  ['ecdsa-other-curve', false],
];

for (const [kind, usable] of kinds) {
  test(`a key of kind ${kind} ${usable ? 'counts, with its own signature' : 'does not count'}`, async () => {
    await using bench = await TufBench.start();
    const { repo } = bench;
    const key = repo.addKey('root', new TestKey(kind));
    repo.root.roles['root']!.threshold = 2;
    repo.publish('root');
    assert.equal(await bench.refresh(), usable ? 0 : 1, bench.said);
    if (!usable) return;
    repo.publish('root');
    const envelope = JSON.parse(repo.files.get('metadata/3.root.json')!.toString()) as {
      signatures: { keyid: string; sig: string }[];
    };
    // A real signature of this key, of something else.
    envelope.signatures.find(({ keyid }) => keyid === key.keyid)!.sig = key.sign({ other: true });
    repo.files.set('metadata/3.root.json', Buffer.from(JSON.stringify(envelope)));
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-unsigned');
    assert.equal((await bench.trusted())['root'], 2);
  });
}

test('a key that says one kind and is another does not count, and stops no other', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  const names = [
    { keytype: 'ed25519', scheme: 'ecdsa-sha2-nistp256' },
    { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384' },
    { keytype: 'ecdsa-sha2-nistp384', scheme: 'ecdsa-sha2-nistp256' },
    { keytype: 'rsa', scheme: 'ecdsa-sha2-nistp256' },
    { keytype: 'rsa', scheme: 'rsassa-pss-sha256' },
    { keytype: 'constructor', scheme: '__proto__' },
    { keytype: 'sphincs', scheme: 'sphincs-shake-128s' },
  ];
  for (const name of names) Object.assign(repo.addKey('timestamp', new TestKey('ecdsa')).json, name);
  for (const content of ['', 'zz', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', '00'.repeat(65)])
    repo.addKey('timestamp', new TestKey('ecdsa')).json['keyval'] = { public: content };
  repo.addKey('timestamp', new TestKey('ecdsa')).json['keyval'] = {};
  repo.publish('root', 'timestamp');
  assert.equal(await bench.refresh(), 0, bench.said);
  repo.root.roles['timestamp']!.threshold = 2;
  repo.publish('root', 'timestamp');
  assert.equal(await bench.refresh(), 1);
  assert.match(bench.said, /1 of 2 signatures/);
});

test('a key listed under many ids, or an id listed many times, counts once', async () => {
  for (const manyIds of [true, false]) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    const key = repo.addKey('snapshot');
    const ids = manyIds
      ? Array.from({ length: 8 }, (_, at) => `${at}`.repeat(64))
      : Array.from({ length: 8 }, () => key.keyid);
    for (const id of ids) {
      repo.root.keys[id] = key.json;
      repo.root.roles['snapshot']!.keyids.push(id);
    }
    repo.root.roles['snapshot']!.threshold = 4;
    repo.publish('root', 'snapshot', 'timestamp');
    const sig = key.sign(repo.snapshot);
    const envelope = JSON.parse(repo.envelope('snapshot').toString()) as { signatures: object[] };
    if (manyIds) envelope.signatures.push(...ids.map((keyid) => ({ keyid, sig })));
    repo.files.set('metadata/2.snapshot.json', Buffer.from(JSON.stringify(envelope)));
    assert.equal(await bench.refresh(), 1);
    assert.match(bench.said, /2 of 4 signatures/);
    repo.root.roles['snapshot']!.threshold = 2;
    repo.publish('root');
    assert.equal(await bench.refresh(), 0, bench.said);
  }
});

test('two signatures under one key id are refused, even beside enough others', async () => {
  await using bench = await TufBench.start();
  const { repo } = bench;
  const envelope = JSON.parse(repo.envelope('snapshot').toString()) as { signatures: object[] };
  envelope.signatures.push(envelope.signatures[0]!);
  repo.files.set('metadata/1.snapshot.json', Buffer.from(JSON.stringify(envelope)));
  assert.equal(await bench.refresh(), 1);
  assert.equal(bench.code, 'metadata-invalid');
});

test('a signature that is wrong, empty or no hex stops no other', async () => {
  for (const sig of ['00'.repeat(64), '', 'zz', 'abc', 'Ünfug']) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    const key = repo.addKey('timestamp');
    repo.publish('root', 'timestamp');
    const envelope = JSON.parse(repo.envelope('timestamp').toString()) as {
      signatures: { keyid: string; sig: string }[];
    };
    envelope.signatures.find(({ keyid }) => keyid === key.keyid)!.sig = sig;
    repo.files.set('metadata/timestamp.json', Buffer.from(JSON.stringify(envelope)));
    assert.equal(await bench.refresh(), 0, bench.said);
  }
});

test('a threshold of zero, of less or of none is refused', async () => {
  for (const threshold of [0, -1, '1', null, undefined]) {
    await using bench = await TufBench.start();
    const { repo } = bench;
    repo.root.roles['timestamp']!.threshold = threshold as number;
    repo.publish('root');
    repo.signers.set('timestamp', []);
    repo.publish('timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-invalid');
    assert.deepEqual(await bench.trusted(), { root: 1 });
  }
});

test('a role with fewer keys than its threshold, or with keys that are not listed, signs nothing', async () => {
  for (const change of [
    (repo: TufRepository) => void (repo.root.roles['snapshot']!.threshold = 6),
    (repo: TufRepository) => void (repo.root.roles['snapshot']!.keyids = ['f'.repeat(64)]),
    (repo: TufRepository) => void (repo.root.roles['snapshot']!.keyids = []),
    (repo: TufRepository) => void (repo.root.roles['snapshot']!.keyids = ['__proto__', 'constructor']),
  ]) {
    await using bench = await TufBench.start();
    change(bench.repo);
    bench.repo.publish('root', 'snapshot', 'timestamp');
    assert.equal(await bench.refresh(), 1);
    assert.equal(bench.code, 'metadata-unsigned');
    assert.deepEqual(await bench.trusted(), { root: 2, timestamp: 2 });
  }
});
