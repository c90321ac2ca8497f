import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { archiveMembers } from '#kernel';
import { Linked } from '../../../src/kernel/profile/archives.ts';
import { type Maker, Tracer } from '../../../src/kernel/profile/generated.ts';
import { Growing } from '../../../src/kernel/profile/growing.ts';
import { LineTable, lineKinds } from '../../../src/kernel/profile/line-table.ts';
import { functionsOf, isInitOnly } from '../../../src/kernel/profile/object-facts.ts';
import { inTree, recordedRoots } from '../../../src/kernel/profile/recorded-paths.ts';
import { objectsOfMod, targetsOfObjects } from '../../../src/kernel/profile/targets.ts';

/** A field of an ar header, padded with blanks (ar(5)). */
function member(name: string, size: number): string {
  return `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(12)}${'644'.padEnd(8)}${String(size).padEnd(10)}\`\n`.padStart(
    60,
  );
}

function thin(names: readonly string[], quirk = false): Buffer {
  const table = names.map((name) => `${name}/\n`).join('');
  let at = 0;
  const members = names.map((name) => {
    const place = `/${at}`;
    at += name.length + 2;
    // What GNU ar writes when the path has 15 letters.
    return member(quirk && name.length === 15 ? `${place.padEnd(15)}/` : place, 5);
  });
  return Buffer.from(`!<thin>\n${member('//', table.length)}${table}${at % 2 ? '\n' : ''}${members.join('')}`);
}

function item(line: string): number {
  return line === '\n' ? lineKinds.end : lineKinds.item;
}

test('lines have the same number exactly when they are the same bytes, in any order of files', () => {
  const line = fc.constantFrom(
    '  a.h \\\n',
    '  b.h \\\n',
    '  include/linux/abcdefgh.h \\\n',
    '  include/linux/abcdefgi.h \\\n',
    '  \0\0\0\0\0\0\0\0\0\0.h \\\n',
    '  \0\0\0\0\0\0\0\u{80}.h \\\n',
    'x\n',
    'a line without an end',
  );
  fc.assert(
    fc.property(fc.array(fc.array(line, { maxLength: 20 }), { maxLength: 6 }), (files) => {
      const table = new LineTable(item);
      for (const lines of files) {
        const items = new Growing();
        const texts = lines.map((text, i) => (i < lines.length - 1 && !text.endsWith('\n') ? `${text}\n` : text));
        const bytes = Buffer.from(`junk${texts.join('')}\nrest`);
        const end = bytes.length - (texts.at(-1)?.endsWith('\n') === false ? 5 : 0);
        assert.equal(table.read(bytes, 4, end, items), bytes.length - 5);
        const read = Array.from(items.numbers.subarray(0, items.length), (number) => table.textOf(number));
        assert.deepEqual(read, texts);
      }
      const all = Array.from({ length: table.count }, (_, number) => table.textOf(number));
      assert.equal(new Set(all).size, table.count);
    }),
  );
});

test('a table that grows keeps its numbers', () => {
  const table = new LineTable(item);
  const texts = Array.from({ length: 40_000 }, (_, i) => `  include/linux/sample-${i}.h \\\n`);
  const bytes = Buffer.from(texts.join(''));
  for (let time = 0; time < 2; time += 1) {
    const items = new Growing();
    table.read(bytes, 0, bytes.length, items);
    assert.deepEqual([...items.numbers.subarray(0, items.length)], [...texts.keys()]);
  }
  assert.equal(table.textOf(39_999), texts[39_999]);
});

test('members of an archive: thin, plain, with paths of every length; damage is no error', () => {
  const names = ['mm/page_alloc.o', 'a.o', 'kernel/sched/core.o', 'mm/swap_state.o'];
  assert.deepEqual(archiveMembers(thin(names)), names);
  assert.deepEqual(archiveMembers(thin(names, true)), names);
  const plain = `!<arch>\n${member('/', 4)}\0\0\0\0${member('one.o/', 3)}abc\n${member('two.o/', 4)}abcd`;
  assert.deepEqual(archiveMembers(Buffer.from(plain)), ['one.o', 'two.o']);
  assert.deepEqual(archiveMembers(Buffer.from('not an archive')), []);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(400), (bytes, cut) => {
      assert.ok(Array.isArray(archiveMembers(Buffer.concat([Buffer.from('!<thin>\n'), bytes]))));
      assert.ok(Array.isArray(archiveMembers(thin(names).subarray(0, cut))));
    }),
  );
});

