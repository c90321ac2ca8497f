/** A real arm64 kernel by cross compiler: configured, built, profiled, and one of its objects compiled again. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Toolchain } from '#domain';
import { findProgram, run } from '#host';
import { compileObject, overlay } from '#kernel';
import { cacheRoot } from './prepare/cache.ts';
import { cliIn } from './prepare/cli.ts';
import { source61, sourceOr } from './prepare/kernels.ts';

const CROSS = 'aarch64-linux-gnu-';
const skip = findProgram(`${CROSS}gcc`) === undefined && 'gcc-aarch64-linux-gnu is not here';
const EM_AARCH64 = 183;

interface Shown {
  readonly arch: string;
  readonly buildId: string;
  readonly treeDirectory: string;
  readonly toolchain: Toolchain;
  readonly profile: { readonly objects: number; readonly inVmlinux: number };
}

test('an arm64 kernel stands beside the others, by cross compiler', { skip }, async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'tuxtape-arm64-'));
  after(() => rm(home, { recursive: true, force: true }));
  const source = await sourceOr(t, () => source61(cacheRoot()));
  if (source === undefined) return;
  const tree = join(home, 'configured');
  await run('cp', ['-a', '--reflink=auto', source.directory, tree], { timeoutMs: 600_000 });
  await run('make', ['-s', 'ARCH=arm64', `CROSS_COMPILE=${CROSS}`, 'tinyconfig'], { cwd: tree, timeoutMs: 600_000 });
  await copyFile(join(tree, '.config'), join(home, 'config'));
  await rm(tree, { recursive: true });
  const tuxtape = cliIn(home, join(home, 'trees'));
  const add = ['--source', source.directory, '--config', join(home, 'config')];
  await tuxtape('kernel', 'add', 'arm', ...add, '--arch', 'aarch64', '--cross', CROSS);
  await tuxtape('kernel', 'build', 'arm');
  const shown = (await tuxtape('kernel', 'show', 'arm')) as Shown;
  assert.equal(shown.arch, 'aarch64');
  assert.match(shown.buildId, /^[0-9a-f]{40}$/);
  assert.ok(shown.profile.inVmlinux > 300, `${shown.profile.inVmlinux} objects in vmlinux`);
  await using laid = await overlay(join(shown.treeDirectory, 'build'), new Map());
  const options = { tree: join(shown.treeDirectory, 'build'), toolchain: shown.toolchain, overlay: laid };
  const object = await compileObject({ ...options, object: 'kernel/fork.o' });
  assert.equal(object.readUInt16LE(18), EM_AARCH64);
});
