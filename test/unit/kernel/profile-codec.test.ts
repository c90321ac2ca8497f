import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Profile } from '#domain';
import { decodeProfile, encodeProfile } from '#kernel';

const path = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9_.é-]{1,8}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));

const profile: fc.Arbitrary<Profile> = fc
  .uniqueArray(path, { minLength: 1, maxLength: 12 })
  .chain((sources) =>
    fc.record({
      origin: fc.constantFrom('build' as const, 'debug-info' as const, 'config' as const),
      objects: fc.array(
        fc.record({
          object: path,
          source: path,
          target: fc.option(fc.constantFrom('vmlinux', 'image', 'nf_tables')),
          initOnly: fc.option(fc.boolean()),
        }),
        { minLength: 1, maxLength: 300 },
      ),
      sources: fc.constant(new Set(sources)),
      unreadable: fc.array(path, { maxLength: 3 }),
      predictions: fc.constant(
        new Map([['a.c', { state: 'left-out' as const, condition: 'CONFIG_A not set', alone: false }]]),
      ),
      generated: fc.constant(new Map([['x.h', ['a.tbl', 'b.tbl']]])),
    }),
  )
  .chain((part) =>
    fc
      .record({
        functions: fc.array(fc.array(fc.stringMatching(/^[a-z_]{1,6}$/), { maxLength: 3 }), {
          minLength: part.objects.length,
          maxLength: part.objects.length,
        }),
        files: fc
          .array(
            fc.tuple(
              path,
              fc
                .uniqueArray(fc.nat(part.objects.length - 1), { minLength: 1 })
                .map((list) => list.toSorted((a, b) => a - b)),
            ),
            { maxLength: 8 },
          )
          .map((entries) => new Map(entries)),
      })
      .map((more) => ({ ...part, ...more })),
  );

/** The same with plain sets and maps, to compare. */
function plain(given: Profile): unknown {
  return {
    ...given,
    objects: given.objects.map((object) => ({ ...object })),
    files: new Map([...given.files].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    sources: new Set([...given.sources].toSorted()),
  };
}

test('a profile comes back as it was stored', () => {
  fc.assert(
    fc.property(profile, path, (given, other) => {
      const read = decodeProfile(encodeProfile(given), 'x');
      assert.deepEqual(plain(read), plain(given));
      assert.equal(read.sources.size, given.sources.size);
      for (const each of [...given.sources, other, `${other}/`, ''])
        assert.equal(read.sources.has(each), given.sources.has(each), each);
      assert.equal(read.files.has(other), given.files.has(other));
      assert.deepEqual(read.files.get(other), given.files.get(other));
    }),
    { numRuns: 60 },
  );
});

test('what is older, damaged or something else says how to make it anew', () => {
  const old = zstdCompressSync(
    JSON.stringify({ version: 1, objects: [], files: [], users: [], sources: [], unreadable: [] }),
  );
  const [given] = fc.sample(profile, 1);
  const whole = encodeProfile(given!);
  for (const bytes of [old, Buffer.alloc(0), Buffer.from('x'), whole.subarray(0, whole.length - 5)])
    assert.throws(() => decodeProfile(bytes, 'k'), { code: 'profile-unreadable', remedy: /tuxtape kernel profile/ });
  for (let at = 0; at < whole.length; at += 7) {
    const flipped = Buffer.from(whole);
    flipped[at]! ^= 1;
    let read: Profile | undefined;
    try {
      read = decodeProfile(flipped, 'k');
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'profile-unreadable');
    }
    if (read !== undefined) assert.deepEqual(plain(read), plain(given!));
  }
});

test('the bundled profile is of this version', () => {
  const bytes = readFileSync(join(import.meta.dirname, '../../../fixtures/sample-kernel/profile.zst'));
  const read = decodeProfile(bytes, 'sample');
  assert.ok(read.sources.has('net/ipv4/udp.c'));
  assert.ok(read.files.get('include/linux/skbuff.h')!.length > 100);
  assert.equal(read.functions.length, read.objects.length);
});
