import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Baseline,
  type BlameLevel,
  blame,
  compareBlame,
  type KernelReport,
  loadPointOf,
  parseKernelLog,
  type SuspectLivepatch,
} from '#klog';
import { encoders } from '../../../testkit/kernel-log.ts';
import { pageFault, records, type SampleReport } from '../../../testkit/sample-report.ts';

const LIVEPATCH: SuspectLivepatch = {
  moduleName: 'tuxtape_x',
  replaced: [
    { object: 'vmlinux', name: 'fixed_read' },
    { object: 'demo-net', name: 'demo_open' },
  ],
  callers: [{ object: 'vmlinux', name: 'calls_fixed' }],
  loaded: null,
};
const UNKNOWN: Baseline = { host: null, peers: null };

function reportOf(parts: Partial<SampleReport>): KernelReport {
  const { reports } = parseKernelLog(encoders.console!.encode(records(pageFault(parts), parts)));
  assert.equal(reports.length, 1);
  return reports[0]!;
}

function levelOf(parts: Partial<SampleReport>, livepatch: Partial<SuspectLivepatch> = {}): BlameLevel {
  return blame(reportOf(parts), { ...LIVEPATCH, ...livepatch }, UNKNOWN).level;
}

const CASES: readonly (readonly [name: string, level: BlameLevel, parts: Partial<SampleReport>])[] = [
  ['instruction in the module', 'instruction', { instruction: 'fixed_read [tuxtape_x]' }],
  ['instruction in a helper of the module', 'instruction', { instruction: 'helper.isra.0 [tuxtape_x]' }],
  ['a frame of the module', 'frame', { frames: ['vfs_read', 'fixed_read [tuxtape_x]'] }],
  ['module with a build-id', 'frame', { frames: ['fixed_read [tuxtape_x 0123456789abcdef0123456789abcdef01234567]'] }],
  ['guilty function is replaced', 'replaced', { instruction: 'fixed_read' }],
  ['a clone of it', 'replaced', { instruction: 'fixed_read.constprop.0' }],
  ['a replaced function in the trace', 'replaced', { frames: ['vfs_read', 'fixed_read.isra.0'] }],
  ['a replaced function of a module', 'replaced', { frames: ['demo_open [demo_net]'] }],
  ['a caller of a replaced function', 'caller', { instruction: 'calls_fixed' }],
  ['the module behind a ?', 'hint', { frames: ['vfs_read', '? fixed_read [tuxtape_x]'] }],
  ['a replaced function behind a ?', 'hint', { frames: ['? fixed_read', 'vfs_read'] }],
  ['the redirection', 'hint', { frames: ['klp_ftrace_handler', 'vfs_read'] }],
  ['registers saved for it', 'hint', { frames: ['vfs_read', 'ftrace_regs_caller'] }],
  ['only in the list of modules', 'loaded', {}],
  ['not even there', 'loaded', { modules: 'ext4' }],
  // What looks alike.
  ['a longer module name', 'loaded', { instruction: 'fixed_write [tuxtape_x2]', modules: 'tuxtape_x2(OEK)' }],
  ['a shorter module name', 'loaded', { frames: ['fixed_write [tuxtape]'] }],
  ['a longer function', 'loaded', { instruction: 'fixed_read_iter', frames: ['xfixed_read', 'fixed_read2'] }],
  ['the function in another module', 'loaded', { instruction: 'fixed_read [other]', frames: ['demo_open'] }],
  ['a task with its name', 'loaded', { task: 'tuxtape_x' }],
  ['a task with the name of the function', 'loaded', { task: '[tuxtape_x]' }],
  ['a caller that is not guilty', 'loaded', { frames: ['vfs_read', 'calls_fixed'] }],
];

for (const [name, level, parts] of CASES) test(`blame: ${name}: ${level}`, () => assert.equal(levelOf(parts), level));

test('a name with hyphens is the same module', () => {
  assert.equal(levelOf({ instruction: 'f [tuxtape_x]' }, { moduleName: 'tuxtape-x' }), 'instruction');
});

test('an inlined function is of the module of what it was inlined into', () => {
  const trace = (module: string): string =>
    ['BUG: unable to handle page fault for address: 0', 'RIP: 0010:a+0x1/0x2', 'Call Trace:']
      .concat([' fixed_read fs/a.c:12 [inline]', ` b+0x1/0x20${module} fs/a.c:40`, '---[ end trace 0 ]---'])
      .join('\n');
  const judge = (text: string): BlameLevel => blame(parseKernelLog(text).reports[0]!, LIVEPATCH, UNKNOWN).level;
  assert.equal(judge(trace('')), 'replaced');
  assert.equal(judge(trace(' [other]')), 'loaded');
});

