/** Paths of debug information as paths of the source, for each way a kernel is built; and where absence says nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blindToDebugInfo } from '#kernel';
import { SourcePaths } from '../../../src/kernel/debug-info/source-paths.ts';
import { addSymbolNames } from '../../../src/kernel/debug-info/symbol-names.ts';

const sources = new Set([
  'init/main.c',
  'kernel/fork.c',
  'kernel/main.c',
  'include/linux/sched.h',
  'main.c/x',
  'arch/x86/a.S',
]);

interface Case {
  readonly what: string;
  readonly compDir: string;
  readonly names: readonly string[];
  /** Directory and name in a line table → path. */
  readonly files: readonly (readonly [string, string, string])[];
}

const cases: Case[] = [
  {
    what: 'built in its own folder, names relative',
    compDir: '/home/me/linux',
    names: ['init/main.c', 'kernel/fork.c'],
    files: [
      ['', 'kernel/fork.c', 'kernel/fork.c'],
      ['./include/linux', 'sched.h', 'include/linux/sched.h'],
      ['', 'drivers/tty/made.c', 'drivers/tty/made.c'],
      ['/usr/lib/gcc/include', 'stdarg.h', '/usr/lib/gcc/include/stdarg.h'],
    ],
  },
  {
    what: 'a build folder below the source (O=), names with ../',
    compDir: '/home/me/linux/debian/build/x',
    names: ['../../../init/main.c', '../../../kernel/fork.c', 'drivers/tty/made.c'],
    files: [
      ['../../../include/linux', 'sched.h', 'include/linux/sched.h'],
      ['include/generated', 'autoconf.h', 'include/generated/autoconf.h'],
    ],
  },
  {
    what: 'a build folder elsewhere, names absolute',
    compDir: '/tmp/out',
    names: ['/src/linux-6.1/init/main.c', '/src/linux-6.1/kernel/fork.c'],
    files: [
      ['/src/linux-6.1/include/linux', 'sched.h', 'include/linux/sched.h'],
      ['/src/linux-6.1/lib', 'made.c', 'lib/made.c'],
    ],
  },
  {
    what: 'prefixes mapped away (Debian): names begin at the source root, the folder is that of the build',
    compDir: 'debian/build/cloud',
    names: ['init/main.c', 'kernel/fork.c', '/build/linux-6.1/arch/x86/a.S'],
    files: [
      ['include/linux', 'sched.h', 'include/linux/sched.h'],
      ['', 'drivers/tty/made.c', 'drivers/tty/made.c'],
      ['', '/build/linux-6.1/arch/x86/a.S', 'arch/x86/a.S'],
    ],
  },
];

for (const { what, compDir, names, files } of cases)
  for (const given of [sources, new Set<string>()])
    test(`${what}${given.size === 0 ? ', the source not known' : ''}`, () => {
      const known = names.filter((name) => given.size > 0 || !name.endsWith('a.S'));
      const paths = new SourcePaths(
        known.map((name) => ({ name, compDir })),
        given,
      );
      for (const [directory, name, path] of files) {
        if (given.size === 0 && path.endsWith('a.S')) continue;
        assert.equal(paths.place(compDir, directory, name).path, path);
      }
    });

test('what lies outside the source is said to, and a chance likeness makes no root', () => {
  const compDir = '/src/linux';
  const units = Array.from({ length: 500 }, () => ({ name: 'kernel/fork.c', compDir }));
  const paths = new SourcePaths([...units, { name: '/var/dkms/zfs/init/main.c', compDir }], sources);
  assert.deepEqual(paths.place(compDir, '', 'kernel/fork.c'), { path: 'kernel/fork.c', placed: true });
  assert.deepEqual(paths.place('/var/dkms/zfs', '', '/var/dkms/zfs/init/main.c'), {
    path: '/var/dkms/zfs/init/main.c',
    placed: false,
  });
});

test('no path, whatever it is, becomes a file of the source that it does not end with', () => {
  const piece = fc.constantFrom('..', '.', '', 'init', 'main.c', 'kernel', 'fork.c', 'linux', 'x');
  const path = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join('/'));
  fc.assert(
    fc.property(fc.array(fc.tuple(path, path), { minLength: 1, maxLength: 5 }), path, (pairs, directory) => {
      const paths = new SourcePaths(
        pairs.map(([name, compDir]) => ({ name, compDir })),
        sources,
      );
      for (const [name, compDir] of pairs) {
        const placed = paths.place(compDir, directory, name);
        const last = placed.path.split('/').at(-1)!;
        if (sources.has(placed.path)) assert.ok(`${compDir}/${directory}/${name}`.includes(last));
      }
    }),
  );
});

test('absence from debug information says nothing of code outside vmlinux and modules, and of what is no C source', () => {
  const blind = [
    'arch/x86/boot/compressed/misc.c',
    'arch/x86/entry/vdso/vclock_gettime.c',
    'arch/arm64/kernel/vdso32/vgettimeofday.c',
    'arch/x86/realmode/rm/video-vga.c',
    'arch/x86/purgatory/purgatory.c',
    'arch/arm64/kvm/hyp/nvhe/switch.c',
    'drivers/firmware/efi/libstub/file.c',
    'kernel/bpf/preload/iterators/iterators.bpf.c',
    'lib/decompress_unlzma.c',
    'lib/vdso/gettimeofday.c',
    'include/linux/skbuff.h',
    'arch/x86/entry/entry_64.S',
    'net/ipv4/Kconfig',
    'crypto/asymmetric_keys/x509.asn1',
    'drivers/android/binder.rs',
    'tools/perf/perf.c',
    'kernel/sched/rq-offsets.c',
    'arch/x86/kernel/asm-offsets_64.c',
    'kernel/bounds.c',
  ];
  const seen = ['net/ipv4/udp.c', 'kernel/sched/core.c', 'drivers/net/veth.c', 'arch/x86/kvm/x86.c', 'lib/string.c'];
  assert.deepEqual(
    blind.filter((path) => !blindToDebugInfo(path)),
    [],
  );
  assert.deepEqual(seen.filter(blindToDebugInfo), []);
});

test('symbols that debug information does not describe go to the unit they lie in, at an edge to both', () => {
  const [one, two] = [{ functions: new Set(['a', 'b']) }, { functions: new Set(['c', 'split']) }];
  const codeAt = new Map([
    [100n, one],
    [120n, one],
    [200n, two],
  ]);
  const symbols = [
    { name: 'a', address: 100n },
    { name: 'folded', address: 100n },
    { name: 'jump.constprop.0', address: 110n },
    { name: 'edge', address: 190n },
    { name: 'split', address: 300n },
    { name: 'like_split', address: 300n },
  ];
  addSymbolNames(symbols, codeAt);
  assert.deepEqual([...one.functions], ['a', 'b', 'folded', 'jump', 'edge']);
  assert.deepEqual([...two.functions], ['c', 'split', 'edge', 'like_split']);
});
