/** The same change for the same kernel is the same module, whoever builds it, where and when. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { cacheRoot } from './prepare/cache.ts';
import { cliIn } from './prepare/cli.ts';
import type { SourcePackage } from './prepare/debian.ts';
import { type BuiltKernel, builtKernel, source61, source72, sourceOr } from './prepare/kernels.ts';

const PATCHES = join(import.meta.dirname, 'patches');
const FULL = process.env['E2E_FULL'] !== undefined;

const cache = cacheRoot();
const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

for (const { name, patch, source: fetch, chroot } of [
  { name: 'server', patch: '6.1-cmdline.patch', source: source61, chroot: join(cache, 'toolchain/trixie') },
  { name: 'small', patch: '7.2-cmdline.patch', source: source72, chroot: null },
] as const)
  test(`two builds of ${patch} in different folders, at different times, are the same bytes`, async (t) => {
    const source = await sourceOr(t, () => fetch(cache));
    if (source === undefined) return;
    const subject = { name, source, chroot };
    const first = await builtIn(subject, join(cache, 'kernels'), patch);
    // In the long proof the kernel's own tree lies elsewhere, too.
    const trees = FULL ? await copyOfTree(first.kernel) : join(cache, 'kernels');
    const second = await builtIn(subject, trees, patch);
    assert.ok(first.module.equals(second.module), 'module.ko differs');
    assert.deepEqual(second.recipe, first.recipe);
  });

interface Subject {
  readonly name: 'server' | 'small';
  readonly source: SourcePackage;
  readonly chroot: string | null;
}

/** Builds the change in a data folder that is new. */
async function builtIn({ name, source, chroot }: Subject, trees: string, patch: string) {
  const data = await newFolder();
  const tuxtape = cliIn(data, trees);
  if (chroot !== null) await tuxtape('toolchain', 'make', chroot);
  const kernel = await builtKernel(tuxtape, cache, name, source, chroot);
  const built = await tuxtape('livepatch', 'build', '--kernel', name, '--patch', join(PATCHES, patch));
  const { id } = (built as { livepatch: { id: string } }).livepatch;
  const kept = join(data, 'livepatches', id);
  const recipe: unknown = JSON.parse(await readFile(join(kept, 'recipe.json'), 'utf8'));
  return { kernel, module: await readFile(join(kept, 'module.ko')), recipe };
}

async function copyOfTree({ treeDirectory }: BuiltKernel): Promise<string> {
  const trees = await newFolder();
  await cp(treeDirectory, join(trees, basename(treeDirectory)), {
    recursive: true,
    preserveTimestamps: true,
    verbatimSymlinks: true,
  });
  return trees;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  folders.push(folder);
  return folder;
}
