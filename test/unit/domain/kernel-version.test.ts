import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKernelVersions, contains, formatKernelVersion, type KernelVersion, parseKernelVersion } from '#domain';

function v(text: string): KernelVersion {
  const version = parseKernelVersion(text);
  assert.ok(version, `${text} is a version`);
  return version;
}

test('versions are read with their branch, patch level and candidate', () => {
  assert.deepEqual(v('6.1.170'), { mainline: [6, 1], patch: 170, rc: undefined });
  assert.deepEqual(v('6.17-rc1'), { mainline: [6, 17], patch: 0, rc: 1 });
  assert.deepEqual(v('2.6.32.61'), { mainline: [2, 6, 32], patch: 61, rc: undefined });
  assert.deepEqual(v('2.6.12'), { mainline: [2, 6, 12], patch: 0, rc: undefined });
  assert.deepEqual(v('6.1.0-40-cloud-amd64'), { mainline: [6, 1], patch: 0, rc: undefined });
  assert.equal(parseKernelVersion('rewrote'), undefined);
  assert.equal(parseKernelVersion('0'), undefined);
});

test('an older version is contained in a newer one only along its branch or from mainline', () => {
  assert.ok(contains(v('6.1.170'), v('3.0')));
  assert.ok(contains(v('6.1.170'), v('6.1')));
  assert.ok(contains(v('6.1.170'), v('6.1.170')));
  assert.ok(contains(v('6.1'), v('6.1-rc3')));
  assert.ok(!contains(v('6.1-rc3'), v('6.1')));
  assert.ok(!contains(v('6.1.170'), v('6.1.171')));
  assert.ok(!contains(v('6.2'), v('6.1.20')), 'a stable fix is not in the next mainline release by itself');
  assert.ok(!contains(v('6.1.170'), v('5.10.250')));
  assert.ok(!contains(v('6.1.170'), v('7.1')));
});

const version = fc.oneof(
  fc
    .tuple(fc.integer({ min: 3, max: 9 }), fc.nat(30), fc.nat(400))
    .map(([a, b, c]) => (c === 0 ? `${a}.${b}` : `${a}.${b}.${c}`)),
  fc
    .tuple(fc.integer({ min: 3, max: 9 }), fc.nat(30), fc.integer({ min: 1, max: 9 }))
    .map(([a, b, rc]) => `${a}.${b}-rc${rc}`),
  fc.tuple(fc.nat(39), fc.nat(70)).map(([b, c]) => (c === 0 ? `2.6.${b}` : `2.6.${b}.${c}`)),
);

test('property: formatting and reading are inverse; the order is total; containing is a partial order inside it', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(formatKernelVersion(v(a)), a);
      assert.equal(Math.sign(compareKernelVersions(v(a), v(b))), -Math.sign(compareKernelVersions(v(b), v(a))) || 0);
      assert.ok(contains(v(a), v(a)));
      if (contains(v(a), v(b))) assert.ok(compareKernelVersions(v(a), v(b)) >= 0);
      if (contains(v(a), v(b)) && contains(v(b), v(c))) assert.ok(contains(v(a), v(c)));
    }),
    { numRuns: 2_000 },
  );
});

test('property: no text makes the reader throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseKernelVersion(text)));
});