test('an archive that names archives is followed, also in a circle; a link to its parts', () => {
  const files = new Map([
    ['built-in.a', thin(['kernel/built-in.a', 'init/main.o'])],
    ['kernel/built-in.a', thin(['fork.o', 'sched/built-in.a'])],
    ['kernel/sched/built-in.a', thin(['core.o', '../built-in.a', 'gone.a'])],
  ]);
  const objects = new Set(['init/main.o', 'kernel/fork.o', 'kernel/sched/core.o', 'drivers/x/a.o', 'drivers/x/b.o']);
  const links = new Map([['drivers/x/x.o', ['drivers/x/a.o', './drivers/x/b.o', 'drivers/x/x.o']]]);
  const linked = new Linked(
    (path) => files.get(path) ?? null,
    links,
    (path) => objects.has(path),
  );
  assert.deepEqual([...linked.objectsOf(['built-in.a'])].toSorted(), [
    'init/main.o',
    'kernel/fork.o',
    'kernel/sched/core.o',
  ]);
  assert.deepEqual([...linked.objectsOf(['drivers/x/x.o'])], ['drivers/x/a.o', 'drivers/x/b.o']);
});

test('module lists of every age name the same objects', () => {
  const objects = ['drivers/x/a.o', 'drivers/x/b.o'];
  assert.deepEqual(objectsOfMod('drivers/x/a.o\ndrivers/x/b.o\n'), objects);
  assert.deepEqual(objectsOfMod('drivers/x/a.o drivers/x/b.o\nprintk kmalloc\n'), objects);
  assert.deepEqual(objectsOfMod('drivers/x/x.ko\ndrivers/x/a.o drivers/x/b.o\n'), objects);
});

test('built-in folders count only when there is no vmlinux.a; the library of the boot image is not in the vmlinux', () => {
  const files = new Map([
    ['kernel/built-in.a', thin(['fork.o'])],
    ['stale/built-in.a', thin(['old.o'])],
    ['vmlinux.a', thin(['kernel/fork.o'])],
    ['drivers/firmware/efi/libstub/lib.a', thin(['gop.o'])],
    ['lib/lib.a', thin(['bug.o'])],
  ]);
  const links = new Map([['arch/x86/boot/compressed/vmlinux', ['drivers/firmware/efi/libstub/lib.a']]]);
  const linked = new Linked(
    (path) => files.get(path) ?? null,
    links,
    (path) => path.endsWith('.o') && path !== 'vmlinux.o',
  );
  const read = (archives: readonly string[]): string[] =>
    [...targetsOfObjects({ linked, links, archives, mods: new Map([['x/a-b.mod', 'x/a.o']]) })].map(String).toSorted();
  assert.deepEqual(read([...files.keys()]), ['kernel/fork.o,vmlinux', 'lib/bug.o,vmlinux', 'x/a.o,a_b']);
  assert.deepEqual(read(['kernel/built-in.a', 'lib/lib.a']), [
    'kernel/fork.o,vmlinux',
    'lib/bug.o,vmlinux',
    'x/a.o,a_b',
  ]);
});

test('recorded roots are recognised, and only they', () => {
  const roots = recordedRoots([
    '../../linux/include/linux/kconfig.h',
    '/srv/tools/include/linux/kconfig.h',
    'include/linux/kconfig.h',
  ]);
  assert.equal(inTree('../../linux/fs/x.c', roots), 'fs/x.c');
  assert.equal(inTree('arch/x86/../x86/a.h', roots), 'arch/x86/a.h');
  assert.equal(inTree('/usr/include/stdio.h', roots), '/usr/include/stdio.h');
  // Links of the source tree for device trees.
  const linked = 'scripts/dtc/include-prefixes';
  assert.equal(inTree(`../../linux/${linked}/arm/bcm2711.dtsi`, roots), 'arch/arm/boot/dts/bcm2711.dtsi');
  assert.equal(inTree(`${linked}/dt-bindings/gpio/gpio.h`, roots), 'include/dt-bindings/gpio/gpio.h');
  assert.equal(inTree(`${linked}/x.h`, roots), `${linked}/x.h`);
  assert.equal(inTree('/srv/fs/x.c', roots), '/srv/fs/x.c', 'tools/ has a kconfig.h of its own');
  assert.equal(inTree('../other/x.c', roots), '../other/x.c');
});

