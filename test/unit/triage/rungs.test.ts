/** Conditions, functions, renames and profiles that were not read from a build. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CveRecord, HunkCondition, HunkFinding, Profile, Proof, Verdict } from '#domain';
import { decide } from '#triage';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const PATH = 'net/core/sample.c';
const record = (files: readonly string[] = [PATH]): CveRecord => ({
  id: 'CVE-2026-10001',
  state: 'published',
  source: 'record',
  title: '',
  description: '',
  files,
  ranges: [
    {
      introduced: { version: '5.4', commit: 'aaaaaaa' },
      fixed: { version: '6.1.171', commit: 'bbbbbbb' },
    },
  ],
  cvssVector: null,
  references: [],
  rationale: null,
  vulnerableCommits: [],
});

const OUT: HunkCondition = { text: 'defined(CONFIG_X)', value: false, by: 'preprocessor', from: 3 };
const hunk = (part: Partial<HunkFinding> = {}): HunkFinding => ({
  path: PATH,
  line: 1,
  state: 'vulnerable',
  how: 'exact',
  at: 4,
  condition: OUT,
  functions: ['sample'],
  ...part,
});

function proofOf(hunks: readonly HunkFinding[], part: Partial<Proof> = {}): Proof {
  return {
    fixes: [{ commit: 'bbbbbbb', version: '6.1.171', sha256: '' }],
    source: { outcome: 'vulnerable', hunks, renamed: {} },
    paths: [PATH],
    excluded: true,
    object: null,
    ...part,
  };
}

const PROFILE = profileOfParts({ objects: [compiled('net/core/sample.o', PATH)] });

function verdict(profile: Profile, proof: Proof | null = null, files?: readonly string[]): Verdict {
  return decide(record(files), { version: '6.1.170', arch: 'x86_64', profile }, proof);
}

const rungs = ({ evidence }: Verdict): string => evidence.map(({ rung, outcome }) => `${rung} ${outcome}`).join(', ');

test('a fix that changes only what the configuration leaves out clears, and says what to look up', () => {
  const cleared = verdict(PROFILE, proofOf([hunk()]));
  assert.equal(cleared.status, 'not_affected');
  const last = cleared.evidence.at(-1)!;
  assert.deepEqual([last.rung, last.outcome], ['condition', 'clears']);
  assert.match(last.sentence, /defined\(CONFIG_X\) \(net\/core\/sample\.c:3\) is false/);
  assert.deepEqual((last.facts['conditions'] as { symbols: string[] }[])[0]?.symbols, ['CONFIG_X']);
});

test('one hunk outside, a condition of C, one that is not known, or another reader clears nothing', () => {
  const open: Proof[] = [
    proofOf([hunk(), hunk({ condition: null })]),
    proofOf([hunk({ condition: { ...OUT, by: 'if' } })]),
    proofOf([hunk({ condition: { ...OUT, value: null } })]),
    proofOf([hunk()], { excluded: false }),
    proofOf([hunk({ state: 'unclear' })], { source: { outcome: 'unclear', hunks: [hunk()], renamed: {} } }),
  ];
  for (const proof of open) assert.equal(verdict(PROFILE, proof).status, 'affected');
  const { excluded: _, ...before } = proofOf([hunk()]);
  assert.equal(verdict(PROFILE, before).status, 'affected', 'a proof that did not look');
});

test('a rung that clears and an object that differs contradict each other', () => {
  const object: Proof['object'] = {
    outcome: 'differs',
    why: null,
    objects: [{ object: 'net/core/sample.o', target: 'vmlinux', same: false, changes: ['sample'] }],
  };
  const both = verdict(PROFILE, proofOf([hunk()], { object }));
  assert.equal(both.status, 'under_investigation');
  assert.match(rungs(both), /condition clears.*object supports/);
  const absent = profileOfParts({ objects: [], sources: new Set([PATH]) });
  assert.equal(verdict(absent, proofOf([hunk({ condition: null })], { object })).status, 'under_investigation');
  assert.equal(verdict(absent, proofOf([hunk({ condition: null })])).status, 'not_affected');
});

test('functions in symbol tables support, with what the compiler adds to their names; missing ones clear nothing', () => {
  const proof = proofOf([hunk({ condition: null })]);
  const withTable = (names: readonly string[]): Verdict => verdict({ ...PROFILE, functions: [names] }, proof);
  assert.match(rungs(withTable(['other', 'sample.constprop.0'])), /function supports/);
  assert.match(rungs(withTable(['other'])), /function inconclusive/);
  assert.doesNotMatch(rungs(withTable([])), /function/, 'an empty table says nothing');
  for (const names of [['sample'], ['other'], []]) assert.equal(withTable(names).status, 'affected');
});

test('a known move, or one that history tells, is found to be there and never to be missing', () => {
  const smb = 'fs/smb/client/smb2ops.c';
  const there = profileOfParts({ objects: [compiled('fs/smb/client/smb2ops.o', smb)] });
  const listed = verdict(there, null, ['fs/cifs/smb2ops.c']);
  assert.equal(listed.status, 'affected');
  assert.match(listed.evidence.at(-1)!.sentence, /fs\/smb\/client\/smb2ops\.c here, by the list/);
  const missing = profileOfParts({ objects: [], sources: new Set([smb, 'new/sample.c']) });
  assert.equal(verdict(missing, null, ['fs/cifs/smb2ops.c']).status, 'under_investigation');
  const moved = { [PATH]: { to: 'new/sample.c', how: 'history' as const } };
  const lost = hunk({ state: 'unclear', how: 'none', at: null, condition: null });
  const source = { outcome: 'unclear' as const, hunks: [lost], renamed: {}, moved };
  const told = proofOf([lost], { source, excluded: false });
  assert.equal(verdict(missing, told).status, 'under_investigation');
  const built = profileOfParts({ objects: [compiled('new/sample.o', 'new/sample.c')] });
  assert.equal(verdict(built, told).status, 'affected');
});

test('a prediction clears by a condition that is known and false, and by nothing else', () => {
  const sources = new Set([PATH, 'net/a.h', 'net/b.c', 'net/c.c', 'arch/arm/xen/x.c']);
  const predictions: Profile['predictions'] = new Map([
    [PATH, { state: 'left-out', condition: 'CONFIG_NET not set', alone: true }],
    ['net/a.h', { state: 'left-out', condition: 'never', alone: true }],
    ['net/b.c', { state: 'built', condition: 'CONFIG_B=y', alone: true }],
    ['net/c.c', { state: 'unknown', condition: '$(x)', alone: true }],
  ]);
  const profile = profileOfParts({ origin: 'config', objects: [], sources, predictions });
  const of = (...files: string[]): string => verdict(profile, null, files).status;
  assert.equal(of(PATH), 'not_affected');
  assert.match(verdict(profile).evidence.at(-1)!.sentence, /predicted: CONFIG_NET not set/);
  assert.match(verdict(profile, null, ['net/b.c']).evidence.at(-1)!.sentence, /predicted to be compiled: CONFIG_B=y/);
  assert.equal(of('net/b.c'), 'affected');
  for (const path of ['net/a.h', 'net/c.c', 'arch/arm/xen/x.c', 'net/gone.c'])
    assert.equal(of(PATH, path), 'under_investigation', path);
});

test('debug information clears code files alone, and not those that are linked by themselves', () => {
  const paths = [PATH, 'net/a.h', 'arch/x86/entry/vdso/vgetcpu.c', 'net/x.map', 'net/Kconfig'];
  const profile = profileOfParts({ origin: 'debug-info', objects: [], sources: new Set(paths) });
  assert.equal(verdict(profile).status, 'not_affected');
  for (const path of paths.slice(1)) assert.equal(verdict(profile, null, [path]).status, 'under_investigation', path);
  assert.equal(verdict({ ...profile, unreadable: ['x.ko'] }).status, 'under_investigation');
});

test('code that runs at start only is affected, and that is said', () => {
  const objects = [{ ...compiled('net/core/sample.o', PATH), initOnly: true }];
  const { status, evidence } = verdict(profileOfParts({ objects }));
  assert.equal(status, 'affected');
  assert.match(evidence.at(-1)!.sentence, /start or removal only/);
});

const cleared = ({ status }: Verdict): boolean => status === 'not_affected' || status === 'fixed';
const conditions = fc.option(
  fc.record({
    text: fc.constant('defined(CONFIG_X)'),
    value: fc.constantFrom(true, false, null),
    by: fc.constantFrom('preprocessor' as const, 'if' as const),
    from: fc.constant(1),
  }),
);
const hunks = fc.array(
  fc
    .record({
      state: fc.constantFrom('fixed' as const, 'vulnerable' as const, 'unclear' as const),
      condition: conditions,
    })
    .map(hunk),
  { minLength: 1, maxLength: 4 },
);
const objects: fc.Arbitrary<Proof['object']> = fc.constantFrom(
  null,
  { outcome: 'undecided', why: 'too many', objects: [] },
  { outcome: 'same', why: null, objects: [{ object: 'a.o', target: 'vmlinux', same: true, changes: [] }] },
  { outcome: 'differs', why: null, objects: [{ object: 'a.o', target: 'vmlinux', same: false, changes: ['a'] }] },
);
const proofs = fc
  .tuple(
    hunks,
    objects,
    fc.boolean(),
    fc.constantFrom('vulnerable' as const, 'unclear' as const, 'partly-fixed' as const),
  )
  .map(([all, object, excluded, outcome]) =>
    proofOf(all, { object, excluded, source: { outcome, hunks: all, renamed: {} } }),
  );
const profiles = fc
  .tuple(fc.boolean(), fc.boolean(), fc.constantFrom('build' as const, 'debug-info' as const, 'config' as const))
  .map(([isBuilt, isThere, origin]) =>
    profileOfParts({
      origin,
      objects: isBuilt ? [compiled('net/core/sample.o', PATH)] : [],
      sources: new Set(isThere ? [PATH] : []),
      predictions: new Map([[PATH, { state: isBuilt ? 'built' : 'left-out', condition: 'CONFIG_X', alone: true }]]),
    }),
  );

test('whatever was found: only a rung that clears clears, it names facts, and less knowledge never clears more', () => {
  fc.assert(
    fc.property(profiles, fc.option(proofs), (profile, proof) => {
      const found = verdict(profile, proof);
      assert.equal(
        cleared(found),
        found.evidence.at(-1)!.outcome === 'clears' && found.status !== 'under_investigation',
      );
      if (cleared(found)) {
        assert.ok(Object.keys(found.evidence.at(-1)!.facts).length > 0);
        assert.ok(found.evidence.every(({ rung, outcome }) => rung !== 'object' || outcome !== 'supports'));
        return;
      }
      const lesser: [Profile, Proof | null][] = [
        [{ ...profile, unreadable: ['x.o.cmd'] }, proof],
        [{ ...profile, sources: new Set() }, proof],
        [{ ...profile, predictions: new Map() }, proof],
        [profile, null],
        ...(proof === null
          ? []
          : [
              [profile, { ...proof, excluded: false }] as [Profile, Proof],
              [
                profile,
                proofOf(
                  proof.source.hunks.map((one) => ({ ...one, condition: null })),
                  {
                    ...proof,
                    source: { ...proof.source, hunks: proof.source.hunks.map((one) => ({ ...one, condition: null })) },
                  },
                ),
              ] as [Profile, Proof],
            ]),
      ];
      for (const [less, with_] of lesser) {
        // Leaving out an object that differs takes a contradiction away, which is no gain in knowledge.
        if (found.evidence.some(({ outcome }) => outcome === 'clears')) continue;
        assert.ok(!cleared(verdict(less, with_)), rungs(verdict(less, with_)));
      }
    }),
    { numRuns: 1000 },
  );
});

test('what only a program of the build reads may shape generated code: it clears nothing', () => {
  const host = profileOfParts({ objects: [compiled('lib/raid6/mktables', PATH, null)] });
  assert.equal(verdict(host, null, [PATH]).status, 'under_investigation');
});

test('a fix clears nothing of another bug under the same id, nor while its branch has a further fix', () => {
  const same: NonNullable<Proof['object']> = {
    outcome: 'same',
    why: null,
    objects: [{ object: 'net/core/sample.o', target: 'vmlinux', same: true, changes: [] }],
  };
  const proof = proofOf([hunk({ condition: null })], { excluded: false, object: same });
  const [first] = record().ranges;
  const status = (...more: CveRecord['ranges']): string =>
    decide({ ...record(), ranges: [first!, ...more] }, { version: '6.1.170', arch: 'x86_64', profile: PROFILE }, proof)
      .status;
  assert.equal(status(), 'not_affected');
  const other = { introduced: { version: '5.15', commit: 'ccccccc' }, fixed: { version: '6.7', commit: 'ddddddd' } };
  assert.equal(status(other), 'affected');
  assert.equal(status({ ...first!, fixed: { version: '6.1.175', commit: 'eeeeeee' } }), 'affected');
});

test('objects that came out the same clear nothing while others read the file, or may', () => {
  const same: NonNullable<Proof['object']> = {
    outcome: 'same',
    why: null,
    objects: [{ object: 'net/core/sample.o', target: 'vmlinux', same: true, changes: [] }],
  };
  const proof = proofOf([hunk({ condition: null })], { excluded: false, object: same });
  assert.equal(verdict(PROFILE, proof).status, 'not_affected');
  assert.equal(verdict({ ...PROFILE, unreadable: ['x/.y.o.cmd'] }, proof).status, 'affected');
  const objects = [...PROFILE.objects, compiled('net/core/other.o', PATH)];
  const wider = profileOfParts({ objects, files: new Map([[PATH, [0, 1]]]) });
  assert.equal(verdict(wider, proof).status, 'affected');
});

test('device trees, bindings and samples are cleared by what is known of them only', () => {
  const paths = ['arch/arm/boot/dts/a.dtsi', 'include/dt-bindings/a.h', 'samples/a.c'];
  const here = profileOfParts({ objects: [], sources: new Set(paths) });
  const status = (path: string, arch: string, profile: Profile = here): string =>
    decide(record([path]), { version: '6.1.170', arch, profile }).status;
  assert.equal(status(paths[0]!, 'aarch64'), 'under_investigation');
  assert.equal(status(paths[1]!, 'aarch64'), 'under_investigation');
  const unknown: Profile = {
    ...here,
    origin: 'config',
    predictions: new Map([['samples/a.c', { state: 'unknown', condition: '', alone: false }]]),
  };
  assert.equal(status(paths[2]!, 'x86_64', unknown), 'under_investigation');
});

test('a path that this source lacks is not given up for the fix of another bug', () => {
  const notBuilt = profileOfParts({ objects: [], sources: new Set([PATH]) });
  const proof = proofOf([hunk({ condition: null })], { excluded: false });
  const [first] = record().ranges;
  const other = { introduced: { version: '5.15', commit: 'ccccccc' }, fixed: { version: '6.7', commit: 'ddddddd' } };
  const status = (...more: CveRecord['ranges']): string =>
    decide(
      { ...record(['old/gone.c']), ranges: [first!, ...more] },
      { version: '6.1.170', arch: 'x86_64', profile: notBuilt },
      proof,
    ).status;
  assert.equal(status(), 'not_affected');
  assert.equal(status(other), 'under_investigation');
});
