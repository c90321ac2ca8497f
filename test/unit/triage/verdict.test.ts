import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CveRecord, HunkFinding, Profile, Proof, Range, RangeEnd } from '#domain';
import { decide } from '#triage';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

function end(version: string, commit: string | null = null): RangeEnd {
  return { version, commit };
}

function cve(part: Partial<CveRecord>): CveRecord {
  return {
    id: 'CVE-2026-10001',
    state: 'published',
    source: 'record',
    title: '',
    description: '',
    files: ['net/core/sample.c'],
    ranges: [{ introduced: end('5.4', 'aaaaaaa'), fixed: end('6.1.171', 'bbbbbbb') }],
    cvssVector: null,
    references: [],
    rationale: null,
    vulnerableCommits: [],
    ...part,
  };
}

/** A profile in which one file is compiled and some more are in the source tree. */
function profileWith(
  built: readonly string[],
  sources: readonly string[],
  unreadable: readonly string[] = [],
): Profile {
  const objects = built.map((source) => compiled(source.replace(/c$/, 'o'), source));
  return profileOfParts({ objects, sources: new Set([...built, ...sources]), unreadable });
}

function status(record: CveRecord, version: string, profile: Profile | null): string {
  return decide(record, { version, arch: 'x86_64', profile }).status;
}

test('a compiled file in an affected range is affected', () => {
  const verdict = decide(cve({}), {
    version: '6.1.170',
    arch: 'x86_64',
    profile: profileWith(['net/core/sample.c'], []),
  });
  assert.equal(verdict.status, 'affected');
  assert.match(verdict.evidence.at(-1)!.sentence, /net\/core\/sample\.c is compiled into vmlinux/);
});

test('a file of the tree that was not compiled clears, with evidence', () => {
  const verdict = decide(cve({}), {
    version: '6.1.170',
    arch: 'x86_64',
    profile: profileWith([], ['net/core/sample.c']),
  });
  assert.equal(verdict.status, 'not_affected');
  assert.equal(verdict.justification, 'vulnerable_code_not_present');
  assert.equal(verdict.evidence.at(-1)!.rung, 'build');
});

test('what is not known is never cleared', () => {
  const nothing = profileWith([], []);
  assert.equal(status(cve({}), '6.1.170', nothing), 'under_investigation', 'a path the tree does not have');
  assert.equal(status(cve({ files: [] }), '6.1.170', nothing), 'under_investigation', 'no files named');
  const damaged = profileWith([], ['net/core/sample.c'], ['net/.x.o.cmd']);
  assert.equal(status(cve({}), '6.1.170', damaged), 'under_investigation', 'a profile with a hole');
  const generated = cve({ files: ['drivers/tty/vt/sample.map'] });
  assert.equal(status(generated, '6.1.170', profileWith([], generated.files)), 'under_investigation', 'generated code');
  const kbuild = cve({ files: ['net/core/Makefile'] });
  assert.equal(status(kbuild, '6.1.170', profileWith([], kbuild.files)), 'under_investigation', 'a build rule');
  const half = cve({ files: ['net/core/sample.c', 'net/core/gone.c'] });
  assert.equal(
    status(half, '6.1.170', profileWith([], ['net/core/sample.c'])),
    'under_investigation',
    'one file unknown',
  );
  assert.equal(status(cve({ ranges: [] }), '6.1.170', profileWith(['net/core/sample.c'], [])), 'under_investigation');
});

test('ranges decide before the build does', () => {
  const compiled = profileWith(['net/core/sample.c'], []);
  assert.equal(status(cve({}), '6.1.171', compiled), 'fixed');
  assert.equal(status(cve({}), '5.3.1', compiled), 'not_affected');
  assert.equal(status(cve({}), '6.6', compiled), 'affected', 'a stable fix says nothing of another branch');
  assert.equal(status(cve({ state: 'rejected' }), '6.1.170', compiled), 'not_affected');
  assert.equal(status(cve({}), '6.1.170', null), 'affected', 'not built: the ranges speak alone');
});

test('a fix clears only the bug it belongs to', () => {
  const twice: Range[] = [
    { introduced: end('5.4', 'aaaaaaa'), fixed: end('6.1.100', 'bbbbbbb') },
    { introduced: end('6.1.150', 'ccccccc'), fixed: end('6.1.171', 'ddddddd') },
  ];
  assert.equal(status(cve({ ranges: twice }), '6.1.170', null), 'affected');
});

const versions = fc
  .tuple(fc.constantFrom('5.10', '5.15', '6.1', '6.6'), fc.nat(300))
  .map(([b, p]) => (p === 0 ? b : `${b}.${p}`));

