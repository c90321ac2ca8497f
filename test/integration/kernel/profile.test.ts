/** The profile of a small tree that real tools built, in the ways that Kbuild does. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Profile } from '#domain';
import { run } from '#host';
import { encodeProfile, readProfile, sourceFiles } from '#kernel';
import { joined, PartReader } from '../../../src/kernel/profile/part.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SOURCE: Readonly<Record<string, string>> = {
  Makefile: 'VERSION = 6\n',
  Kbuild: '# top\n',
  'include/linux/kconfig.h': '#define __init __attribute__((section(".init.text")))\n',
  'include/linux/shared.h': '#include <generated/limits.h>\nint shared(int);\n',
  'kernel/limits.tbl': '7\n',
  'scripts/limits.sh': 'echo "#define LIMIT $(cat "$1")" > "$2"\n',
  'kernel/body.c': 'static int body(int x) { return x * LIMIT; }\n',
  'kernel/core.c':
    '#include <linux/shared.h>\n#include "body.c"\nint shared(int x) { return body(x); }\nint other(int x) { return x; }\n',
  'kernel/setup.c': 'int __init setup_sample(void) { return 1; }\n',
  'kernel/table.c': 'int table[2] = { 1, 2 };\nint __init fill(void) { return table[0]; }\n',
  'drivers/two/one.c': '#include <linux/shared.h>\nint one(void) { return shared(1); }\n',
  'drivers/two/start.S': '.globl start\n.type start, @function\nstart: ret\n',
  'drivers/two/unused.c': 'int unused;\n',
  'lib/bug.c': 'int bug(void) { return 0; }\n',
  'arch/x86/boot/main.c': 'int boot_main(void) { return 0; }\n',
  'scripts/tool.c': 'int main(void) { return 0; }\n',
};

interface Place {
  readonly source: string;
  readonly build: string;
  /** How the build writes the source root. */
  readonly root: string;
}

/** Runs a command in the build folder and saves it as Kbuild does; with dependencies as fixdep writes them. */
async function saved({ build }: Place, target: string, command: string, source?: string): Promise<void> {
  const file = (path: string): string => join(build, dirname(target), path);
  await mkdir(join(build, dirname(target)), { recursive: true });
  const name = target.slice(target.lastIndexOf('/') + 1);
  await run('sh', ['-c', command], { cwd: build });
  let text = `savedcmd_${target} := ${command.replaceAll('$', '$$$$')}\n`;
  if (source !== undefined) {
    const rule = (await readFile(file(`.${name}.d`), 'utf8')).replaceAll('\\\n', ' ').split(': ')[1]!;
    const paths = rule
      .trim()
      .split(/\s+/)
      .filter((path) => path !== source);
    text += `\nsource_${target} := ${source}\n\ndeps_${target} := \\\n    $(wildcard include/config/SAMPLE) \\\n`;
    text += `${paths.map((path) => `  ${path} \\\n`).join('')}\n${target}: $(deps_${target})\n\n$(deps_${target}):\n`;
  }
  await writeFile(file(`.${name}.cmd`), text);
}

async function compile(place: Place, source: string, flags = '-nostdinc -D__KERNEL__'): Promise<void> {
  const target = source.replace(/\.[cS]$/, '.o');
  const { root } = place;
  const depfile = `${dirname(target)}/.${target.slice(target.lastIndexOf('/') + 1)}.d`;
  const kconfig = flags.includes('__KERNEL__') ? `-include ${root}include/linux/kconfig.h` : '';
  const include = `-I${root}include -Iinclude`;
  await saved(
    place,
    target,
    `gcc -Wp,-MMD,${depfile} ${flags} ${include} ${kconfig} -O1 -g -c -o ${target} ${root}${source}`,
    `${root}${source}`,
  );
}

