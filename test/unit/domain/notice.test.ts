import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isWanted,
  leastSeverities,
  mergeNotices,
  type Notice,
  noticeSeverity,
  retryAfterSeconds,
  severities,
} from '#domain';

const ALL = { kinds: [], states: [], least: 'none', kernel: null } as const;

function notice(part: Partial<Notice> = {}): Notice {
  return {
    ...{ at: '2026-11-25T00:00:00Z', kind: 'verdict', state: 'affected', severity: 'medium', severityFrom: 'scored' },
    ...{ kernels: ['web'], cve: 'CVE-2026-1000', subject: 'CVE-2026-1000', title: 't', count: 1, subjects: ['a'] },
    ...part,
  };
}

test('a rule is a conjunction: kind, state, kernel and severity; empty means all', () => {
  assert.ok(isWanted(ALL, notice()));
  assert.ok(isWanted({ ...ALL, kinds: ['verdict', 'task'], states: ['affected'], kernel: 'web' }, notice()));
  assert.ok(!isWanted({ ...ALL, kinds: ['task'] }, notice()));
  assert.ok(!isWanted({ ...ALL, states: ['fixed'] }, notice()));
  assert.ok(!isWanted({ ...ALL, kernel: 'db' }, notice()));
  assert.ok(!isWanted({ ...ALL, kernel: 'web' }, notice({ kernels: [] })));
  assert.ok(!isWanted({ ...ALL, least: 'high' }, notice()));
  assert.ok(isWanted({ ...ALL, least: 'medium' }, notice()));
});

test('a severity that nobody knows is never taken for a low one', () => {
  for (const least of leastSeverities)
    assert.ok(isWanted({ ...ALL, least }, notice({ severity: 'not-scored' })), least);
  assert.deepEqual(noticeSeverity(null, null), { severity: 'not-scored', severityFrom: 'unknown' });
  assert.deepEqual(noticeSeverity(null, 0.5), { severity: 'high', severityFrom: 'predicted' });
  assert.deepEqual(noticeSeverity(7.8, 0.01), { severity: 'high', severityFrom: 'scored' });
});

test('what a stricter rule wants, a laxer one wants, too', () => {
  fc.assert(
    fc.property(fc.constantFrom(...severities), fc.nat(4), fc.nat(4), (severity, a, b) => {
      const [strict, lax] = [leastSeverities[Math.min(a, b)]!, leastSeverities[Math.max(a, b)]!];
      const one = notice({ severity });
      return !isWanted({ ...ALL, least: strict }, one) || isWanted({ ...ALL, least: lax }, one);
    }),
  );
});

test('merging loses no count, and hosts with one trouble are one line', () => {
  const some = fc.record({
    kind: fc.constantFrom('host', 'report', 'verdict', 'task'),
    state: fc.constantFrom('x', 'y'),
    subject: fc.constantFrom('a', 'b', 'c'),
    count: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 60 }), (parts) => {
      const notices = parts.map((part) => notice({ ...(part as Partial<Notice>), subjects: [part.subject] }));
      const merged = mergeNotices(notices);
      const total = (list: readonly Notice[]): number => list.reduce((sum, { count }) => sum + count, 0);
      assert.equal(total(merged), total(notices));
      assert.deepEqual(mergeNotices(merged), merged, 'merged is merged');
      for (const kind of ['host', 'report']) assert.ok(merged.filter((one) => one.kind === kind).length <= 2);
    }),
  );
  const many = Array.from({ length: 5_000 }, (_, i) => notice({ kind: 'host', state: 'silent', subjects: [`h${i}`] }));
  const [one, ...others] = mergeNotices(many);
  assert.deepEqual([one!.count, one!.subjects.length, others.length], [5_000, 20, 0]);
});

test('waits grow, and end at an hour', () => {
  assert.equal(retryAfterSeconds(1), 30);
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 100_000 }), (n) => {
      const wait = retryAfterSeconds(n);
      return wait >= 30 && wait <= 3_600 && retryAfterSeconds(n + 1) >= wait;
    }),
  );
});
