import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affectedObjects, isLeftOut, structureSizes } from '#livepatch';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const CHANGE = { before: 'a', after: 'b' };

test('only objects that read a changed file are compiled', () => {
  const objects = [compiled('a.o', 'a.c'), compiled('b.o', 'b.c', 'mod'), compiled('c.o', 'c.c')];
  const files = new Map([
    ['a.c', [0]],
    ['b.c', [1]],
    ['h.h', [0, 1]],
  ]);
  const profile = profileOfParts({ objects, files });
  const of = (...paths: string[]): string[] =>
    affectedObjects(profile, new Map(paths.map((path) => [path, CHANGE]))).map(({ object }) => object);
  assert.deepEqual(of('b.c'), ['b.o']);
  assert.deepEqual(of('h.h', 'a.c'), ['a.o', 'b.o']);
  assert.throws(() => of('other.c'), { code: 'nothing-changed' });
});

test('a header that too many objects read is refused, and says which and how many', () => {
  const objects = Array.from({ length: 201 }, (_, i) => compiled(`${i}.o`, `${i}.c`));
  const files = new Map([['h.h', objects.map((_, i) => i)]]);
  assert.throws(() => affectedObjects(profileOfParts({ objects, files }), new Map([['h.h', CHANGE]])), {
    code: 'header-blast',
    where: 'h.h',
    message: /201 objects/,
  });
});

test('what the build itself reads is refused', () => {
  const objects = [compiled('a.o', 'a.c'), compiled('scripts/x', 'scripts/x.c', null)];
  const generated = new Map([['made.h', ['made.in']]]);
  const files = new Map([
    ['a.c', [0]],
    ['made.in', [0]],
    ['shared.h', [0, 1]],
  ]);
  const profile = profileOfParts({ objects, files, generated });
  for (const path of ['made.in', 'shared.h'])
    assert.throws(() => affectedObjects(profile, new Map([[path, CHANGE]])), { code: 'build-input-changed' });
});

test('objects that kpatch leaves out without a word are known', () => {
  const is = (object: string, target = 'vmlinux'): boolean =>
    isLeftOut({ object, source: 'x.c', target, initOnly: false });
  for (const object of ['lib/iov_iter.o', 'arch/x86/entry/vdso/vclock.o', 'init/version.o']) assert.ok(is(object));
  assert.ok(is('arch/x86/some/blob.o', 'image'));
  for (const object of ['kernel/signal.o', 'fs/lib/x.o', 'init/main.o']) assert.ok(!is(object));
});

test('sizes of structures stand in the comment that pahole ends them with', () => {
  const text = [
    'libbpf: failed to find BTF',
    'struct bug_entry {\n\tint a;  /* 0 4 */\n\n\t/* size: 12, cachelines: 1, members: 4 */\n};',
    'struct inner {\n\tstruct {\n\t\tint b;\n\t} x; /* 0 4 */\n\n\t/* size: 16, cachelines: 1 */\n\t/* last cacheline: 16 bytes */\n};',
  ].join('\n');
  assert.deepEqual(
    [...structureSizes(text)],
    [
      ['bug_entry', 12],
      ['inner', 16],
    ],
  );
});