test('a verdict clears only with a clearing rung at its end, and an unread version clears nothing', () => {
  const range = fc.record({
    introduced: fc.option(versions.map((v) => end(v))),
    fixed: fc.option(versions.map((v) => end(v))),
  });
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 6 }),
      fc.oneof(versions, fc.string()),
      fc.boolean(),
      (ranges, version, built) => {
        const profile = profileWith(built ? ['net/core/sample.c'] : [], ['net/core/sample.c']);
        const verdict = decide(cve({ ranges }), { version, arch: 'x86_64', profile });
        assert.equal(verdict.justification !== null, verdict.status === 'not_affected');
        const last = verdict.evidence.at(-1)!;
        const cleared = verdict.status === 'not_affected' || verdict.status === 'fixed';
        assert.equal(last.outcome === 'clears', cleared);
        if (built && !/^\d/.test(version)) assert.equal(verdict.status, 'under_investigation');
      },
    ),
  );
});

const FIX = { commit: 'bbbbbbb', version: '6.1.171', sha256: '' };

function proof(
  outcome: Proof['source']['outcome'],
  object: Proof['object'] = null,
  paths = ['net/core/sample.c'],
): Proof {
  const states = {
    fixed: ['fixed'],
    vulnerable: ['vulnerable'],
    'partly-fixed': ['fixed', 'vulnerable'],
    unclear: ['unclear'],
  };
  const hunks = (states[outcome] as HunkFinding['state'][]).map((state) => ({
    path: paths[0]!,
    line: 1,
    state,
    how: 'exact' as const,
    at: 1,
  }));
  return { fixes: [FIX], source: { outcome, hunks, renamed: {} }, paths, object };
}

const COMPARED = { object: 'net/core/sample.o', target: 'vmlinux' };
const SAME: Proof['object'] = { outcome: 'same', why: null, objects: [{ ...COMPARED, same: true, changes: [] }] };
const DIFFERS: Proof['object'] = {
  outcome: 'differs',
  why: null,
  objects: [{ ...COMPARED, same: false, changes: ['sample'] }],
};
const UNDECIDED: Proof['object'] = { outcome: 'undecided', why: 'too many', objects: [] };

test('the source and the objects decide what the ranges and the files leave open', () => {
  const kernel = { version: '6.1.170', arch: 'x86_64', profile: profileWith(['net/core/sample.c'], []) };
  const cases: [Proof, string][] = [
    [proof('fixed'), 'fixed'],
    [proof('vulnerable'), 'affected'],
    [proof('partly-fixed'), 'affected'],
    [proof('unclear'), 'affected'],
    [proof('vulnerable', SAME), 'not_affected'],
    [proof('vulnerable', DIFFERS), 'affected'],
    [proof('vulnerable', UNDECIDED), 'affected'],
  ];
  for (const [given, expected] of cases)
    assert.equal(decide(cve({}), kernel, given).status, expected, given.source.outcome);
});

test('a version that says fixed, and a source that lacks the fix, contradict each other: nobody is believed', () => {
  const kernel = { version: '6.1.175', arch: 'x86_64', profile: profileWith(['net/core/sample.c'], []) };
  assert.equal(decide(cve({}), kernel, proof('fixed')).status, 'fixed');
  assert.equal(decide(cve({}), kernel, proof('vulnerable')).status, 'under_investigation');
  const earlier = { ...kernel, version: '5.3' };
  assert.equal(decide(cve({}), earlier, proof('vulnerable', DIFFERS)).status, 'under_investigation');
});

test('a renamed file is decided by the fix that fits this source; one that does not fit decides nothing', () => {
  const profile = profileWith(['fs/smb/client/sample.c'], ['fs/smb/client/other.c']);
  const kernel = { version: '6.1.170', arch: 'x86_64', profile };
  const record = cve({ files: ['fs/old/sample.c'] });
  assert.equal(decide(record, kernel).status, 'under_investigation');
  assert.equal(decide(record, kernel, proof('vulnerable', null, ['fs/smb/client/sample.c'])).status, 'affected');
  assert.equal(decide(record, kernel, proof('vulnerable', null, ['fs/smb/client/other.c'])).status, 'not_affected');
  assert.equal(decide(record, kernel, proof('unclear', null, ['fs/smb/client/other.c'])).status, 'under_investigation');
});

test('a proof of a fix that the record names no more, or not alone, says nothing', () => {
  const kernel = { version: '6.1.170', arch: 'x86_64', profile: profileWith(['net/core/sample.c'], []) };
  const second = { introduced: end('5.4', 'aaaaaaa'), fixed: end('6.1.172', 'ccccccc') };
  assert.equal(decide(cve({ ranges: [second] }), kernel, proof('fixed')).status, 'affected');
  assert.equal(decide(cve({ ranges: [...cve({}).ranges, second] }), kernel, proof('fixed')).status, 'affected');
});
