import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentGate, exerciseOf, type FunctionHits, type GateRecordV1 } from '#domain';

const old: GateRecordV1 = {
  version: 1,
  moduleName: 'tuxtape_sample',
  moduleSha256: 'a',
  patchSha256: 'b',
  buildId: 'c',
  kernelRelease: '6.1.170',
  engine: 'kpatch',
  startedAt: '2026-11-03T09:00:00.000Z',
  seconds: 13.5,
  machine: 'qemu-system-x86_64 (tcg)',
  checks: [
    { name: 'livepatch loads', passed: true, detail: 'exit code 0' },
    { name: 'kernel log has no report', passed: false, detail: 'BUG' },
  ],
  passed: false,
  kernelLog: 'log',
};

test('an old gate record stays readable, and claims nothing that it did not look at', () => {
  const gate = currentGate(old, [{ object: 'vmlinux', name: 'sample' }]);
  assert.deepEqual(
    gate.checks.map(({ part, outcome }) => [part, outcome]),
    [
      ['machine', 'passed'],
      ['log', 'failed'],
    ],
  );
  assert.deepEqual([gate.version, gate.passed, gate.kernelLog, gate.reproducer], [2, false, 'log', null]);
  assert.equal(exerciseOf(gate.functions), 'not measured');
  assert.equal(currentGate(gate), gate);
});

test('exercised is said only where every function ran', () => {
  const of = (...hits: (number | null)[]): FunctionHits[] =>
    hits.map((one, i) => ({ object: 'vmlinux', name: `f${i}`, hits: one }));
  assert.equal(exerciseOf(of(1, 2)), 'exercised');
  assert.equal(exerciseOf(of(1, 0)), 'partly');
  assert.equal(exerciseOf(of(1, null)), 'partly');
  assert.equal(exerciseOf(of(0, null)), 'partly');
  assert.equal(exerciseOf(of(0, 0)), 'not exercised');
  assert.equal(exerciseOf(of(null)), 'not measured');
  assert.equal(exerciseOf([]), 'not measured');
});
