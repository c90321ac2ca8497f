/**
 * Debug information against the build itself, of every kernel that the proof has built: whatever the build read for the
 * kernel is in the profile from debug information, or absence is said to mean nothing there. Skips what is not built.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { blindToDebugInfo, readDebugProfile, readProfile } from '#kernel';
import { scratch } from '../../testkit/scratch.ts';
import { cacheRoot } from './prepare/cache.ts';

const kernels = join(cacheRoot(), 'kernels');
const trees = (existsSync(kernels) ? readdirSync(kernels) : [])
  .map((name) => join(kernels, name, 'build'))
  .filter((tree) => existsSync(join(tree, '../out/vmlinux')));

async function debugPackage(tree: string): Promise<string> {
  const folder = await scratch();
  await copyFile(join(tree, '../out/vmlinux'), join(folder, 'vmlinux'));
  for (const entry of await readdir(tree, { withFileTypes: true, recursive: true }))
    if (entry.isFile() && entry.name.endsWith('.ko'))
      await copyFile(join(entry.parentPath, entry.name), join(folder, entry.name));
  return folder;
}

test('a built kernel and its debug information agree', { skip: trees.length === 0, timeout: 900_000 }, async (t) => {
  for (const tree of trees) {
    const build = await readProfile(tree);
    const { profile, release } = await readDebugProfile({
      directory: await debugPackage(tree),
      sources: build.sources,
      complete: true,
    });
    assert.deepEqual(profile.unreadable, []);
    const isKernel = build.objects.map(({ target }) => target !== null);
    const read = [...build.files].filter(([, users]) => users.some((index) => isKernel[index]!)).map(([file]) => file);
    const lacking = read.filter((file) => !profile.files.has(file));
    t.diagnostic(`${release}: the build read ${read.length} files, ${lacking.length} of them not in debug information`);
    assert.deepEqual(
      lacking.filter((file) => !blindToDebugInfo(file)),
      [],
    );
  }
});
