import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  approvalNeed,
  approvalWord,
  type GivenApproval,
  isReviewerName,
  judgeApprovals,
  type RecipeFinding,
  type ReviewSubject,
} from '#domain';

const fine: ReviewSubject = { fit: { how: 'exact', remarks: [] }, findings: [], authors: ['builder'] };

function finding(code: string, level: RecipeFinding['level']): RecipeFinding {
  return { code, level, path: 'a.c', line: 1, what: '', why: '', remedy: '' };
}

function of(reviewer: string, part: Partial<GivenApproval> = {}): GivenApproval {
  return { reviewer, aliases: [], keyId: `key of ${reviewer}`, accepted: [], fault: null, ...part };
}

test('one is enough for a change that fits and of which nothing grave is known; all else needs two, unknown things too', () => {
  const needs = (part: Partial<ReviewSubject>): number => approvalNeed({ ...fine, ...part }).needed;
  assert.equal(needs({}), 1);
  assert.equal(needs({ fit: { how: 'offset', remarks: [] } }), 1);
  assert.equal(needs({ findings: [finding('wide-header', 'note')] }), 1);
  assert.equal(needs({ findings: [finding('layout-may-change', 'two-approvals')] }), 2);
  for (const how of ['fuzz', 'three-way', 'marked', 'something new'])
    assert.equal(needs({ fit: { how, remarks: [] } }), 2);
  for (const unknown of ['fit', 'findings', 'authors'] as const) {
    const { [unknown]: _, ...rest } = fine;
    assert.equal(approvalNeed(rest).needed, 2, `${unknown} is not recorded`);
  }
  assert.equal(needs({ authors: [] }), 2);
});

test('an approval that does not name each grave finding does not count', () => {
  const subject = {
    ...fine,
    findings: [finding('b', 'two-approvals'), finding('a', 'two-approvals'), finding('n', 'note')],
  };
  const { judged, counted, accept } = judgeApprovals(subject, [
    of('jane', { accepted: ['a'] }),
    of('omar', { accepted: ['a', 'b'] }),
  ]);
  assert.deepEqual(accept, ['a', 'b']);
  assert.match(judged[0]!.why ?? '', /does not accept b/);
  assert.equal(judged[1]!.why, null);
  assert.equal(counted, 1);
});

test('what the machine left out of a fix needs two, who both name it', () => {
  const answer = { path: 'a.c', line: 1, what: '', check: '' };
  const subject: ReviewSubject = { ...fine, answers: [{ code: 'init-hunk-left-out', ...answer }] };
  const { needed, accept } = approvalNeed(subject);
  assert.deepEqual([needed, accept], [2, ['init-hunk-left-out']]);
  const yes = { accepted: ['init-hunk-left-out'] };
  assert.equal(judgeApprovals(subject, [of('jane', yes), of('omar')]).counted, 1);
  assert.equal(judgeApprovals(subject, [of('jane', yes), of('omar', yes)]).enough, true);
});

test('somebody who writes the name with an address, or has a second key under an alias, is the same person', () => {
  const subject = { ...fine, authors: ['Jane  Doe <jane@site>'] };
  for (const one of [of('jane', { aliases: ['jane@site'] }), of('x', { aliases: ['jane doe'] })])
    assert.equal(judgeApprovals(subject, [one]).counted, 0, one.reviewer);
  const twice = [of('omar', { aliases: ['Omar <o@site>'] }), of('other', { aliases: ['o@site'] })];
  assert.equal(judgeApprovals(fine, twice).counted, 1);
});

test('an author does not count, whatever the letters, nor under another name', () => {
  const subject = { ...fine, authors: ['Builder', 'Jane Doe'] };
  for (const one of [of('builder'), of('jane', { aliases: [' jane doe '] }), of('BUILDER')])
    assert.equal(judgeApprovals(subject, [one]).counted, 0, one.reviewer);
  assert.equal(judgeApprovals(subject, [of('omar', { aliases: ['Omar'] })]).counted, 1);
});

