import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence } from '#domain';
import type { KernelRow } from '#store';
import { replayOf } from '../../../src/cli/replay.ts';
import type { Places } from '../../../src/cli/replay-places.ts';

const KERNEL = { treeDirectory: '/k', sourceDirectory: null, origin: 'built', name: 'web' } as KernelRow;
const COMMIT = 'abcdef012345';
const PLACES: Places = {
  vulns: '/d/mirrors/vulns.git',
  tuxtape: "tuxtape --data '/my data'",
  fixes: { directory: '/f', files: { [COMMIT]: `/f/${COMMIT}-it's.patch` } },
  config: '/d/kernels/config-1',
};

interface Given {
  readonly outcome?: Evidence['outcome'];
  readonly kernel?: Partial<KernelRow>;
  readonly places?: Partial<Places>;
}

function shown(rung: Evidence['rung'], facts: Evidence['facts'], given: Given = {}): string | null {
  const evidence: Evidence = { rung, outcome: given.outcome ?? 'supports', sentence: '', facts };
  return replayOf(
    evidence,
    { cve: 'CVE-2026-10001', status: 'affected', justification: null, evidence: [] },
    { ...KERNEL, ...given.kernel },
    { ...PLACES, ...given.places },
  );
}

const compiled = (...paths: string[]): Evidence['facts'] => ({
  findings: paths.map((path) => ({ path, kind: 'compiled' })),
});

test('a path of a record cannot run anything when its replay is pasted into a shell', () => {
  assert.equal(
    shown('build', compiled("x' ; touch y ; '")),
    `grep -rlE --include='.*.cmd' -e '\\s(/mnt/linux/|\\S*\\.\\./)?x'\\'' ; touch y ; '\\''(\\s|$)' /k/build`,
  );
});

/** As grep would: the dialects agree on what is used here. */
function patternsOf(replay: string | null): RegExp[] {
  return [...(replay ?? '').matchAll(/-e '([^']*)'/g)].map(([, pattern]) => new RegExp(pattern!));
}

test('command files are searched for whole paths, of the files that the sentence names', () => {
  const [signal] = patternsOf(shown('build', compiled('kernel/signal.c')));
  for (const line of [
    'source_kernel/signal.o := kernel/signal.c',
    '  kernel/signal.c \\',
    ' ../kernel/signal.c',
    ' arch/../kernel/signal.c ',
    ' kernel/x/../signal.c',
  ])
    assert.match(line, signal!);
  for (const line of [' arch/x86/kernel/signal.c', ' kernel/signal.c.h', ' kernel/signalXc', ' /usr/kernel/signal.c'])
    assert.doesNotMatch(line, signal!);
  const [apart] = patternsOf(shown('build', compiled('kernel/signal.c'), { kernel: { sourceDirectory: '/s' } }));
  assert.match(' /once/linux/kernel/signal.c \\', apart!);
  const findings = [
    { path: 'a.c', kind: 'not-compiled' },
    { path: 'b.c', kind: 'undecided' },
    ...['c', 'd', 'e', 'f', 'g'].map((name) => ({ path: `${name}.c`, kind: 'compiled' })),
  ];
  const named = (outcome: Evidence['outcome']): number => patternsOf(shown('build', { findings }, { outcome })).length;
  assert.deepEqual([named('supports'), named('inconclusive'), named('clears')], [4, 1, 7]);
});

test('a condition is shown by its lines and by what the configuration says of its symbols', () => {
  const condition = { path: 'net/a.c', from: 3, at: 9, symbols: ['CONFIG_X', 'CONFIG_Y', '$(x)'] };
  assert.equal(
    shown('condition', { conditions: [condition] }, { kernel: { sourceDirectory: '/s' } }),
    `sed -n 3,9p /s/net/a.c; grep -swE -e 'CONFIG_X|CONFIG_Y' /k/build/.config /k/build/include/config/auto.conf`,
  );
  assert.equal(
    shown('condition', { conditions: [{ ...condition, at: null, symbols: [] }] }),
    'sed -n 3,3p /k/build/net/a.c',
  );
  assert.equal(shown('condition', {}), null);
});

test('all functions are shown by nm, a rename by the history it was read from or under its name here', () => {
  const found = { object: 'net/a.o', symbol: "f'; x", names: [] };
  const absent = { object: null, symbol: null, names: ['g', '__g'], objects: ['net/b.o'] };
  assert.equal(shown('function', { functions: [found] }), `nm /k/build/net/a.o | grep -wF -e 'f'\\''; x'`);
  assert.equal(
    shown('function', { functions: [found, absent] }),
    `nm -A /k/build/net/a.o /k/build/net/b.o | grep -wF -e 'f'\\''; x' -e g -e __g`,
  );
  assert.equal(shown('function', { functions: [{ object: null, symbol: null }] }), null);
  const moved = (how: string): Evidence['facts'] => ({
    findings: [{ path: 'old/a.c', kind: 'compiled', moved: { to: 'new/a.c', how } }],
  });
  assert.match(shown('build', moved('the history of the fixes'))!, /^git -C \/f log --follow .* old\/a\.c$/);
  assert.match(shown('build', moved('the list'))!, /\?new\/.*a\\\.c/);
});

test('what is predicted is shown by the options of its conditions, debug information by its units', () => {
  const findings = [{ path: 'net/a.c', why: 'predicted: CONFIG_NET not set (Makefile:3)' }];
  const of = (kernel: Partial<KernelRow>, places: Partial<Places> = {}): string | null =>
    shown('build', { findings }, { outcome: 'clears', kernel, places });
  assert.equal(of({ origin: 'config' }), 'grep -wE -e CONFIG_NET /d/kernels/config-1');
  assert.equal(of({ origin: 'config' }, { config: null }), null);
  assert.match(of({ origin: 'debug-info' })!, /readelf -wi --dwarf-depth=1 \| grep -F -e net\/a\.c$/);
});

test('a fix is named where it lies, and a proof that does not say where shows a word that is explained', () => {
  const facts = { fixes: [{ commit: COMMIT }, { commit: '0123abc' }, { commit: '$(x)' }] };
  const patch = 'patch -p1 --dry-run --force --fuzz=0';
  const shows = 'git -C /f show --format= --no-renames --first-parent 0123abc';
  assert.equal(
    shown('source', facts),
    `${patch} -d /k/build < '/f/${COMMIT}-it'\\''s.patch'; ${shows} | ${patch} -d /k/build`,
  );
  assert.match(shown('source', facts, { outcome: 'clears' })!, /^git -C .* 0123abc \| patch .* --reverse .*; patch /);
  assert.equal(shown('object', {}), `tuxtape --data '/my data' triage --kernel web prove CVE-2026-10001 --fixes /f`);
  for (const rung of ['source', 'object'] as const)
    assert.match(shown(rung, facts, { places: { fixes: null } })!, /DIR\S*.* {2}# DIR stands for the folder/);
});
