/** Kernels known by an unpacked debug package only. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { run } from '#host';
import { importDebug } from '#pipeline';
import { findKernel } from '#store';
import { tinyPackage } from '../../../testkit/debug-package.ts';
import { type KernelSetting, kernelSetting } from '../../../testkit/kernel-adds.ts';

function importFrom(
  given: KernelSetting,
  debug: string,
  source: string | null,
  part: Partial<Parameters<typeof importDebug>[0]> = {},
): ReturnType<typeof importDebug> {
  const { store, trees, home } = given;
  const mirrors = join(home, 'mirrors');
  const options = { store, trees, mirrors, name: 'tiny', chroot: null, source, onProgress: () => {} };
  return importDebug({ ...options, debug, complete: true, ...part });
}

test('a debug package gives a built kernel with its build-id, and no tree', async () => {
  const given = await kernelSetting();
  const { directory } = await tinyPackage(join(given.home, 'debug'));
  const { kernel, profile, comparison } = await importFrom(given, directory, null);
  assert.deepEqual([kernel.state, kernel.origin, kernel.version], ['built', 'debug-info', '6.1.99']);
  assert.deepEqual([kernel.treeDirectory, kernel.sourceDirectory], ['', null]);
  assert.equal(profile.origin, 'debug-info');
  assert.notEqual(comparison, null, 'compared with the compiler that is here');
  await assert.rejects(importFrom(given, directory, null), { code: 'already-there' });
});

test('with a source, its version must be the same, and its folder is recorded', async () => {
  const given = await kernelSetting();
  const { directory } = await tinyPackage(join(given.home, 'debug'));
  await assert.rejects(importFrom(given, directory, given.source), {
    code: 'source-changed',
    message: /6\.1\.170.*6\.1\.99/,
  });
  assert.equal(await findKernel(given.store.db, 'tiny'), undefined);
  const makefile = join(given.source, 'Makefile');
  await writeFile(makefile, (await readFile(makefile, 'utf8')).replace('SUBLEVEL = 170', 'SUBLEVEL = 99'));
  const { kernel } = await importFrom(given, directory, given.source);
  assert.deepEqual([kernel.version, kernel.sourceDirectory], ['6.1.99', given.source]);
  assert.deepEqual(kernel.source, { kind: 'directory', address: given.source });
});

test('refused, with nothing left: a folder without a vmlinux', async () => {
  const given = await kernelSetting();
  await mkdir(join(given.home, 'empty'));
  await assert.rejects(importFrom(given, join(given.home, 'empty'), null), { code: 'debug-info-missing' });
  assert.equal(await findKernel(given.store.db, 'tiny'), undefined);
  assert.deepEqual(await readdir(given.trees).catch(() => []), []);
});

/** The tiny source as a tarball, with the version that the tiny debug package has, or another. */
async function tarball(given: KernelSetting, sublevel: number): Promise<string> {
  const makefile = join(given.source, 'Makefile');
  const text = await readFile(makefile, 'utf8');
  await writeFile(makefile, text.replace(/SUBLEVEL = \d+/, `SUBLEVEL = ${sublevel}`));
  const file = join(given.home, `linux-6.1.${sublevel}.tar.xz`);
  await run('tar', ['-cJf', file, '-C', given.home, 'linux']);
  return file;
}

test('an unpacked source stays with the kernel that it was unpacked for, and with no import that failed or was stopped', async () => {
  const given = await kernelSetting();
  const { directory } = await tinyPackage(join(given.home, 'debug'));
  const nothing = async (): Promise<void> => {
    assert.equal(await findKernel(given.store.db, 'tiny'), undefined);
    assert.deepEqual(await readdir(given.trees), []);
  };
  await assert.rejects(importFrom(given, directory, await tarball(given, 98)), { code: 'source-changed' });
  await nothing();
  const source = await tarball(given, 99);
  for (const stopAt of ['vmlinux', 'tiny_nic']) {
    const abort = new AbortController();
    const onProgress = (_done: number, _total: number, note: string): void => {
      if (note === stopAt) abort.abort();
    };
    await assert.rejects(importFrom(given, directory, source, { signal: abort.signal, onProgress }), {
      name: 'AbortError',
    });
    await nothing();
  }
  const { kernel } = await importFrom(given, directory, source);
  assert.match(kernel.sourceDirectory ?? '', /\/source-[0-9a-f]{16}$/);
  assert.deepEqual(await readdir(given.trees), [basename(kernel.sourceDirectory ?? '')]);
  assert.match(await readFile(join(kernel.sourceDirectory ?? '', 'Makefile'), 'utf8'), /SUBLEVEL = 99/);
});