test('what is missing is told, with each approval that is void', () => {
  const subject = { ...fine, fit: { how: 'fuzz', remarks: [] } };
  const state = judgeApprovals(subject, [of('jane'), of('omar', { fault: 'it is of another module' })]);
  assert.equal(approvalWord(state), 'waits for approval (1 of 2)');
  assert.match(
    state.missing.join('\n'),
    /^1 more approval \(two are needed: the change fits by fuzz\)\n.*omar.*another module/,
  );
  assert.equal(approvalWord(judgeApprovals(subject, [of('jane'), of('omar')])), 'approved (2 of 2)');
});

test('names of reviewers are file names, and the machine is none', () => {
  assert.ok(isReviewerName('jane.doe-2_x'));
  for (const name of ['', 'Jane', '../jane', '.jane', 'a/b', 'autopilot', 'a'.repeat(65), 'jané'])
    assert.ok(!isReviewerName(name), name);
});

const names = fc.constantFrom('ann', 'bob', 'cyd', 'dan');
const codes = fc.constantFrom('a', 'b', 'c');
const given = fc.record({
  reviewer: names,
  aliases: fc.array(names, { maxLength: 1 }),
  keyId: fc.constantFrom('1', '2', '3', '4'),
  accepted: fc.uniqueArray(codes),
  fault: fc.option(fc.constant('void'), { freq: 3 }),
});
const subjects = fc.record({
  fit: fc.option(
    fc.record({ how: fc.constantFrom('exact', 'offset', 'fuzz', 'three-way'), remarks: fc.constant([]) }),
    { nil: undefined },
  ),
  findings: fc.option(
    fc.array(
      fc
        .tuple(codes, fc.constantFrom('note' as const, 'two-approvals' as const))
        .map(([code, level]) => finding(code, level)),
    ),
    { nil: undefined },
  ),
  authors: fc.option(fc.array(names), { nil: undefined }),
}) as fc.Arbitrary<ReviewSubject>;

test('property: it is enough only with so many sound approvals, of people and keys that differ, none an author', () => {
  fc.assert(
    fc.property(subjects, fc.array(given, { maxLength: 8 }), (subject, approvals) => {
      const state = judgeApprovals(subject, approvals);
      const counting = approvals.filter((_, i) => state.judged[i]!.why === null);
      assert.equal(state.counted, counting.length);
      assert.equal(state.enough, counting.length >= state.needed);
      assert.equal(state.missing.length === 0, state.enough);
      assert.equal(new Set(counting.map(({ reviewer }) => reviewer)).size, counting.length);
      assert.equal(new Set(counting.map(({ keyId }) => keyId)).size, counting.length);
      for (const { reviewer, aliases, fault, accepted } of counting) {
        assert.equal(fault, null);
        assert.ok(![reviewer, ...aliases].some((name) => subject.authors?.includes(name)));
        assert.ok(state.accept.every((code) => (accepted as string[]).includes(code)));
      }
      const grave = (subject.findings ?? []).some(({ level }) => level === 'two-approvals');
      const isClose = ['exact', 'offset'].includes(subject.fit?.how ?? '');
      const isKnown = subject.findings !== undefined && (subject.authors?.length ?? 0) > 0;
      assert.equal(state.needed, !grave && isClose && isKnown ? 1 : 2);
    }),
  );
});

test('property: what proves nothing changes nothing, and one more that counts never takes approval away', () => {
  fc.assert(
    fc.property(subjects, fc.array(given, { maxLength: 6 }), given, (subject, approvals, more) => {
      const before = judgeApprovals(subject, approvals);
      const broken = judgeApprovals(subject, [...approvals, { ...more, fault: 'void' }]);
      assert.deepEqual([broken.counted, broken.enough], [before.counted, before.enough]);
      assert.ok(judgeApprovals(subject, [...approvals, more]).counted >= before.counted);
    }),
  );
});
