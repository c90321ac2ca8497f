/** Which commit is taken for a kernel and why, and in which order several are applied. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CveId, CveRecord, Range } from '#domain';
import { type ComposePart, type FixSource, fetchBranchFixes, fetchFix, fixesInOrder, planSteps } from '#patch';

const commitOf = (letter: string): string => letter.repeat(40);

function record(fixes: Readonly<Record<string, string>>): CveRecord {
  const ranges: Range[] = Object.entries(fixes).map(([letter, version]) => ({
    introduced: null,
    fixed: { version, commit: commitOf(letter) },
  }));
  const empty = { cvssVector: null, rationale: null, vulnerableCommits: [], references: [], files: [] };
  return { id: 'CVE-2026-1', state: 'published', source: 'record', title: '', description: '', ranges, ...empty };
}

function sourceOf(commits: Readonly<Record<string, number | null>>): FixSource {
  return {
    kind: 'directory',
    address: '/fixes',
    history: null,
    sides: () => Promise.resolve(null),
    list: () => Promise.resolve(Object.keys(commits)),
    changeOf: (commit) =>
      Promise.resolve(
        commits[commit[0]!] === undefined ? undefined : { text: commit, file: null, date: commits[commit[0]!]! },
      ),
  };
}

test('own branch, the nearest above, mainline, the nearest below: in this order', () => {
  const all = record({ a: '7.0', b: '6.1.175', c: '6.12.90', d: '5.15.200', e: '6.6.140', f: '5.10.250' });
  assert.deepEqual(
    fixesInOrder(all, '6.1.170-3').map(({ version, branch }) => `${version} ${branch}`),
    [
      '6.1.175 own-branch',
      '6.6.140 newer-branch',
      '6.12.90 newer-branch',
      '7.0 mainline',
      '5.15.200 older-branch',
      '5.10.250 older-branch',
    ],
  );
  assert.deepEqual(
    fixesInOrder(all, 'unknown').map(({ branch }) => branch),
    Array.from({ length: 6 }, () => 'unknown'),
  );
});

test('the reason names the branch, and nearer fixes that the source lacks', async () => {
  const all = record({ a: '7.0', b: '6.1.175', e: '6.6.140' });
  const reason = async (have: readonly string[], version = '6.1.170'): Promise<string> =>
    (await fetchFix(all, version, sourceOf(Object.fromEntries(have.map((letter) => [letter, null]))))).reason;
  assert.equal(await reason(['a', 'b', 'e']), "bbbbbbbbbbbb of 6.1.175 is the fix of the kernel's own branch, 6.1");
  assert.equal(
    await reason(['a', 'e']),
    'eeeeeeeeeeee of 6.6.140 is of the nearest stable branch above 6.1, 6.6; nearer, but not in this source: bbbbbbbbbbbb of 6.1.175',
  );
  assert.match(await reason(['a', 'b'], '6.9.3'), /^a+ of 7\.0 is the fix of mainline/);
  assert.match(
    await reason(['b'], '7.1.2'),
    /nearest branch below 7\.1, 6\.1: there is none from 7\.1 on; nearer, but/,
  );
  await assert.rejects(reason([]), { code: 'fix-not-found', remedy: /bbbbbbbbbbbb \(6\.1\.175\)/ });
});

test('several fixes of one branch come by version, in one version by date; one that is missing is an error', async () => {
  const all = record({ c: '6.1.175', a: '6.1.175', b: '6.1.171', d: '6.6.1' });
  const letters = async (have: Readonly<Record<string, number | null>>): Promise<string> =>
    (await fetchBranchFixes(all, '6.1.170', sourceOf(have))).map(({ commit }) => commit[0]).join('');
  assert.equal(await letters({ a: 1, b: 9, c: 2, d: 0 }), 'bac');
  assert.equal(await letters({ a: null, b: null, c: null, d: null }), 'bca');
  await assert.rejects(letters({ b: 1, c: 2 }), { code: 'fix-not-found' });
});

const diff = (letter: string): string => `--- a/${letter}.c\n+++ b/${letter}.c\n@@ -1 +1 @@\n-a\n+${letter}\n`;
const letters = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const parts = fc.uniqueArray(
  fc.record({ number: fc.integer({ min: 1000, max: 1020 }), fixes: fc.uniqueArray(letters, { minLength: 1 }) }),
  { selector: ({ number }) => number, maxLength: 6 },
);
const facts = fc.dictionary(
  letters,
  fc.record({ date: fc.option(fc.nat(3)), version: fc.constantFrom('6.1.171', '6.1.172', '6.6.1') }),
);

function partsOf(
  given: readonly { number: number; fixes: readonly string[] }[],
  about: Readonly<Record<string, { date: number | null; version: string }>>,
): ComposePart[] {
  return given.map(({ number, fixes }) => ({
    cve: `CVE-2026-${number}`,
    fixes: fixes.map((letter) => {
      const { date = null, version = '6.1.171' } = about[letter] ?? {};
      return { commit: commitOf(letter), branch: 'own-branch', date, version, text: diff(letter), where: letter };
    }),
  }));
}

test('the order of steps does not depend on that of the CVEs; every commit is one step, for all that name it', () => {
  fc.assert(
    fc.property(parts, facts, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (given, about, random) => {
      const all = partsOf(given, about);
      const steps = planSteps(all);
      const mixed = all
        .map((part) => ({ part, at: random.next().value }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ part }) => part);
      assert.deepEqual(planSteps(mixed), steps);
      const named = new Set(all.flatMap(({ fixes }) => fixes.map(({ commit }) => commit)));
      assert.deepEqual(new Set(steps.map(({ commit }) => commit)), named);
      assert.equal(steps.length, named.size);
      for (const { commit, cves } of steps) {
        const wanted = all.filter(({ fixes }) => fixes.some((fix) => fix.commit === commit)).map(({ cve }) => cve);
        assert.deepEqual(new Set<unknown>(cves), new Set<unknown>(wanted));
      }
    }),
  );
});

test('the order within a CVE is kept', () => {
  fc.assert(
    fc.property(fc.uniqueArray(letters, { minLength: 2 }), facts, (fixes, about) => {
      const order = planSteps(partsOf([{ number: 1000, fixes }], about)).map(({ where }) => where);
      assert.deepEqual(order, fixes);
    }),
  );
});

test('one commit that is two changes is refused; what no kernel runs is left out, and said', () => {
  const part = (cve: CveId, commit: string, text: string): ComposePart => ({
    cve,
    fixes: [{ commit, version: '6.1.171', branch: 'own-branch', date: null, text, where: 'x' }],
  });
  const [one, short] = [commitOf('a'), commitOf('a').slice(0, 12)];
  assert.equal(planSteps([part('CVE-2026-1', one, diff('a')), part('CVE-2026-2', short, diff('a'))]).length, 1);
  assert.throws(() => planSteps([part('CVE-2026-1', one, diff('a')), part('CVE-2026-2', short, diff('b'))]), {
    code: 'wrong-commit',
    message: /CVE-2026-2 is another change than under CVE-2026-1/,
  });
  const tests = diff('x').replaceAll('x.c', 'tools/testing/selftests/x.c');
  const [step] = planSteps([part('CVE-2026-1', one, diff('a') + tests)]);
  assert.deepEqual([step?.files.length, step?.leftOut], [1, ['tools/testing/selftests/x.c']]);
  assert.throws(() => planSteps([part('CVE-2026-1', one, tests)]), { code: 'patch-unsupported' });
});
