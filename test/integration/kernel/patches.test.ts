/** Local patch queues, applied by the real GNU patch. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '#host';
import { treeLayout } from '#kernel';
import { addTiny, assertNothingAdded, type KernelSetting, kernelSetting } from '../../../testkit/kernel-adds.ts';

/** Writes a queue beside the source and returns its folder. */
async function queue({ home }: KernelSetting, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home, 'patches');
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

function answer(from: number, to: number): string {
  return `--- a/kernel/sample.h\n+++ b/kernel/sample.h\n@@ -1 +1 @@\n-#define ANSWER ${from}\n+#define ANSWER ${to}\n`;
}

/** Changes sample.c near its end; `context` stands for a line before the change, `at` for where the patch says it is. */
function body(context: string, at: number): string {
  return `--- a/kernel/sample.c\n+++ b/kernel/sample.c\n@@ -${at},4 +${at},4 @@\n ${context}\n {\n-\treturn ANSWER;\n+\treturn ANSWER + 1;\n }\n`;
}

test('a queue is applied in the order of its names, recorded, and part of the tree key', async () => {
  const given = await kernelSetting();
  const plain = await addTiny(given);
  const patches = await queue(given, { '0002.patch': answer(43, 44), '0001.patch': answer(42, 43), 'notes.txt': 'x' });
  const { kernel } = await addTiny(given, { name: 'patched', patches });
  assert.notEqual(kernel.treeDirectory, plain.kernel.treeDirectory);
  assert.deepEqual(
    kernel.patches.map(({ name }) => name),
    ['0001.patch', '0002.patch'],
  );
  const header = await readFile(join(treeLayout(kernel.treeDirectory).build, 'kernel/sample.h'), 'utf8');
  assert.equal(header, '#define ANSWER 44\n');
  assert.equal(
    await readFile(join(given.source, 'kernel/sample.h'), 'utf8'),
    '#define ANSWER 42\n',
    'only in the tree',
  );
});

test('a series file gives the order, and leaves out what it does not name', async () => {
  const given = await kernelSetting();
  const files = {
    series: '# order\nz.patch\na.patch -p1 # second\n\n',
    'z.patch': answer(42, 43),
    'a.patch': answer(43, 44),
    'b.patch': 'broken',
  };
  const { kernel } = await addTiny(given, { patches: await queue(given, files) });
  assert.deepEqual(
    kernel.patches.map(({ name }) => name),
    ['z.patch', 'a.patch'],
  );
});

test('a patch that fails in the middle is named with its hunk, and nothing is left', async () => {
  const given = await kernelSetting();
  const patches = await queue(given, { '1.patch': answer(42, 43), '2.patch': answer(7, 8), '3.patch': answer(43, 44) });
  await assert.rejects(addTiny(given, { patches }), {
    code: 'patch-not-applied',
    message: /2\.patch .*sample\.h hunk 1/,
  });
  await assertNothingAdded(given);
});

test('an offset is reported; fuzz is refused unless it is accepted, also in a tree that is found again', async () => {
  const given = await kernelSetting();
  const moved = await addTiny(given, { patches: await queue(given, { '1.patch': body('int sample(void)', 4) }) });
  assert.match(moved.kernel.patches[0]!.offsets.join(), /sample\.c hunk 1: offset \d/);
  const patches = await queue(given, { '1.patch': body('int another(void)', 6) });
  await assert.rejects(addTiny(given, { patches, name: 'fuzzy' }), { code: 'patch-not-applied' });
  const taken = await addTiny(given, { patches, name: 'fuzzy', acceptFuzz: true });
  assert.match(taken.kernel.patches[0]!.fuzz.join(), /fuzz 1/);
  await assert.rejects(addTiny(given, { patches, name: 'again' }), { code: 'patch-not-applied' });
});

test('a queue that reaches out of itself or makes links is refused before anything is copied', async () => {
  const given = await kernelSetting();
  const link = 'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n';
  const climb = '--- a/../../gotcha\n+++ b/../../gotcha\n@@ -0,0 +1 @@\n+x\n';
  for (const [files, code] of [
    [{ series: '../x.patch\n' }, 'patch-queue-unreadable'],
    [{ series: 'x.patch --fuzz=3\n' }, 'patch-queue-unreadable'],
    [{ series: 'none.patch\n' }, 'patch-queue-unreadable'],
    [{ series: 'x.patch\n', 'x.patch': link }, 'patch-queue-unreadable'],
    [{ series: 'x.patch\n', 'x.patch': climb }, 'patch-not-applied'],
    [{ series: 'x.patch\n', 'x.patch': 'only words\n' }, 'patch-not-applied'],
  ] as const) {
    const patches = await queue(given, files);
    await assert.rejects(addTiny(given, { patches }), { code });
    await assertNothingAdded(given);
  }
});

test('changes that were accepted once must be accepted again by who finds the tree, and are recorded', async () => {
  const given = await kernelSetting();
  await writeFile(given.config, 'CONFIG_TINY=y\nCONFIG_OLD=y\n');
  const { kernel } = await addTiny(given, { acceptChanges: true });
  assert.deepEqual(kernel.configChanges.map(({ symbol }) => symbol).toSorted(), ['NEW', 'OLD']);
  await assert.rejects(addTiny(given, { name: 'other' }), { code: 'config-would-change' });
  assert.equal((await addTiny(given, { name: 'other', acceptChanges: true })).keptTree, true);
});

test('an architecture that the toolchain does not make is refused; hostile prefixes too', async () => {
  const given = await kernelSetting();
  await assert.rejects(addTiny(given, { arch: process.arch === 'arm64' ? 'x86_64' : 'aarch64' }), {
    code: 'arch-unsupported',
  });
  await assert.rejects(addTiny(given, { arch: 'vax' }), { code: 'arch-unsupported' });
  for (const cross of ['/tmp/x-', '--x-', 'a b-', 'x;y-', 'nohyphen', '../x-'])
    await assert.rejects(addTiny(given, { cross }), { code: 'arch-unsupported' }, cross);
  await assert.rejects(addTiny(given, { cross: 'none-such-' }), { code: 'toolchain-missing' });
  await assertNothingAdded(given);
});

const noCross = findProgram('aarch64-linux-gnu-gcc') === undefined && 'gcc-aarch64-linux-gnu is not here';

test('two architectures of one source and configuration stand side by side', { skip: noCross }, async () => {
  const given = await kernelSetting();
  const one = await addTiny(given, { name: 'tiny' });
  const two = await addTiny(given, { name: 'tiny-arm', cross: 'aarch64-linux-gnu-' });
  assert.equal(two.kernel.arch, 'aarch64');
  assert.notEqual(one.kernel.treeDirectory, two.kernel.treeDirectory);
  assert.equal(two.kernel.toolchain.cross, 'aarch64-linux-gnu-');
});