test('a function that KASAN names in the module counts as the instruction', () => {
  const text = `BUG: KASAN: slab-use-after-free in fixed_read+0x12/0x40 [tuxtape_x]
Read of size 8 at addr ffff888000000000 by task cat/12
CPU: 0 UID: 0 PID: 12 Comm: cat Not tainted 6.12.1 #1
Call Trace:
 <TASK>
 dump_stack_lvl+0x1/0x2
 print_report+0x1/0x2
 kasan_report+0x1/0x2
 fixed_read+0x12/0x40 [tuxtape_x]
 vfs_read+0x1/0x2
 </TASK>`;
  const { level, reasons } = blame(parseKernelLog(text).reports[0]!, LIVEPATCH, UNKNOWN);
  assert.equal(level, 'instruction');
  assert.deepEqual(
    reasons.map(({ text: words }) => words),
    ['the report is about fixed_read of tuxtape_x', 'fixed_read of tuxtape_x is in the call trace'],
  );
});

test('the refusal of the livepatch itself is its fault, that of another module is not', () => {
  const refused = (name: string): BlameLevel =>
    blame(parseKernelLog(`${name}: Unknown symbol gone (err -2)\n`).reports[0]!, LIVEPATCH, UNKNOWN).level;
  assert.equal(refused('tuxtape_x'), 'instruction');
  assert.equal(refused('tuxtape_x2'), 'loaded');
});

test('time decides what a new report is worth, and a report before the load is none', () => {
  const loaded = { seconds: 50, line: null };
  assert.equal(levelOf({ seconds: 50.5 }, { loaded }), 'soon');
  assert.equal(levelOf({ seconds: 50 + 3600 }, { loaded }), 'later');
  assert.equal(levelOf({ seconds: 50 + 90_000 }, { loaded }), 'loaded');
  assert.equal(levelOf({ seconds: 49 }, { loaded }), 'baseline');
  assert.equal(levelOf({ seconds: 49, instruction: 'fixed_read' }, { loaded }), 'baseline');
  assert.equal(levelOf({ seconds: 49, frames: ['? f [tuxtape_x]'] }, { loaded }), 'hint', 'it was in memory');
  assert.equal(levelOf({ seconds: 49, instruction: 'f [tuxtape_x]' }, { loaded }), 'instruction');
});

test('the log says when the livepatch was loaded; lines tell before from after where times are missing', () => {
  const lines = ["livepatch: enabling patch 'tuxtape_x2'", "livepatch: enabling patch 'tuxtape_x'", ...pageFault()];
  const { reports, livepatch } = parseKernelLog(lines.join('\n'));
  assert.deepEqual(loadPointOf(livepatch, 'tuxtape-x'), { seconds: null, line: 2 });
  assert.equal(loadPointOf(livepatch, 'tuxtape'), null);
  const judge = (line: number): BlameLevel =>
    blame(reports[0]!, { ...LIVEPATCH, loaded: { seconds: null, line } }, UNKNOWN).level;
  assert.equal(judge(2), 'later');
  assert.equal(judge(4), 'baseline');
});

test('what the host or its peers report without the livepatch is not its fault', () => {
  const plain = reportOf({ instruction: 'fixed_read' });
  const patched = reportOf({ instruction: 'fixed_read [tuxtape_x]' });
  assert.notEqual(plain.key, patched.key);
  const keys = new Set([plain.key]);
  for (const report of [plain, patched]) {
    assert.equal(blame(report, LIVEPATCH, { host: keys, peers: null }).level, 'baseline');
    assert.equal(blame(report, LIVEPATCH, { host: null, peers: keys }).level, 'baseline');
  }
  const own = reportOf({ instruction: 'helper [tuxtape_x]' });
  const both = { host: new Set([own.key]), peers: new Set([own.key]) };
  assert.equal(blame(own, LIVEPATCH, both).level, 'instruction', 'no host without it can report that');
});

test('what is left of a report that is cut, or names no function, is no baseline', () => {
  const parse = (...text: string[]): KernelReport => parseKernelLog(text.join('\n')).reports[0]!;
  const cut = parse('BUG: unable to handle page fault for address: 0');
  const panic = (...frames: string[]): KernelReport =>
    parse('Kernel panic - not syncing: audit: backlog limit exceeded', 'Call Trace:', ' panic+0x1/0x2', ...frames);
  const host = new Set([cut.key, panic().key]);
  assert.equal(cut.function, null);
  assert.notEqual(blame(cut, LIVEPATCH, { host, peers: host }).level, 'baseline');
  assert.equal(blame(panic(), LIVEPATCH, { host, peers: null }).level, 'baseline');
  assert.equal(blame(panic(' f+0x1/0x2 [tuxtape_x]'), LIVEPATCH, { host, peers: null }).level, 'frame');
});

