import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { clear, endWork, keep, makePlace } from '../../../src/pipeline/livepatch-place.ts';
import { scratch } from '../../../testkit/scratch.ts';

const MODULE = join(import.meta.dirname, '../../../src/pipeline/livepatch-place.ts');
const content = {
  module: Buffer.from('module'),
  patch: 'patch',
  recipe: {} as Parameters<typeof keep>[1]['recipe'],
  provenance: {} as Parameters<typeof keep>[1]['provenance'],
};
const none = async (): Promise<boolean> => false;
const all = async (): Promise<boolean> => true;

/** A process that begins a livepatch in `folder`, runs `steps` with its place, and is killed. */
async function killedAfter(folder: string, id: string, steps = ''): Promise<void> {
  const code = `
    import { keep, makePlace } from ${JSON.stringify(MODULE)};
    const place = await makePlace(${JSON.stringify(folder)}, ${JSON.stringify(id)}, async () => false);
    ${steps}
    console.log('there');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const KEEP = `await keep(place, { module: Buffer.from('module'), patch: 'patch', recipe: {}, provenance: {} });`;

test('a finished livepatch leaves its folder and log, a failed one its log', async () => {
  const folder = await scratch();
  const done = await makePlace(folder, 'done', none);
  await writeFile(done.log, 'log');
  await keep(done, content);
  await endWork(done);
  const failed = await makePlace(folder, 'failed', none);
  await writeFile(failed.log, 'log');
  await keep(failed, content);
  await clear(failed);
  assert.deepEqual((await readdir(folder)).sort(), ['done', 'done.log', 'failed.log']);
  assert.deepEqual((await readdir(done.kept)).sort(), ['change.patch', 'module.ko', 'provenance.json', 'recipe.json']);
});

test('what a killed build left is cleared by the next one, and its log kept', async () => {
  const folder = await scratch();
  await killedAfter(folder, 'early', `(await import('node:fs')).writeFileSync(place.log, 'log');`);
  await killedAfter(folder, 'unlisted', KEEP);
  const next = await makePlace(folder, 'next', none);
  assert.deepEqual((await readdir(folder)).sort(), ['early.log', 'next.owner', 'next.part']);
  await clear(next);
});

test('a livepatch that was listed before its build was killed stays', async () => {
  const folder = await scratch();
  await killedAfter(folder, 'listed', KEEP);
  await clear(await makePlace(folder, 'next', all));
  assert.deepEqual(await readdir(folder), ['listed']);
});

test('the work of a living build and folders without an owner are left alone', async () => {
  const folder = await scratch();
  const living = await makePlace(folder, 'living', none);
  await mkdir(join(folder, 'old'));
  await clear(await makePlace(folder, 'next', none));
  assert.deepEqual((await readdir(folder)).sort(), ['living.owner', 'living.part', 'old']);
  await clear(living);
});