/** Builds it: `thin` as newer kernels do, with one archive over all; else with archives in archives, the library a plain one. */
async function build(place: Place, age: 'new' | 'old'): Promise<void> {
  for (const folder of ['include/generated', 'kernel', 'drivers/two', 'lib', 'arch/x86/boot', 'scripts'])
    await mkdir(join(place.build, folder), { recursive: true });
  const { root } = place;
  await saved(
    place,
    'include/generated/limits.h',
    `sh ${root}scripts/limits.sh ${root}kernel/limits.tbl include/generated/limits.h`,
  );
  for (const source of [
    'kernel/core.c',
    'kernel/setup.c',
    'kernel/table.c',
    'drivers/two/one.c',
    'lib/bug.c',
    'arch/x86/boot/main.c',
  ])
    await compile(place, source);
  await compile(place, 'drivers/two/start.S', '-nostdinc -D__KERNEL__ -D__ASSEMBLY__');
  await compile(place, 'scripts/tool.c', '-Wall');
  await saved(
    place,
    'kernel/built-in.a',
    'rm -f kernel/built-in.a; ar cDPrST kernel/built-in.a kernel/core.o kernel/setup.o kernel/table.o',
  );
  await saved(place, 'drivers/two/two.o', 'ld -r -o drivers/two/two.o drivers/two/one.o drivers/two/start.o');
  if (age === 'new') {
    await saved(place, 'lib/lib.a', 'rm -f lib/lib.a; ar cDPrsT lib/lib.a lib/bug.o');
    await saved(place, 'vmlinux.a', 'rm -f vmlinux.a; ar cDPrST vmlinux.a kernel/built-in.a');
    await writeFile(join(place.build, 'drivers/two/two.mod'), 'drivers/two/one.o\ndrivers/two/start.o\n');
  } else {
    await saved(place, 'lib/lib.a', 'rm -f lib/lib.a; ar rcsD lib/lib.a lib/bug.o');
    await mkdir(join(place.build, '.tmp_versions'));
    await writeFile(join(place.build, '.tmp_versions/two.mod'), 'drivers/two/two.ko\ndrivers/two/two.o\n');
  }
}

