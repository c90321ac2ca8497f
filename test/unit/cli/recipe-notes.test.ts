import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LivepatchRecipe } from '#domain';
import { recipeNotes } from '../../../src/cli/commands/livepatch-findings.ts';

const recipe: LivepatchRecipe = {
  ...{ engine: 'kpatch', engineVersion: 'kpatch 0.9', compiler: 'gcc', buildId: 'c915', kernelRelease: '6.1.170' },
  ...{ cves: [], fixCommits: [], patchSha256: 'a', functions: [] },
};
const place = { path: 'net/a.c', line: 7, why: 'old objects', remedy: 'look' };

test('a reviewer sees how the change fits and what the lint found, the gravest first', () => {
  const findings = [
    { ...place, code: 'lock-scope', level: 'note' as const, what: 'a lock' },
    { ...place, code: 'pair-moved', level: 'two-approvals' as const, what: 'a put\u001b[2J', line: null },
  ];
  const lines = recipeNotes({ ...recipe, fit: { how: 'fuzz', remarks: ['Hunk #1'] }, findings });
  assert.equal(lines[0], 'applies   fuzz; Hunk #1');
  assert.equal(lines[1], 'lint      1 need two approvals, 1 notes');
  assert.match(lines[2]!, /^ {2}two-approvals pair-moved net\/a\.c: a put/);
  assert.ok(!lines.join('').includes('\u001b'), 'hostile text is inert');
  assert.match(lines.at(-1)!, /lock-scope net\/a\.c:7: a lock/);
});

test('what was not recorded is not said to be nothing', () => {
  assert.deepEqual(recipeNotes(recipe), ['lint      not recorded']);
});
