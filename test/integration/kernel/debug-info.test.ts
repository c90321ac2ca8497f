/** Profiles read from what a real compiler and linker wrote; readelf is the second opinion. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { run } from '#host';
import { type DebugProfile, readDebugProfile } from '#kernel';
import { ElfFile } from '../../../src/kernel/debug-info/elf-file.ts';
import { ModuleCopy } from '../../../src/kernel/debug-info/module-file.ts';
import { readDebugSections } from '../../../src/kernel/debug-info/sections.ts';
import { readUnits } from '../../../src/kernel/debug-info/unit-reader.ts';
import { RELEASE, SOURCES, TINY_SOURCE, type TinyOptions, tinyPackage } from '../../../testkit/debug-package.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SECONDS = { timeout: 60_000 };

async function read(directory: string): Promise<DebugProfile> {
  return readDebugProfile({ directory, sources: SOURCES, complete: true });
}

function words(list: Iterable<string>): string[] {
  return [...new Set(list)].toSorted();
}

/** Names of the units and of the functions that are symbols, as binutils reads them. */
async function secondOpinion(path: string): Promise<{ units: string[]; functions: string[]; lines: string[] }> {
  const info = await run('readelf', ['-W', '--debug-dump=info', '--dwarf-depth=1', path]);
  const symbols = await run('readelf', ['-W', '-s', path]);
  const lines = await run('readelf', ['-W', '--debug-dump=decodedline', path]);
  return {
    units: [...info.stdout.matchAll(/DW_AT_name\s*:\s*(?:\(.*?\): )?(.*)/g)].map((match) => match[1]!.trim()),
    functions: words([...symbols.stdout.matchAll(/\sFUNC\s+\S+\s+\S+\s+\d+\s+(\w+)/g)].map((match) => match[1]!)),
    lines: words([...lines.stdout.matchAll(/^(\S+\.[ch])\s+\d+\s/gm)].map((match) => match[1]!)),
  };
}

const variants: [string, TinyOptions][] = [
  ['DWARF 2', { flags: ['-gdwarf-2', '-gstrict-dwarf'] }],
  ['DWARF 3', { flags: ['-gdwarf-3'] }],
  ['DWARF 4', { flags: ['-gdwarf-4'] }],
  ['DWARF 4, type units', { flags: ['-gdwarf-4', '-fdebug-types-section'] }],
  ['DWARF 5', { flags: ['-gdwarf-5'] }],
  ['DWARF 5, 64-bit', { flags: ['-gdwarf-5', '-gdwarf64'] }],
  ['DWARF 5, type units', { flags: ['-gdwarf-5', '-fdebug-types-section'] }],
  ['lines and functions only', { flags: ['-g1'] }],
  ['prefixes mapped', { flags: ['-g', '-ffile-prefix-map=.=/usr/src/linux'] }],
  ['sections compressed by zlib', { flags: ['-g', '-gz=zlib'], link: ['--compress-debug-sections=zlib'] }],
  ['sections compressed the old way', { flags: ['-g'], link: ['--compress-debug-sections=zlib-gnu'] }],
  ['sections compressed by zstd', { flags: ['-g'], link: ['--compress-debug-sections=zstd'] }],
  ['relocations kept', { flags: ['-g'], link: ['--emit-relocs'] }],
  ['arm64', { compiler: 'aarch64-linux-gnu-gcc', linker: 'aarch64-linux-gnu-ld' }],
];

for (const [what, options] of variants)
  test(`vmlinux and a module: ${what}`, SECONDS, async (t) => {
    const made = await tinyPackage(await scratch(), options).catch((error: unknown) => {
      if (/zstd|cannot start|unrecognized/.test(String(error))) return undefined;
      throw error;
    });
    if (made === undefined) return t.skip('the tools here cannot make it');
    const found = await read(made.directory);
    const { profile } = found;
    assert.deepEqual(profile.unreadable, []);
    assert.equal(profile.origin, 'debug-info');
    assert.equal(found.release, RELEASE);
    assert.equal(found.compiler, 'gcc-12 (Debian 12.2.0) 12.2.0');
    assert.equal(found.arch, what === 'arm64' ? 'aarch64' : 'x86_64');
    const notes = await run('readelf', ['-n', made.vmlinux]);
    assert.match(notes.stdout, new RegExp(`Build ID: ${found.buildId}`));
    assert.deepEqual(
      profile.objects.map(({ object, target }) => [object, target]),
      [
        ['init/main.o', 'vmlinux'],
        ['kernel/fork.o', 'vmlinux'],
        ['drivers/net/tiny-nic.o', 'tiny_nic'],
        ['drivers/net/tiny-data.o', 'tiny_nic'],
      ],
    );
    assert.deepEqual(
      profile.objects.map(({ initOnly }) => initOnly),
      [true, false, false, null],
    );
    assert.deepEqual(profile.functions.map(words), [
      ['start_kernel'],
      ['do_fork', 'helper', 'report', 'uses_helper'],
      ['nic_init', 'nic_open'],
      [],
    ]);
    assert.deepEqual(profile.files.get('include/linux/sched.h'), [0, 1, 2]);
    assert.equal(profile.files.get('include/linux/macros.h'), undefined, 'a header of macros only is not in it');
    for (const path of [made.vmlinux, made.module]) {
      const opinion = await secondOpinion(path);
      const isOurs = (target: string | null): boolean => (target === 'vmlinux') === (path === made.vmlinux);
      const ours = profile.objects
        .map(({ target }, index) => (isOurs(target) ? index : -1))
        .filter((index) => index >= 0);
      assert.equal(opinion.units.filter((name) => name.endsWith('.c')).length, ours.length);
      assert.deepEqual(words(ours.flatMap((index) => profile.functions[index]!)), opinion.functions);
      const names = new Set([...profile.files.keys()].map((file) => file.split('/').at(-1)));
      assert.ok(opinion.lines.length > 1);
      assert.deepEqual(
        opinion.lines.filter((name) => !names.has(name)),
        [],
      );
    }
  });