test('generated files are traced through commands, assembly text and names; scripts and host programs are no inputs', () => {
  const sources = new Set([
    'a/x.tbl',
    'scripts/gen.sh',
    'a/flags.h',
    'a/mk.sh',
    'kernel/bounds.c',
    'kernel/time/timeconst.bc',
    'n/m.asn1',
    'a/tool.c',
    'v/note.S',
    'v/body.c',
  ]);
  const command = (text: string): Maker => ({ kind: 'command', command: text });
  const makers = new Map<string, Maker>([
    ['include/generated/x.h', command('sh ./scripts/gen.sh --abi=64 a/x.tbl include/generated/x.h')],
    ['a/flags.c', command('sh a/mk.sh a/flags.c a/../a/flags.h FORCE')],
    ['kernel/bounds.s', { kind: 'compile', inputs: ['kernel/bounds.c'], host: false }],
    ['a/tool', { kind: 'compile', inputs: ['a/tool.c'], host: true }],
    ['a/table.c', command('a/tool > a/table.c')],
    ['v/image.c', command('v/pack v/v.so v/image.c')],
    ['v/v.so', command('ld -o v/v.so v/note.o && true')],
    ['v/note.o', { kind: 'compile', inputs: ['v/note.S', 'v/body.c'], host: false }],
    ['a/pair.c', command('a/tool a/x.tbl a/pair.c a/pair.h')],
    ['a/loop.h', command('cat a/loop2.h > a/loop.h')],
    ['a/loop2.h', command('cat a/loop.h > a/loop2.h')],
  ]);
  const tracer = new Tracer({ makers, sources, roots: recordedRoots([]) });
  const expected: Record<string, string[]> = {
    'include/generated/x.h': ['a/x.tbl'],
    'a/flags.c': ['a/flags.h'],
    'include/generated/bounds.h': ['kernel/bounds.c'],
    'include/generated/timeconst.h': ['kernel/time/timeconst.bc'],
    'n/m.asn1.h': ['n/m.asn1'],
    'a/table.c': [],
    'v/image.c': ['v/body.c', 'v/note.S'],
    'a/pair.h': ['a/x.tbl'],
    'a/loop.h': [],
    'a/unknown.h': [],
  };
  for (const [path, inputs] of Object.entries(expected)) assert.deepEqual(tracer.inputsOf(path), inputs, path);
});

test('an object is init-only when all of its code is, and nothing that outlives the start is in it', () => {
  const [alloc, exec, strings] = [2, 4, 0x20];
  const section = (name: string, flags = alloc): { name: string; flags: number; size: number } => ({
    name,
    flags,
    size: 8,
  });
  const init = [
    section('.init.text', alloc | exec),
    section('.init.data'),
    section('.initcall6.init'),
    section('.rodata.str1.1', alloc | strings),
  ];
  assert.equal(isInitOnly(init), true);
  assert.equal(isInitOnly([...init, section('.exit.text', alloc | exec), section('__mcount_loc')]), true);
  for (const more of [
    section('.text', alloc | exec),
    section('.text.unlikely', alloc | exec),
    section('.data'),
    section('.bss'),
    section('.rodata'),
    section('___ksymtab+x'),
    section('__param'),
    section('.head.text', alloc | exec),
    section('.init.textual', alloc | exec),
  ])
    assert.equal(isInitOnly([...init, more]), false, more.name);
  assert.equal(isInitOnly([section('.init.data')]), false, 'without code nothing is said to be init code');
});

test('functions have the names of the source', () => {
  assert.deepEqual(
    functionsOf(['b', 'a.isra.0', 'a.cold', '__pfx_b', '__cfi_b', '', 'c.part.1.constprop.0', '_RNv3a.llvm.1']),
    ['_RNv3a.llvm.1', 'a', 'b', 'c'],
  );
});
