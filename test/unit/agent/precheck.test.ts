import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReleaseRef } from '../../../src/agent/journal.ts';
import { parseEnabledFunctions, parseKprobes } from '../../../src/agent/kernel/probes.ts';
import { hostRefusalsOf, refusalsOf, type Subject } from '../../../src/agent/precheck/checks.ts';
import type { HostFacts } from '../../../src/agent/precheck/facts.ts';
import { readModuleInfo } from '../../../src/agent/precheck/module-info.ts';
import { type RefusalCode, refusalCodes } from '../../../src/agent/precheck/refusal.ts';
import { exitCodes } from '../../../src/agent/report/exit-codes.ts';
import { MODULE_NAME, makeModule } from '../../../testkit/livepatch-module.ts';

const SIGNATURE = Buffer.from('~Module signature appended~\n');
const sound: HostFacts = {
  buildId: 'a'.repeat(40),
  kernelRelease: '6.1.170',
  arch: 'x64',
  ownNamespaces: [],
  mayLoadModules: true,
  modulesDisabled: false,
  requiresSignature: false,
  lockdown: 'none',
  taint: 0n,
  livepatching: true,
  ftraceEnabled: true,
  memoryAvailable: 1 << 30,
  loaded: [],
  modules: new Set(['ext4']),
  replaced: [],
  probes: [],
};
const release: ReleaseRef = {
  buildId: 'a'.repeat(40),
  number: 3,
  moduleName: MODULE_NAME,
  sha256: 'b'.repeat(64),
  length: 10_000,
  path: 'x.ko',
  cves: [],
  functions: [{ object: 'vmlinux', name: 'sample' }],
};
const subject: Subject = {
  release,
  module: readModuleInfo(makeModule()),
  purpose: 'update',
  ours: new Set([MODULE_NAME, 'tuxtape_old']),
};

function codes(facts: Partial<HostFacts>, more: Partial<Subject> = {}): RefusalCode[] {
  return refusalsOf({ ...sound, ...facts }, { ...subject, ...more }).map(({ code }) => code);
}

const patch = { enabled: true, transition: false };

test('a sound host takes a sound module', () => {
  assert.deepEqual(codes({}), []);
  assert.deepEqual(codes({ loaded: [{ name: 'tuxtape_old', ...patch }] }), []);
});

test('each thing that speaks against a load has its own code', () => {
  const info = (fields: Record<string, string>): Partial<Subject> => ({
    module: readModuleInfo(makeModule({ info: fields })),
  });
  const cases: readonly [RefusalCode, Partial<HostFacts>, Partial<Subject>?][] = [
    ['other-kernel', { buildId: 'c'.repeat(40) }],
    ['other-architecture', { arch: 'arm64' }],
    ['module-mismatch', {}, { module: undefined }],
    ['module-mismatch', {}, info({ name: 'other' })],
    ['module-mismatch', {}, info({ vermagic: '6.1.169 SMP' })],
    ['module-mismatch', { kernelRelease: '6.1.170-2' }],
    ['in-container', { ownNamespaces: ['pid'] }],
    ['no-capability', { mayLoadModules: false }],
    ['modules-disabled', { modulesDisabled: true }],
    ['signature-missing', { requiresSignature: true }],
    ['signature-missing', { lockdown: 'integrity' }],
    ['kernel-tainted', { taint: 1n << 7n }],
    ['kernel-tainted', { taint: (1n << 14n) | 1n }],
    ['livepatch-missing', { livepatching: false }],
    ['tracing-off', { ftraceEnabled: false }],
    ['memory-low', { memoryAvailable: 20 << 20 }],
    ['foreign-livepatch', { loaded: [{ name: 'kpatch_theirs', ...patch }] }],
    ['transition-running', { loaded: [{ name: 'tuxtape_old', enabled: true, transition: true }] }],
    ['function-probed', { probes: parseKprobes('ffffffff81234560  k  sample+0x0    [FTRACE]') }],
    ['function-probed', { probes: parseEnabledFunctions('sample (1) R I     M') }],
    ['module-present', { modules: new Set([MODULE_NAME]) }],
  ];
  for (const [code, facts, more] of cases) assert.deepEqual(codes(facts, more), [code]);
  const tested = new Set([...cases.map(([code]) => code), 'health-failing']);
  assert.deepEqual([...tested].sort(), [...refusalCodes].sort());
  for (const code of refusalCodes) assert.ok(exitCodes[code] !== undefined, code);
});