test('functions with equal code that the compiler folded into one are all there', SECONDS, async () => {
  const root = await scratch();
  const made = await tinyPackage(root);
  const twins = ['one', 'two', 'three'].map(
    (name) => `int ${name}(int *x) { for (int i = 0; i < x[0]; i++) x[i] *= 3; return x[1]; }\n`,
  );
  await writeFile(join(made.source, 'kernel/fork.c'), twins.join(''));
  await run('gcc', ['-O2', '-g', '-c', '-o', 'kernel/fork.o', 'kernel/fork.c'], { cwd: made.source });
  await run('ld', ['-e', '0', '--build-id', '-o', made.vmlinux, 'init/main.o', 'kernel/fork.o'], { cwd: made.source });
  const { profile } = await read(made.directory);
  assert.deepEqual(words(profile.functions[1]!), ['one', 'three', 'two']);
});

test('link-time optimisation: still one object a source, and each with its functions', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const flags = ['-O2', '-g', '-flto', '-fno-pie', '-no-pie', '-nostdlib', '-static', '-ffreestanding', '-Iinclude'];
  const entries = ['start_kernel', 'do_fork', 'uses_helper'].map((name) => `-Wl,-u,${name}`);
  const link = ['-Wl,-e,0', '-Wl,--build-id', '-Wl,-Ttext=0xffffffff81000000', ...entries, '-mcmodel=kernel'];
  await run('gcc', [...flags, ...link, '-o', made.vmlinux, 'init/main.c', 'kernel/fork.c'], { cwd: made.source });
  const { profile } = await read(made.directory);
  assert.deepEqual(profile.unreadable, []);
  assert.deepEqual(
    profile.objects
      .slice(0, 2)
      .map(({ source }) => source)
      .toSorted(),
    ['init/main.c', 'kernel/fork.c'],
  );
  const fork = profile.objects.findIndex(({ source }) => source === 'kernel/fork.c');
  for (const name of ['do_fork', 'uses_helper']) assert.ok(profile.functions[fork]!.includes(name), name);
});

test('assembly: an object with its file, whose functions are not said', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  await mkdir(join(made.source, 'arch'));
  await writeFile(join(made.source, 'arch/head.S'), '.globl entry\n.type entry, @function\nentry: nop\nlabel: ret\n');
  await run('gcc', ['-g', '-c', '-o', 'arch/head.o', 'arch/head.S'], { cwd: made.source });
  const objects = ['arch/head.o', 'init/main.o', 'kernel/fork.o'];
  await run('ld', ['-e', '0', '--build-id', '-o', made.vmlinux, ...objects], { cwd: made.source });
  const { profile } = await read(made.directory);
  assert.deepEqual([profile.objects[0]!.source, profile.functions[0]], ['arch/head.S', []]);
});

test('packed modules, modules beside their debug information, a plain folder, a linked vmlinux', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const whole = await read(made.directory);
  const plain = join(dirname(made.directory), 'plain');
  await mkdir(join(plain, 'kernel'), { recursive: true });
  await copyFile(made.vmlinux, join(plain, 'kernel/vmlinux.debug'));
  await symlink('kernel/vmlinux.debug', join(plain, 'vmlinux'));
  const bytes = await readFile(made.module);
  const same = async (): Promise<void> => assert.deepEqual((await read(plain)).profile, whole.profile);
  for (const [suffix, content] of [
    ['.gz', gzipSync(bytes)],
    ['.zst', zstdCompressSync(bytes)],
    ['', bytes],
  ] as const) {
    await writeFile(join(plain, `tiny-nic.ko${suffix}`), content);
    await same();
    await rm(join(plain, `tiny-nic.ko${suffix}`));
  }
  await copyFile(made.module, join(plain, 'tiny-nic.ko'));
  await run('xz', ['-z', join(plain, 'tiny-nic.ko')]);
  await same();
  await rm(join(plain, 'tiny-nic.ko.xz'));
  await run('objcopy', ['--only-keep-debug', made.module, join(plain, 'tiny-nic.ko.debug')]);
  await run('strip', ['-g', '-o', join(plain, 'tiny-nic.ko'), made.module]);
  await same();
});

