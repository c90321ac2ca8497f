/** What goes wrong around a kernel: each its own error, nothing half-done. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, systemClock } from '#host';
import { readProfile, treeLayout } from '#kernel';
import { addKernelFromSource, buildAndProfile } from '#pipeline';
import { findKernel, type Store } from '#store';
import { testStore } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { tinyKernel } from '../../../testkit/tiny-kernel.ts';

interface Setting {
  readonly store: Store;
  readonly home: string;
  readonly source: string;
  readonly config: string;
  readonly trees: string;
}

async function setting(): Promise<Setting> {
  const home = await scratch();
  return { store: await testStore(), home, ...(await tinyKernel(home)), trees: join(home, 'trees') };
}

function add(
  given: Setting,
  part: Partial<Parameters<typeof addKernelFromSource>[0]> = {},
): ReturnType<typeof addKernelFromSource> {
  const { store, trees, source, config } = given;
  return addKernelFromSource({
    store,
    trees,
    name: 'tiny',
    source,
    config,
    chroot: null,
    acceptChanges: false,
    ...part,
  });
}

function build({ store }: Setting): ReturnType<typeof buildAndProfile> {
  return buildAndProfile({ store, name: 'tiny', jobs: 1, clock: systemClock, onProgress: () => {} });
}

async function nothingDone({ store, trees }: Setting): Promise<void> {
  assert.equal(await findKernel(store.db, 'tiny'), undefined);
  const left = await readdir(trees, { recursive: true }).catch(() => []);
  assert.deepEqual(
    left.filter((path) => path.includes('build')),
    [],
  );
}

test('a kernel is added, built once, and known by its build-id with its profile', async () => {
  const given = await setting();
  await add(given);
  const { kernel, built, kept } = await build(given);
  assert.equal(kept, false);
  assert.match(built.buildId, /^[0-9a-f]{40}$/);
  assert.deepEqual([kernel.state, kernel.buildId, kernel.release], ['built', built.buildId, '6.1.170-tiny']);
  assert.equal((await build(given)).kept, true);
  assert.equal((await findKernel(given.store.db, built.buildId))?.name, 'tiny', 'found by its build-id');
});

test('the same source, configuration and toolchain find their tree again', async () => {
  const given = await setting();
  const first = await add(given);
  const second = await add(given, { name: 'again' });
  assert.equal(second.keptTree, true);
  assert.equal(second.kernel.treeDirectory, first.kernel.treeDirectory);
  await assert.rejects(add(given), { code: 'already-there' });
});

test('a directory that is no kernel, a text that is no configuration and a missing toolchain are refused', async () => {
  const given = await setting();
  await assert.rejects(add(given, { source: given.home }), { code: 'source-not-a-kernel' });
  await assert.rejects(add(given, { config: join(given.source, 'Makefile') }), { code: 'config-unreadable' });
  await assert.rejects(add(given, { config: join(given.home, 'none') }), { code: 'file-missing' });
  await assert.rejects(add(given, { chroot: join(given.home, 'none') }), { code: 'toolchain-missing' });
  await mkdir(join(given.home, 'empty'));
  await assert.rejects(add(given, { chroot: join(given.home, 'empty') }), { code: 'toolchain-missing' });
  await nothingDone(given);
});

test('a configuration that the source would change is refused with the change, unless accepted', async () => {
  const given = await setting();
  await writeFile(given.config, 'CONFIG_TINY=y\nCONFIG_OLD=y\n');
  await assert.rejects(add(given), { code: 'config-would-change', message: /OLD: y → not set/ });
  await nothingDone(given);
  await add(given, { acceptChanges: true });
});

test('a kernel that does not build says the first error, keeps the log, and stays unbuilt', async () => {
  const given = await setting();
  await writeFile(join(given.source, 'kernel/sample.h'), '#define ANSWER forty_two\n');
  const { kernel } = await add(given);
  await assert.rejects(build(given), { code: 'kernel-build-failed', message: /forty_two/ });
  const layout = treeLayout(kernel.treeDirectory);
  assert.match(await readFile(layout.log, 'utf8'), /forty_two/);
  assert.equal((await findKernel(given.store.db, 'tiny'))?.state, 'added');
  await assert.rejects(readdir(layout.out), { code: 'ENOENT' });
  await writeFile(join(layout.build, 'kernel/sample.h'), '#define ANSWER 42\n');
  assert.equal((await build(given)).kernel.state, 'built', 'once it is mended, it builds');
});

test('a profile with a broken command file says so; a tree without any is refused', async () => {
  const given = await setting();
  const { kernel } = await add(given);
  await build(given);
  const { build: tree } = treeLayout(kernel.treeDirectory);
  assert.deepEqual((await readProfile(tree)).unreadable, []);
  await writeFile(join(tree, 'kernel/.other.o.cmd'), 'not one of ours');
  assert.deepEqual((await readProfile(tree)).unreadable, ['kernel/.other.o.cmd']);
  await rm(join(tree, 'kernel'), { recursive: true });
  await assert.rejects(readProfile(tree), { code: 'cmd-unreadable' });
});

test('a disk that is too small is said before anything is copied', async (t) => {
  const given = await setting();
  const small = join(given.home, 'small');
  await mkdir(small);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', small], { okCodes: [0, 1, 32] });
  if (mounted.exitCode !== 0) return t.skip('a small file system cannot be mounted here');
  try {
    await assert.rejects(add(given, { trees: join(small, 'trees') }), { code: 'disk-full' });
    await nothingDone({ ...given, trees: join(small, 'trees') });
  } finally {
    await run('umount', [small]);
  }
});
