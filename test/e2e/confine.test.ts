/** Objects that a confined header cannot reach come out the same: the compiler says so of every given fix. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readProfile, treeLayout } from '#kernel';
import { confinedHeaders } from '#livepatch';
import { compareObjects, patchedTexts } from '#patch';
import { cacheRoot } from './prepare/cache.ts';
import type { Cli } from './prepare/cli.ts';
import { builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { fixes, type OwnData, ownData, skip } from './prepare/long-proof.ts';
import { compiledFixes } from './prepare/shared.ts';

const cache = cacheRoot();
let own: OwnData;
let tuxtape: Cli;

before(async () => {
  own = await ownData();
  ({ tuxtape } = own);
});
after(() => own[Symbol.asyncDispose]());

test('the change of a confined header alone makes no other object of what it cannot reach', { skip }, async (t) => {
  const root = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', root);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return;
  const kernel = await builtKernel(tuxtape, cache, 'server', source, root);
  const { toolchain } = kernel;
  const tree = treeLayout(kernel.treeDirectory).build;
  const profile = await readProfile(tree);
  let looked = 0;
  for (const { path: name, text } of await compiledFixes(kernel, fixes!)) {
    const changed = await patchedTexts(tree, toolchain, text, name).catch(() => null);
    if (changed === null) continue;
    const whole = new Map(
      [...changed].map(([file, { before: old, after: now }]) => [file, { before: old, after: now! }]),
    );
    const others = new Set(
      [...changed.keys()].flatMap((file) => (file.endsWith('.h') ? [] : (profile.files.get(file) ?? []))),
    );
    for (const { path, names, readers, reached } of await confinedHeaders(tree, text, profile, changed)) {
      const out = profile.files.get(path)!.filter((index) => !reached.has(index) && !others.has(index));
      const only = { ...profile, files: new Map([[path, out]]) };
      const found = await compareObjects({
        tree,
        toolchain,
        profile: only,
        changed: whole,
        jobs: 2,
        maxObjects: 1_000,
      });
      console.log(
        `  ${name.slice(0, 12)} ${path}: ${[...names].join(' ')}; ${reached.size} of ${readers}, ${out.length} compared`,
      );
      assert.deepEqual([found.outcome, found.objects.length], ['same', out.length], found.why ?? '');
      looked += out.length;
    }
  }
  console.log(`  ${looked} objects were told to be out of reach, and are`);
  assert.ok(looked > 0);
});
