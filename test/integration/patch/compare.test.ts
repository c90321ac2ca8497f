/** Proof by compilation with a real compiler: the same only when nothing changes, and the tree is never written to. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Profile } from '#domain';
import { identifyToolchain } from '#kernel';
import { compareObjects } from '#patch';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';
import { scratch } from '../../../testkit/scratch.ts';

const HEADER = '#define LIMIT 16\nstruct thing { int count; };\n';
const SOURCE = `#include "thing.h"
extern void report(int line);
#ifdef CONFIG_NEVER
int absent(struct thing *thing) { return thing->count; }
#endif
int check(struct thing *thing)
{
	if (thing->count > LIMIT)
		report(__LINE__);
	return thing->count;
}
int other(struct thing *thing) { report(__LINE__); return thing->count + 1; }
`;
const FILES = { 'kernel/thing.h': HEADER, 'kernel/thing.c': SOURCE };

function command(object: string, source: string, compiler = 'gcc'): string {
  const d = `${dirname(object)}/.${object.split('/').at(-1)}.d`;
  return `savedcmd_${object} := ${compiler} -Wp,-MMD,${d} -nostdinc -O2 -g -D__KERNEL__ -DKBUILD_MODNAME='"thing"' -c -o ${object} ${source} ; false\n\nsource_${object} := ${source}\n\ndeps_${object} := \\\n\n`;
}

async function tree(compiler = 'gcc'): Promise<{ root: string; profile: Profile }> {
  const root = await scratch();
  await mkdir(join(root, 'kernel'));
  for (const [path, text] of Object.entries(FILES)) await writeFile(join(root, path), text);
  await writeFile(join(root, 'kernel/.thing.o.cmd'), command('kernel/thing.o', 'kernel/thing.c', compiler));
  const objects = [compiled('kernel/thing.o', 'kernel/thing.c')];
  return { root, profile: profileOfParts({ objects, files: new Map(Object.keys(FILES).map((path) => [path, [0]])) }) };
}

async function compare(path: keyof typeof FILES, change: (text: string) => string, more: Record<string, string> = {}) {
  const { root, profile } = await tree();
  const before = await readdir(root, { recursive: true });
  const changed = new Map<string, { before: string | null; after: string }>([
    [path, { before: FILES[path], after: change(FILES[path]) }],
  ]);
  for (const [added, text] of Object.entries(more)) changed.set(added, { before: null, after: text });
  const toolchain = await identifyToolchain(null);
  const found = await compareObjects({ tree: root, toolchain, profile, changed, jobs: 2, maxObjects: 8 });
  assert.deepEqual((await readdir(root, { recursive: true })).toSorted(), before.toSorted(), 'the tree is left alone');
  assert.equal(await readFile(join(root, path), 'utf8'), FILES[path]);
  return found;
}

test('code that is not compiled in may change, however many lines it takes', async () => {
  const found = await compare('kernel/thing.c', (text) =>
    text.replace('{ return thing->count; }', '{\n	if (!thing)\n		return 0;\n	return thing->count;\n}'),
  );
  assert.deepEqual(found, {
    outcome: 'same',
    why: null,
    objects: [{ object: 'kernel/thing.o', target: 'vmlinux', same: true, changes: [] }],
  });
});

test('what a generated file is made from proves nothing by staying the same', async () => {
  const { root, profile } = await tree();
  const toolchain = await identifyToolchain(null);
  const compareText = async (after: string): Promise<string> => {
    const changed = new Map([['kernel/thing.h', { before: HEADER, after }]]);
    const generated = new Map([['kernel/names.c', ['kernel/other.h', 'kernel/thing.h']]]);
    const found = await compareObjects({
      tree: root,
      toolchain,
      profile: { ...profile, generated },
      changed,
      jobs: 1,
      maxObjects: 8,
    });
    return `${found.outcome}: ${found.why}`;
  };
  const why = 'kernel/names.c is generated from kernel/thing.h, and is not made again';
  assert.equal(await compareText(`${HEADER}#define UNUSED 1\n`), `undecided: ${why}`);
  assert.equal(await compareText(HEADER.replace('16', '17')), 'differs: null');
});

test('what changes is named, and only that', async () => {
  const found = await compare('kernel/thing.c', (text) =>
    text.replace('	if (thing->count', '	if (!thing)\n		return 0;\n	if (thing->count'),
  );
  assert.deepEqual([found.outcome, found.objects[0]?.changes], ['differs', ['check']]);
  const macro = await compare('kernel/thing.h', (text) => text.replace('LIMIT 16', 'LIMIT 17'));
  assert.deepEqual([macro.outcome, macro.objects[0]?.changes], ['differs', ['check']]);
});

test('a fix that adds a file', async () => {
  const found = await compare(
    'kernel/thing.c',
    (text) => text.replace('#include "thing.h"', '#include "thing.h"\n#include "more.h"').replace('> LIMIT', '> MORE'),
    { 'kernel/more.h': '#define MORE 16\n' },
  );
  assert.equal(found.outcome, 'same');
});

test('what cannot be compared is undecided, with why', async () => {
  const broken = await compare('kernel/thing.c', (text) => text.replace('> LIMIT', '> NOBODY_KNOWS'));
  assert.equal(broken.outcome, 'undecided');
  assert.match(broken.why!, /NOBODY_KNOWS/);
  const { root, profile } = await tree('rustc');
  const changed = new Map([['kernel/thing.c', { before: SOURCE, after: `${SOURCE}int more;\n` }]]);
  const options = { tree: root, toolchain: await identifyToolchain(null), profile, changed, jobs: 1, maxObjects: 8 };
  assert.equal((await compareObjects(options)).outcome, 'undecided');
  assert.equal((await compareObjects({ ...options, maxObjects: 0 })).outcome, 'undecided');
  const program = { ...profile, objects: [{ ...profile.objects[0]!, target: null }] };
  assert.equal((await compareObjects({ ...options, profile: program })).outcome, 'undecided');
});