test('a function of the livepatch is no baseline where it replaces two of that name', () => {
  const report = reportOf({ instruction: 'init_one [tuxtape_x]' });
  const replaced = ['vmlinux', 'demo'].map((object) => ({ object, name: 'init_one' }));
  const host = new Set(['', 'demo'].map((module) => report.key.replace(/[^|]*$/, module)));
  assert.equal(blame(report, { ...LIVEPATCH, replaced: [replaced[0]!] }, { host, peers: null }).level, 'baseline');
  assert.equal(blame(report, { ...LIVEPATCH, replaced }, { host, peers: null }).level, 'instruction');
});

test('reasons say what was compared', () => {
  const report = reportOf({ seconds: 51 });
  const livepatch = { ...LIVEPATCH, loaded: { seconds: 50, line: null } };
  const words = (baseline: Baseline): string => blame(report, livepatch, baseline).reasons[0]!.text;
  assert.equal(
    words({ host: new Set(['page-fault|x|y|']), peers: new Set() }),
    'first seen 1.0 s after the load; 1 other reports of its kind were known',
  );
  assert.equal(
    words({ host: new Set(), peers: null }),
    'first seen 1.0 s after the load; no report of its kind was known, and nothing is known of unpatched hosts',
  );
});

const names = ['fixed_read', 'calls_fixed', 'vfs_read', 'helper', 'klp_ftrace_handler', 'demo_open'];
const frame = fc
  .tuple(
    fc.constantFrom('', '? '),
    fc.constantFrom(...names),
    fc.constantFrom('', ' [tuxtape_x]', ' [demo_net]', ' [z]'),
  )
  .map((parts) => parts.join(''));
const parts = fc.record({
  instruction: fc
    .tuple(fc.constantFrom(...names), fc.constantFrom('', ' [tuxtape_x]', ' [z]'))
    .map((one) => one.join('')),
  frames: fc.array(frame, { minLength: 1, maxLength: 6 }),
  seconds: fc.integer({ min: 1, max: 200_000 }),
});
const load = fc.option(fc.record({ seconds: fc.constant(1), line: fc.constant(null) }));

test('evidence never lowers the level: frames, replaced functions, callers, the time of the load', () => {
  fc.assert(
    fc.property(parts, frame, load, (seed, more, loaded) => {
      const less = { moduleName: 'tuxtape_x', replaced: [], callers: [], loaded: null };
      const report = reportOf(seed);
      const longer = { ...report, trace: [...report.trace, ...reportOf({ ...seed, frames: [more] }).trace] };
      const ascending = [
        blame(report, less, UNKNOWN),
        blame(report, { ...less, replaced: LIVEPATCH.replaced }, UNKNOWN),
        blame(report, { ...LIVEPATCH, loaded: null }, UNKNOWN),
        blame(report, { ...LIVEPATCH, loaded }, UNKNOWN),
        blame(longer, { ...LIVEPATCH, loaded }, UNKNOWN),
      ].map(({ level }) => level);
      for (const [i, level] of ascending.entries())
        assert.ok(i === 0 || compareBlame(ascending[i - 1]!, level) <= 0, ascending.join(' > '));
    }),
  );
});

test('the nearer to the load, the stronger', () => {
  fc.assert(
    fc.property(parts, fc.nat(100_000), fc.nat(100_000), (seed, near, more) => {
      const at = (distance: number): BlameLevel =>
        levelOf(seed, { loaded: { seconds: seed.seconds - distance, line: null } });
      assert.ok(compareBlame(at(near), at(near + more)) >= 0);
    }),
  );
});

test('a baseline never raises the level', () => {
  fc.assert(
    fc.property(parts, load, fc.boolean(), fc.boolean(), (seed, loaded, host, peers) => {
      const report = reportOf(seed);
      const livepatch = { ...LIVEPATCH, loaded };
      const keys = new Set([report.key]);
      const baseline = { host: host ? keys : new Set<string>(), peers: peers ? keys : new Set<string>() };
      const judged = blame(report, livepatch, baseline).level;
      assert.ok(compareBlame(judged, blame(report, livepatch, UNKNOWN).level) <= 0);
    }),
  );
});

test('what looks alike never blames', () => {
  const affix = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_', '0', '1', '2'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(affix, fc.boolean(), fc.boolean(), (more, before, unsure) => {
      const alike = (name: string): string => (before ? `${more.replace(/^\d/, 'a')}${name}` : `${name}${more}`);
      const found = [
        alike('fixed_read'),
        `${alike('fixed_read')} [${alike('tuxtape_x')}]`,
        `helper [${alike('tuxtape_x')}]`,
        `fixed_read [${alike('demo_net')}]`,
        `${alike('demo_open')} [demo_net]`,
      ];
      const level = levelOf({
        instruction: alike('calls_fixed'),
        frames: found.map((name) => (unsure ? `? ${name}` : name)),
        modules: `${alike('tuxtape_x')}(OEK) tuxtape_x(OEK)`,
        task: 'tuxtape_x',
      });
      assert.equal(level, 'loaded');
    }),
  );
});
