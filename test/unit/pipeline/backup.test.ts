import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#domain';
import { inOrder } from '#store';
import { sealed, unsealed } from '../../../src/pipeline/backup/chunks.ts';
import { Unpacking } from '../../../src/pipeline/backup/entries.ts';
import { isPath } from '../../../src/pipeline/backup/manifest.ts';

const folder = await mkdtemp(join(tmpdir(), 'tuxtape-test-'));
after(() => rm(folder, { recursive: true, force: true }));
const file = join(folder, 'b');

// oxlint-disable-next-line require-await -- a stream of bytes, as files and COPY are
async function* stream(...pieces: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function all(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('what is sealed comes out as it went in, in chunks of any size', async () => {
  for (const sizes of [[], [0], [1 << 20], [(1 << 20) + 1], [3 << 20, 5], [1, (2 << 20) - 1, 0, 7]]) {
    const pieces = sizes.map((size, i) => Buffer.alloc(size, i + 65));
    await writeFile(file, sealed(stream(...pieces), null));
    assert.ok((await all(unsealed(file, null))).equals(Buffer.concat(pieces)), sizes.join());
  }
});

test('a sealed file of which any byte is another, or the end is cut, is refused', async () => {
  for (const passphrase of [null, 'correct horse battery']) {
    const content = Buffer.concat([Buffer.alloc(1 << 20, 1), Buffer.from('the last chunk')]);
    const whole = await all(sealed(stream(content), passphrase));
    const runs = passphrase === null ? 40 : 4;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, bits, cut) => {
          const copy = Buffer.from(cut ? whole.subarray(0, at) : whole);
          if (!cut) copy[at]! ^= bits;
          await writeFile(file, copy);
          const codes = ['backup-damaged', 'backup-version', 'passphrase-wrong', 'passphrase-wanted'];
          await assert.rejects(all(unsealed(file, passphrase)), (error) => hasCode(error, ...codes));
        },
      ),
      { numRuns: runs },
    );
  }
});

test('chunks of one backup can be neither left out nor swapped, encrypted or not', async () => {
  const content = [65, 66, 67].map((byte) => Buffer.alloc(1 << 20, byte));
  for (const passphrase of [null, 'correct horse battery']) {
    const pieces: Buffer[] = [];
    for await (const piece of sealed(stream(...content, Buffer.from('end')), passphrase)) pieces.push(piece);
    const [header, a, b, ...rest] = pieces;
    for (const order of [
      [header!, b!, a!, ...rest],
      [header!, a!, ...rest],
      [header!, a!, a!, b!, ...rest],
    ]) {
      await writeFile(file, Buffer.concat(order));
      await assert.rejects(all(unsealed(file, passphrase)), (e) => hasCode(e, 'backup-damaged', 'passphrase-wrong'));
    }
  }
});

test('bytes that nobody packed are refused, and never read as a backup', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 })), async (pieces) => {
      const reading = new Unpacking(stream(...pieces, Buffer.from('B\0\0\0\x02{}')));
      const read = async (): Promise<void> => {
        for await (const _ of reading.entries());
      };
      await assert.rejects(read(), (error) => hasCode(error, 'backup-damaged'));
    }),
  );
});

test('a path of a backup leads nowhere but below its two folders', () => {
  for (const path of ['livepatches/a/module.ko', 'livepatches/a/approvals/ann.dsse.json', 'keys/gate.pem', 'keys/..a'])
    assert.ok(isPath(path), path);
  for (const path of [
    ...[
      '',
      'livepatches',
      'livepatches/',
      'livepatches/..',
      'livepatches/../x',
      'livepatches/a/../../x',
      '/livepatches/a',
    ],
    ...[
      'keys/./a',
      'keys//a',
      'keys/a/',
      'postgres/a',
      'livepatches/a\n',
      'livepatches/a\0b',
      'livepatches/a b',
      'keys/a/.',
    ],
  ])
    assert.ok(!isPath(path), path);
});

test('every table comes after all that it refers to', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.tuple(fc.nat(19), fc.nat(19))), (count, pairs) => {
      const tables = Array.from({ length: count }, (_, i) => ({ name: `t${i}`, columns: ['a'] }));
      const references = pairs
        .filter(([a, b]) => a !== b && Math.max(a, b) < count)
        .map(([a, b]) => ({ name: `t${Math.min(a, b)}`, target: `t${Math.max(a, b)}` }));
      const place = new Map(inOrder(tables, references).map(({ name }, i) => [name, i]));
      assert.equal(place.size, count);
      for (const { name, target } of references) assert.ok(place.get(target)! < place.get(name)!);
    }),
  );
  const circle = [
    { name: 'a', target: 'b' },
    { name: 'b', target: 'a' },
  ];
  const tables = ['a', 'b'].map((name) => ({ name, columns: ['x'] }));
  assert.throws(
    () => inOrder(tables, circle),
    (e) => hasCode(e, 'backup-cyclic'),
  );
});