async function write(folder: string): Promise<void> {
  for (const [path, text] of Object.entries(SOURCE)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

function check(profile: Profile): void {
  assert.deepEqual(profile.unreadable, []);
  assert.deepEqual(
    profile.objects.map(({ object, source, target, initOnly }, i) => [
      object,
      source,
      target,
      initOnly,
      profile.functions[i],
    ]),
    [
      ['arch/x86/boot/main.o', 'arch/x86/boot/main.c', 'image', false, ['boot_main']],
      ['drivers/two/one.o', 'drivers/two/one.c', 'two', false, ['one']],
      ['drivers/two/start.o', 'drivers/two/start.S', 'two', false, []],
      ['kernel/core.o', 'kernel/core.c', 'vmlinux', false, ['other', 'shared']],
      ['kernel/setup.o', 'kernel/setup.c', 'vmlinux', true, ['setup_sample']],
      ['kernel/table.o', 'kernel/table.c', 'vmlinux', false, ['fill']],
      ['lib/bug.o', 'lib/bug.c', 'vmlinux', false, ['bug']],
      ['scripts/tool.o', 'scripts/tool.c', null, null, []],
    ],
  );
  assert.deepEqual(Object.fromEntries([...profile.files].toSorted(([a], [b]) => (a < b ? -1 : 1))), {
    'arch/x86/boot/main.c': [0],
    'drivers/two/one.c': [1],
    'drivers/two/start.S': [2],
    'include/generated/limits.h': [1, 3],
    'include/linux/kconfig.h': [0, 1, 2, 3, 4, 5, 6],
    'include/linux/shared.h': [1, 3],
    'kernel/body.c': [3],
    'kernel/core.c': [3],
    'kernel/limits.tbl': [1, 3],
    'kernel/setup.c': [4],
    'kernel/table.c': [5],
    'lib/bug.c': [6],
    'scripts/tool.c': [7],
  });
  assert.deepEqual([...profile.generated], [['include/generated/limits.h', ['kernel/limits.tbl']]]);
  assert.deepEqual([...profile.sources].toSorted(), Object.keys(SOURCE).toSorted());
}

test('built inside its source, as new and as old kernels are', async () => {
  for (const age of ['new', 'old'] as const) {
    const home = await scratch();
    await write(home);
    await build({ source: home, build: home, root: '' }, age);
    check(await readProfile(home));
    assert.deepEqual([...(await sourceFiles(home))].toSorted(), Object.keys(SOURCE).toSorted());
  }
});

test('built apart: beside, below, by absolute path, and moved since', async () => {
  const home = await scratch();
  const source = join(home, 'linux');
  await write(source);
  const below = { source, build: join(source, 'out'), root: '../' };
  await mkdir(below.build);
  await build(below, 'new');
  check(await readProfile(below.build, source));
  await rm(below.build, { recursive: true });
  const absolute = { source, build: join(home, 'out'), root: `${source}/` };
  await mkdir(absolute.build);
  await build(absolute, 'old');
  check(await readProfile(absolute.build, source));
  await symlink(source, join(absolute.build, 'source'));
  check(await readProfile(absolute.build));
  await rename(source, join(home, 'elsewhere'));
  await cp(absolute.build, join(home, 'moved'), { recursive: true });
  check(await readProfile(join(home, 'moved'), join(home, 'elsewhere')));
});

test('a wrong source, a cut command file and a missing object never look complete', async () => {
  const home = await scratch();
  await write(home);
  await build({ source: home, build: home, root: '' }, 'new');
  const other = await scratch();
  await write(other);
  await rm(join(other, 'lib/bug.c'));
  assert.deepEqual((await readProfile(home, other)).unreadable, [
    'lib/bug.c, the source of lib/bug.o, is not in this source tree',
  ]);
  await rm(join(home, 'kernel/setup.o'));
  await writeFile(join(home, 'kernel/core.o'), 'not an object any more');
  const without = await readProfile(home);
  assert.deepEqual(without.unreadable, []);
  assert.deepEqual(
    without.objects.filter(({ initOnly }) => initOnly === null).map(({ object }) => object),
    ['kernel/core.o', 'kernel/setup.o', 'scripts/tool.o'],
  );
  const cmd = join(home, 'lib/.bug.o.cmd');
  const text = await readFile(cmd, 'utf8');
  for (const end of [
    0,
    40,
    text.indexOf('\nsource_') + 1,
    text.indexOf('  include/linux'),
    text.indexOf('\n\nlib/bug.o:') + 1,
  ]) {
    await writeFile(cmd, text.slice(0, end));
    assert.ok((await readProfile(home)).unreadable.includes('lib/.bug.o.cmd'), `cut at ${end}`);
  }
  await writeFile(cmd, text.replace('lib/bug.c', 'lib/b\0g.c'));
  assert.deepEqual((await readProfile(home)).unreadable[0], 'lib/.bug.o.cmd', 'no path has a zero byte');
  await rm(cmd);
  const unexplained = 'lib/bug.o is linked into the kernel, and no command file says what it was made from';
  assert.deepEqual((await readProfile(home)).unreadable, [unexplained]);
  await symlink('/dev/zero', cmd);
  assert.deepEqual((await readProfile(home)).unreadable, ['lib/.bug.o.cmd', unexplained], 'nothing is behind a link');
  await rm(join(home, 'drivers/two/.one.o.cmd'));
  assert.match((await readProfile(home)).unreadable.join(), /drivers\/two\/one\.o is linked/, 'of a module');
});

/** A tree of command files alone, some of them broken, that name files of each other. */
async function commandFiles(home: string): Promise<string[]> {
  await writeFile(join(home, 'Kbuild'), '');
  const cmds: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    const folder = `d${i % 7}`;
    const deps = Array.from({ length: i % 9 }, (_, j) => `  include/linux/h${(i * j) % 40}.h \\\n`).join('');
    const texts = [
      `savedcmd_${folder}/o${i}.o := gcc -D__KERNEL__ -c x\n\nsource_${folder}/o${i}.o := ${folder}/o${i}.c\n\n` +
        `deps_${folder}/o${i}.o := \\\n  include/generated/g${i % 5}.h \\\n${deps}\n${folder}/o${i}.o: $(deps_${folder}/o${i}.o)\n`,
      `savedcmd_include/generated/g${i % 5}.h := sh gen.sh ${folder}/o${i - 1}.c > include/generated/g${i % 5}.h\n`,
      `savedcmd_${folder}/l${i}.o := ld -r -o ${folder}/l${i}.o ${folder}/o${i - 2}.o\n`,
      'rubbish',
    ];
    const path = `${folder}/.${i}.cmd`;
    await mkdir(join(home, folder), { recursive: true });
    await writeFile(join(home, path), texts[i % 11 === 0 ? 3 : i % 3]!);
    cmds.push(path);
  }
  return cmds;
}

test('who reads which command file, and when, does not show', async () => {
  const home = await scratch();
  const cmds = await commandFiles(home);
  const read = (first: readonly string[], second: readonly string[]): unknown => {
    const [one, two] = [new PartReader(home), new PartReader(home)];
    one.read(first);
    two.read(second);
    const { dependencies, recorded, compilations, links, others, unreadable } = joined(one.part(), two.part());
    const paths = compilations.map(({ from, to }) => [...dependencies.subarray(from, to)].map((at) => recorded[at]));
    return { paths, objects: compilations.map(({ object }) => object), links, others, unreadable };
  };
  const alone = read(cmds, []);
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: cmds.length, maxLength: cmds.length }), (isFirst) => {
      const [first, second] = [cmds.filter((_, i) => isFirst[i]), cmds.filter((_, i) => isFirst[i] === false)];
      assert.deepEqual(read(first.toReversed(), second), alone);
    }),
    { numRuns: 40 },
  );
  const bytes = encodeProfile(await readProfile(home));
  for (let i = 0; i < 5; i += 1) assert.deepEqual(encodeProfile(await readProfile(home)), bytes);
});
