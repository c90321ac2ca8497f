/** One order for everyone: total, explained, and never lower for what is exploited. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CveId, Signal } from '#domain';
import { byPriority, type RankInput, rank } from '#triage';

const NOW = new Date('2026-11-24T00:00:00Z');
const LATER = new Date('2027-01-01T00:00:00Z');
const VECTOR = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';

const kev = (cve: CveId): Signal => ({
  cve,
  at: null,
  value: { source: 'kev', added: '2026-10-01', due: null, ransomware: false, name: 'n' },
});
const exploit = (cve: CveId): Signal => ({
  cve,
  at: null,
  value: { source: 'exploits', exploits: [{ kind: 'list', where: 'list', needs: [] }] },
});

function input(part: Partial<RankInput> & { id?: CveId } = {}): RankInput {
  const { id = 'CVE-2026-1000', ...rest } = part;
  return {
    record: { id, state: 'published', files: ['fs/ext4/inode.c'], cvssVector: null },
    score: null,
    predicted: 0.3,
    signals: [],
    person: { severity: null, accepted: null },
    exposure: { affected: 1, open: 0, kernels: 1 },
    announced: new Date('2026-06-01T00:00:00Z'),
    ...rest,
  };
}

const inputs: fc.Arbitrary<RankInput> = fc
  .record({
    number: fc.integer({ min: 1000, max: 1040 }),
    score: fc.option(fc.integer({ min: 0, max: 100 }).map((n) => n / 10)),
    predicted: fc.double({ min: 0, max: 1, noNaN: true }),
    files: fc.constantFrom(['fs/ext4/inode.c'], ['net/core/dev.c'], ['net/netfilter/nf_tables_api.c'], []),
    exposure: fc.constantFrom(null, { affected: 0, open: 0, kernels: 2 }, { affected: 1, open: 1, kernels: 2 }),
    known: fc.constantFrom('none', 'kev', 'exploit'),
    accepted: fc.boolean(),
    rejected: fc.boolean(),
    announced: fc.option(fc.date({ min: new Date('2024-02-01'), max: NOW, noInvalidDate: true })),
  })
  .map(({ number, files, known, accepted, rejected, ...rest }) => {
    const id: CveId = `CVE-2026-${number}`;
    return {
      ...rest,
      record: {
        id,
        files,
        state: rejected ? 'rejected' : 'published',
        cvssVector: rest.score === null ? null : VECTOR,
      },
      signals: known === 'kev' ? [kev(id)] : known === 'exploit' ? [exploit(id)] : [],
      person: { severity: null, accepted: accepted ? { until: LATER, by: 'a' } : null },
    };
  });

test('the order is total: two CVEs never stand on the same place, and no three of them run in a circle', () => {
  fc.assert(
    fc.property(inputs, inputs, inputs, (x, y, z) => {
      const [a, b, c] = [rank(x, NOW), rank(y, NOW), rank(z, NOW)];
      assert.equal(Math.sign(byPriority(a, b)), -Math.sign(byPriority(b, a)) || 0);
      if (a.cve !== b.cve) assert.notEqual(byPriority(a, b), 0);
      if (byPriority(a, b) < 0 && byPriority(b, c) < 0) assert.ok(byPriority(a, c) < 0);
    }),
    { numRuns: 2_000 },
  );
});

test('an exploited CVE stands before every one that is not, whatever else is said of either', () => {
  fc.assert(
    fc.property(inputs, inputs, (x, y) => {
      const bad = rank({ ...x, record: { ...x.record, state: 'published' }, signals: [kev(x.record.id)] }, NOW);
      const other = rank({ ...y, signals: y.signals.filter(({ value }) => value.source !== 'kev') }, NOW);
      assert.ok(byPriority(bad, other) < 0);
    }),
  );
});

test('every term is told, with a sentence; a prediction is never told as a score', () => {
  fc.assert(
    fc.property(inputs, (one) => {
      const { terms, origin } = rank(one, NOW);
      assert.deepEqual(
        terms.map(({ name }) => name),
        ['class', 'severity', 'reach', 'exposure', 'epss', 'age'],
      );
      assert.ok(terms.every(({ sentence }) => sentence.endsWith('.')));
      const severity = terms[1]!.sentence;
      assert.equal(origin === 'predicted', one.score === null);
      assert.equal(severity.startsWith('Not scored. Predicted '), one.score === null);
    }),
  );
});

test('a higher score or a wider reach never puts a CVE further back', () => {
  fc.assert(
    fc.property(inputs, fc.integer({ min: 0, max: 99 }), (one, tenth) => {
      const scored = { ...one, record: { ...one.record, cvssVector: VECTOR } };
      const low = rank({ ...scored, score: tenth / 10 }, NOW);
      const high = rank({ ...scored, score: (tenth + 1) / 10 }, NOW);
      assert.ok(byPriority(high, low) <= 0);
    }),
  );
  const remote = rank(input({ score: 7, record: { ...input().record, cvssVector: VECTOR } }), NOW);
  const root = rank(
    input({
      score: 7,
      record: { ...input().record, cvssVector: VECTOR.replace('AV:N', 'AV:L').replace('PR:N', 'PR:H') },
    }),
    NOW,
  );
  assert.ok(byPriority(remote, root) < 0);
});

test('a real score wins ties only', () => {
  const scored = rank(input({ id: 'CVE-2026-1001', score: 5.84, predicted: 0 }), NOW);
  const tie = rank(input({ id: 'CVE-2026-1000', predicted: 0.3 }), NOW);
  assert.equal(scored.weight, tie.weight);
  assert.ok(byPriority(scored, tie) < 0);
  assert.ok(byPriority(rank(input({ predicted: 0.9 }), NOW), scored) < 0);
});

test('an accepted risk steps back until its day, and never while the CVE is exploited', () => {
  const accepted = { severity: null, accepted: { until: LATER, by: 'ann' } };
  assert.equal(rank(input({ person: accepted }), NOW).class, 'accepted');
  assert.equal(rank(input({ person: accepted }), LATER).class, 'open');
  assert.equal(rank(input({ person: accepted, signals: [kev('CVE-2026-1000')] }), NOW).class, 'exploited');
});

test('what is not decided counts as affected; what was not looked at is not called safe', () => {
  const open = rank(input({ exposure: { affected: 0, open: 1, kernels: 1 } }), NOW);
  assert.equal(open.weight, rank(input(), NOW).weight);
  assert.equal(rank(input({ exposure: null }), NOW).weight, open.weight);
  assert.ok(rank(input({ exposure: { affected: 0, open: 0, kernels: 1 } }), NOW).weight < open.weight);
});
