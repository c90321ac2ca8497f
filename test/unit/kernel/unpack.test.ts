import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkListing, parseDsc, parseSeries, readPatchOutput } from '#kernel';

const line = (type: string, size: string, name: string): string =>
  `${type}rw-r--r-- 0/0 ${size.padStart(15)} 2026-01-01 00:00:00 ${name}\n`;

test('a listing gives type, size and name of every entry', () => {
  const text = `${line('d', '0', './linux/')}${line('l', '0', 'linux/a -> b')}${line('h', '0', 'linux/c link to linux/a')}${line('-', '7', 'linux/we ird')}`;
  assert.deepEqual(
    checkListing(text, 'x.tar').map(({ type, bytes, name }) => `${type} ${bytes} ${name}`),
    ['d 0 linux', 'l 0 linux/a', 'h 0 linux/c', '- 7 linux/we ird'],
  );
});

test('too much, devices, ways out and lines that cannot be read are refused', () => {
  const half = String(9 * 2 ** 30);
  for (const text of [
    line('-', half, 'a/1') + line('-', half, 'a/2'),
    line('c', '1,3', 'a/null'),
    line('p', '0', 'a/pipe'),
    line('-', '1', 'a/../../b'),
    line('-', '1', '/etc/x'),
    'what is this\n',
    line('-', '1', 'a').repeat(500_001),
  ])
    assert.throws(() => checkListing(text, 'x.tar'), { code: 'archive-unsafe' }, text.slice(0, 80));
});

test('the readers of hostile text end in their own errors only', () => {
  const own = (body: () => unknown): void => {
    try {
      body();
    } catch (error) {
      assert.match(
        String((error as { code?: string }).code),
        /^(?:archive-unsafe|source-unreadable|patch-queue-unreadable)$/,
      );
    }
  };
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      own(() => checkListing(text, 'x'));
      own(() => parseDsc(text, 'x'));
      own(() => parseSeries(text, 'x'));
      own(() => readPatchOutput(text));
    }),
  );
});

test('names in a series stay in their folder', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '..', '.', '/', '-p1', ' ', '#', '\n')), (parts) => {
      try {
        for (const { name } of parseSeries(parts.join(''), 'x'))
          assert.ok(!name.startsWith('/') && !name.split('/').includes('..'), name);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'patch-queue-unreadable');
      }
    }),
  );
});

test('what GNU patch says of hunks is read', () => {
  const said = `patching file net/core/sock.c
Hunk #1 succeeded at 12 (offset -3 lines).
Hunk #2 succeeded at 40 with fuzz 2 (offset 1 line).
Hunk #3 FAILED at 90.
`;
  assert.deepEqual(readPatchOutput(said), {
    failed: ['net/core/sock.c hunk 3'],
    offsets: ['net/core/sock.c hunk 1: offset -3', 'net/core/sock.c hunk 2: offset 1'],
    fuzz: ['net/core/sock.c hunk 2: fuzz 2'],
  });
});
