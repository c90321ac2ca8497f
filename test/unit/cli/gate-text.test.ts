import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GateRecord } from '#domain';
import { gateSummary, proofWord } from '../../../src/cli/commands/livepatch-gate.ts';

const gate: GateRecord = {
  version: 2,
  moduleName: 'tuxtape_sample',
  moduleSha256: 'a',
  patchSha256: 'b',
  buildId: 'c',
  kernelRelease: '6.1.170',
  engine: 'kpatch',
  startedAt: '2026-11-03T09:00:00.000Z',
  seconds: 15,
  bootSeconds: 6,
  machine: 'qemu-system-x86_64 (tcg)',
  checks: [
    { name: 'it loads', part: 'machine', outcome: 'passed', detail: 'exit code 0' },
    { name: 'its functions are exercised', part: 'machine', outcome: 'warned', detail: 'not exercised: sample' },
    { name: 'its signature can be read', part: 'file', outcome: 'skipped', detail: 'not signed' },
  ],
  passed: true,
  functions: [{ object: 'vmlinux', name: 'sample', hits: 0 }],
  reproducer: null,
  signature: null,
  moduleBytes: 1,
  kernelLog: '',
};

test('a reviewer sees first whether it is proved, whether its code ran, and what to look at', () => {
  assert.deepEqual(gateSummary(gate), [
    'proof     passed: 1 passed, 0 failed, 1 to see, 1 skipped; 15 s (6 s boot) on qemu-system-x86_64 (tcg)',
    'exercised not exercised: vmlinux:sample 0',
    'bug       no reproducer was given',
    'signed    no: kernels that enforce module signatures refuse it',
    '  SEE     its functions are exercised: not exercised: sample',
  ]);
});

test('a list says "passed" alone only for code that ran', () => {
  const hit = { ...gate, functions: [{ object: 'vmlinux', name: 'sample', hits: 3 }] };
  assert.equal(proofWord(hit), 'passed');
  assert.equal(proofWord(gate), 'passed, not exercised');
  assert.equal(proofWord({ ...gate, functions: [{ ...gate.functions[0]!, hits: null }] }), 'passed, not measured');
  assert.equal(proofWord({ ...hit, passed: false }), 'FAILED');
  assert.equal(proofWord(null), 'not proved');
});

test('text of the machine moves no cursor', () => {
  const hostile = { ...gate, checks: [{ ...gate.checks[1]!, detail: 'a\u001b[2Jb\nc' }] };
  assert.match(gateSummary(hostile).at(-1)!, /a\?\[2Jb \/ c$/);
});
