import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '#domain';
import type { KernelRow } from '#store';
import { replayOf } from '../../../src/cli/replay.ts';

test('a path of a record cannot run anything when its replay is pasted into a shell', () => {
  const verdict: Verdict = {
    cve: 'CVE-2026-10001',
    status: 'affected',
    justification: null,
    evidence: [
      { rung: 'build', outcome: 'supports', sentence: '', facts: { findings: [{ path: "x' ; touch /tmp/y ; '" }] } },
    ],
  };
  const command = replayOf(verdict.evidence[0]!, verdict, { treeDirectory: '/k', name: 'web' } as KernelRow, '/d');
  assert.equal(command, `grep -rlF --include='.*.cmd' -e 'x'\\'' ; touch /tmp/y ; '\\''' /k/build`);
});