test('what does no harm is no reason', () => {
  assert.deepEqual(codes({ taint: (1n << 12n) | (1n << 13n) | (1n << 15n) | (1n << 9n) }), [], 'O, E, K and W');
  assert.deepEqual(
    codes({ taint: 1n << 7n }, { purpose: 'fallback' }),
    [],
    'what a bad livepatch did stops no retreat',
  );
  assert.deepEqual(codes({ memoryAvailable: undefined, probes: undefined, lockdown: undefined }), []);
  assert.deepEqual(
    codes({ probes: parseEnabledFunctions('sample (1)           \nother (1) R I   M') }),
    [],
    'a tracer',
  );
  const replaced = [{ object: 'vmlinux', name: 'sample' }];
  assert.deepEqual(codes({ replaced, probes: parseEnabledFunctions('sample (1) R I     M') }), [], 'our own livepatch');
  const signed = readModuleInfo(Buffer.concat([makeModule(), SIGNATURE]));
  assert.deepEqual(codes({ requiresSignature: true, lockdown: 'integrity' }, { module: signed }), []);
  assert.deepEqual(codes({ loaded: [{ name: 'kpatch_theirs', enabled: false, transition: false }] }), []);
});

test('what is said of a host is what keeps every module from it', () => {
  assert.deepEqual(hostRefusalsOf(sound), []);
  const found = hostRefusalsOf({ ...sound, mayLoadModules: false, taint: 1n << 4n, requiresSignature: true });
  assert.deepEqual(
    found.map(({ code }) => code),
    ['no-capability', 'kernel-tainted'],
  );
  for (const { what, remedy } of found) assert.ok(!what.endsWith('.') && remedy.length > 0);
});

test('kprobes and traced functions are read as the kernel prints them', () => {
  const kprobes = [
    'ffffffff812a3c10  k  vfs_read+0x0    [FTRACE]',
    'ffffffffc0501000  r  ext4_sync+0x4  ext4 [OPTIMIZED]',
    'ffffffff812a3c99  k  gone_one+0x0    [GONE]',
    'ffffffff812a3c99  k  idle_one+0x0    [DISABLED]',
    'nonsense',
  ].join('\n');
  assert.deepEqual(
    parseKprobes(kprobes).map(({ function: name, module }) => [name, module]),
    [
      ['vfs_read', null],
      ['ext4_sync', 'ext4'],
    ],
  );
  const traced = [
    'schedule (1)           \ttramp: 0xffffffffc0385000 (function_trace_call+0x0/0x70)',
    'cmdline_proc_show (1) R I     M \tops: …',
    'do_thing [ext4] (2) R   D   \tdirect-->bpf_trampoline_1+0x0/0x1000',
  ].join('\n');
  assert.deepEqual(
    parseEnabledFunctions(traced).map((probe) => [probe.function, probe.module, probe.redirects]),
    [
      ['schedule', null, false],
      ['cmdline_proc_show', null, true],
      ['do_thing', 'ext4', true],
    ],
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseKprobes(text);
      parseEnabledFunctions(text);
    }),
  );
});

test('no file makes the reader of modules fail', () => {
  const whole = makeModule();
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
      const bytes = Buffer.from(whole);
      bytes[at] = byte;
      readModuleInfo(bytes);
      readModuleInfo(bytes.subarray(0, length));
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      readModuleInfo(Buffer.from(bytes));
      readModuleInfo(Buffer.concat([whole.subarray(0, 6), bytes]));
    }),
    { numRuns: 2_000 },
  );
});