test('what cannot be read is listed: stripped, of another kernel, split, cut off, none at all', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const bytes = await readFile(made.module);
  const unreadable = async (): Promise<string> => (await read(made.directory)).profile.unreadable.join('\n');
  await run('strip', ['-g', made.module]);
  assert.match(await unreadable(), /^tiny_nic: .*has no debug information/);
  await writeFile(made.module, Buffer.from(bytes.toString('latin1').replace(RELEASE, '6.1.98-test'), 'latin1'));
  assert.match(await unreadable(), /built for 6\.1\.98-test/);
  await writeFile(made.module, bytes.subarray(0, bytes.length / 2));
  assert.match(await unreadable(), /^tiny_nic: /);
  const split = ['-O2', '-g', '-gsplit-dwarf', '-Iinclude', '-c', '-o', made.module, 'drivers/net/tiny-nic.c'];
  await run('gcc', split, { cwd: made.source });
  assert.match(await unreadable(), /split DWARF/);
  await rename(made.module, `${made.module}.away`);
  assert.match(await unreadable(), /^modules: the kernel uses modules/);
});

test('the source of another kernel clears nothing, and neither does code from outside', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const other = await readDebugProfile({ directory: made.directory, sources: new Set(['init/main.c', 'mm/memory.c']) });
  assert.match(other.profile.unreadable.join('\n'), /only 1 of its 2 sources/);
  const away = await scratch();
  await writeFile(join(away, 'nic.c'), TINY_SOURCE['drivers/net/tiny-data.c']!);
  await run('gcc', ['-g', '-c', '-o', made.module, join(away, 'nic.c')], { cwd: away });
  assert.match((await read(made.directory)).profile.unreadable.join('\n'), /nic\.c lies outside the source/);
});

test('while a vmlinux is read, other work has its turn, and a signal ends it', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const again = Array.from({ length: 200 }, () => 'kernel/fork.o');
  const linked = ['-e', '0', '-Ttext=0xffffffff81000000', '--build-id', '-z', 'muldefs'];
  await run('ld', [...linked, '-o', made.vmlinux, 'init/main.o', ...again], { cwd: made.source });
  await using elf = await ElfFile.open(made.vmlinux);
  const sections = await readDebugSections(elf, made.vmlinux);
  const abort = new AbortController();
  const reading = readUnits(sections!, abort.signal);
  // Nothing of it waits for the disk: only turns that it leaves can stop it.
  setImmediate(() => setImmediate(() => abort.abort()));
  await assert.rejects(reading, { name: 'AbortError' });
  await assert.rejects(readDebugProfile({ directory: made.directory, sources: SOURCES, signal: abort.signal }), {
    name: 'AbortError',
  });
});

test('a signal while a module is unpacked ends the reading, and is no fault of the module', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const bytes = await readFile(made.module);
  for (const [suffix, packed] of [
    ['.gz', gzipSync(bytes)],
    ['.xz', bytes],
  ] as const) {
    await writeFile(`${made.module}${suffix}`, packed);
    await assert.rejects(ModuleCopy.of(`${made.module}${suffix}`, AbortSignal.abort()), { name: 'AbortError' });
  }
});

test('no vmlinux, one without debug information, two of them, no folder', SECONDS, async () => {
  const made = await tinyPackage(await scratch());
  const fails = (directory: string, code: string): Promise<void> => assert.rejects(read(directory), { code });
  await copyFile(made.vmlinux, join(made.directory, 'vmlinux'));
  await fails(made.directory, 'debug-info-unreadable');
  await rm(join(made.directory, 'vmlinux'));
  await run('strip', ['-g', made.vmlinux]);
  await fails(made.directory, 'debug-info-missing');
  await rm(made.vmlinux);
  await symlink('/bin/sh', join(made.directory, 'vmlinux'));
  await fails(made.directory, 'debug-info-missing');
  await fails(join(made.directory, 'not-there'), 'debug-info-missing');
  await writeFile(made.vmlinux, 'not an ELF file');
  await fails(made.directory, 'debug-info-unreadable');
});

test('without a list of its modules, or without one of them, absence from a package says nothing', async () => {
  const made = await tinyPackage(join(await scratch(), 'debug'));
  const lacking = async (list: string | null): Promise<readonly string[]> => {
    if (list !== null) await writeFile(join(made.directory, 'modules.order'), list);
    return (await readDebugProfile({ directory: made.directory, sources: SOURCES })).profile.unreadable;
  };
  assert.match((await lacking(null)).join('\n'), /^modules: no list/);
  assert.deepEqual(await lacking('kernel/drivers/net/tiny-nic.ko\n'), []);
  assert.deepEqual(await lacking('kernel/drivers/net/tiny-nic.ko\nkernel/fs/lost-fs.ko.xz\n'), [
    'modules: lost_fs is listed and not here',
  ]);
});
