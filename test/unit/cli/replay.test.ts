import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence, Verdict } from '#domain';
import type { KernelRow } from '#store';
import { replayOf } from '../../../src/cli/replay.ts';

const KERNEL = { treeDirectory: '/k', sourceDirectory: null, origin: 'built', name: 'web' } as KernelRow;

test('a path of a record cannot run anything when its replay is pasted into a shell', () => {
  const verdict: Verdict = {
    cve: 'CVE-2026-10001',
    status: 'affected',
    justification: null,
    evidence: [
      { rung: 'build', outcome: 'supports', sentence: '', facts: { findings: [{ path: "x' ; touch /tmp/y ; '" }] } },
    ],
  };
  const command = replayOf(verdict.evidence[0]!, verdict, KERNEL, '/d');
  assert.equal(command, `grep -rlF --include='.*.cmd' -e 'x'\\'' ; touch /tmp/y ; '\\''' /k/build`);
});

function shown(rung: Evidence['rung'], facts: Evidence['facts']): string | null {
  const evidence: Evidence = { rung, outcome: 'supports', sentence: '', facts };
  return replayOf(
    evidence,
    { cve: 'CVE-2026-10001', status: 'affected', justification: null, evidence: [] },
    KERNEL,
    '/d',
  );
}

test('a condition is shown by its lines and by what the configuration says of its symbols', () => {
  const condition = { path: 'net/a.c', from: 3, at: 9, symbols: ['CONFIG_X', 'CONFIG_Y', '$(x)'] };
  assert.equal(
    shown('condition', { conditions: [condition] }),
    `sed -n 3,9p /k/build/net/a.c; grep -wE -e 'CONFIG_X|CONFIG_Y' /k/build/.config /k/build/include/config/auto.conf`,
  );
  assert.equal(
    shown('condition', { conditions: [{ ...condition, at: null, symbols: [] }] }),
    'sed -n 3,3p /k/build/net/a.c',
  );
  assert.equal(shown('condition', {}), null);
});

test('a function is shown by nm, a rename by the history it was read from or under its name here', () => {
  const found = { object: 'net/a.o', symbol: "f'; x" };
  assert.equal(shown('function', { functions: [found] }), `nm /k/build/net/a.o | grep -wF -e 'f'\\''; x'`);
  assert.equal(shown('function', { functions: [{ object: null, symbol: null }] }), null);
  const moved = (how: string): unknown[] => [{ path: 'old/a.c', kind: 'compiled', moved: { to: 'new/a.c', how } }];
  assert.match(
    shown('build', { findings: moved('the history of the fixes') })!,
    /^git -C FIXES log --follow .* old\/a\.c$/,
  );
  assert.match(shown('build', { findings: moved('the list') })!, /-e new\/a\.c /);
});

test('what is predicted is shown by the options of its conditions, debug information by its units', () => {
  const verdict = { cve: 'CVE-2026-10001', status: 'affected', justification: null, evidence: [] } as const;
  const findings = [{ path: 'net/a.c', why: 'predicted: CONFIG_NET not set (Makefile:3)' }];
  const evidence: Evidence = { rung: 'build', outcome: 'clears', sentence: '', facts: { findings } };
  const of = (part: Partial<KernelRow>): string | null => replayOf(evidence, verdict, { ...KERNEL, ...part }, '/d');
  assert.equal(of({ origin: 'config' }), 'grep -wE -e CONFIG_NET /k/build/.config');
  assert.match(of({ origin: 'debug-info' })!, /readelf -wi --dwarf-depth=1 \| grep -F -e net\/a\.c$/);
});
