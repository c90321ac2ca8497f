/** Builds in the queue: joined, stopped, bounded; and a make that failed never gives a profile. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { treeLayout } from '#kernel';
import { cancelBuild, failureOf, requestBuild, workBuilds, workUntilEnded } from '#pipeline';
import { type KernelBuildRow, listBuilds, loadProfile, needBuild, needKernel } from '#store';
import {
  addTiny,
  ask,
  type BuildPlace,
  beat,
  buildPlace,
  hasten,
  isStill,
  nothingCame,
  plainCaps,
  until,
} from '../../../testkit/builds.ts';

const never = new AbortController().signal;

async function work(place: BuildPlace, build: KernelBuildRow): Promise<KernelBuildRow> {
  return workUntilEnded({ ...place, signal: never }, build.id, () => {});
}

test('a build goes through the queue, is written down, and is kept the next time', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place);
  const done = await work(place, await ask(place, 'plain'));
  assert.deepEqual([done.state, done.attempt, done.deaths, done.kept, done.error], ['done', 1, 0, false, null]);
  assert.ok(done.startedAt !== null && done.endedAt !== null);
  assert.match(await readFile(done.log!, 'utf8'), /gcc -nostdlib/);
  assert.equal((await needKernel(place.store.db, kernel.id)).state, 'built');
  assert.ok((await loadProfile(place.store.db, kernel.id)) !== undefined);
  const again = await work(place, await ask(place, 'plain'));
  assert.deepEqual([again.state, again.kept], ['done', true]);
  assert.equal((await listBuilds(place.store.db, 9)).length, 2);
});

test('two requests join one build, also at once; a rolled back request leaves neither row nor job', async () => {
  const place = await buildPlace();
  await addTiny(place);
  const request = { kernel: 'plain', by: 'test', ...plainCaps };
  const asked = await Promise.all(Array.from({ length: 5 }, () => requestBuild(place, request)));
  assert.equal(new Set(asked.map(({ build }) => build.id)).size, 1);
  assert.equal(asked.filter(({ joined }) => !joined).length, 1);
  const id = asked[0]!.build.id;
  await work(place, asked[0]!.build);
  assert.equal(await place.queue.look(id), 'gone');
  await assert.rejects(requestBuild(place, { ...request, timeoutSeconds: 0 }), 'the database refuses it');
  assert.equal(await place.queue.take(), undefined);
});

test('a make that fails gives its first error and nothing else; mended, it builds', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place);
  const layout = treeLayout(kernel.treeDirectory);
  await writeFile(join(layout.build, 'kernel/sample.h'), '#define ANSWER forty_two\n');
  const failed = await work(place, await ask(place, 'plain'));
  assert.equal(failed.state, 'failed');
  assert.match(failed.firstError!, /kernel\/sample\.h:1:16: error: .*forty_two/);
  const error = failureOf(failed);
  assert.deepEqual([error?.code, error?.fault, error?.where], ['kernel-build-failed', 'kernel-source', failed.log]);
  await nothingCame(place, kernel);
  assert.match(await readFile(failed.log!, 'utf8'), /forty_two/);
  assert.match(await readFile(layout.log, 'utf8'), /forty_two/, 'build.log names the newest');
  await writeFile(join(layout.build, 'kernel/sample.h'), '#define ANSWER 42\n');
  const mended = await work(place, await ask(place, 'plain'));
  assert.equal(mended.state, 'done');
  assert.doesNotMatch(await readFile(mended.log!, 'utf8'), /cleaned/, 'what a failed make left is used again');
  assert.match(await readFile(failed.log!, 'utf8'), /forty_two/, 'the log of the failed one is kept');
});

test('cancel ends make within seconds, leaves nothing half, and a new request starts clean', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'slow');
  const asked = await ask(place, 'slow');
  const working = work(place, asked);
  await until(place, asked.id, ({ compiled }) => compiled > 0);
  const started = performance.now();
  await cancelBuild(place, 'slow');
  const ended = await working;
  assert.equal(ended.state, 'cancelled');
  while (!(await isStill(kernel))) assert.ok(performance.now() - started < 8_000, 'make still runs');
  await until(place, asked.id, () => true);
  await workBuilds({ ...place, signal: never }, true);
  await nothingCame(place, kernel);
  assert.equal(failureOf(ended)?.code, 'build-cancelled');
  await assert.rejects(cancelBuild(place, asked.id), { code: 'build-cancelled' });
  await hasten(kernel);
  const again = await work(place, await ask(place, 'slow'));
  assert.equal(again.state, 'done');
  assert.match(await readFile(again.log!, 'utf8'), /^cleaned/, 'half-written files are not trusted');
});

test('cancelling a build that only waits takes it out of the queue', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place);
  const asked = await ask(place, 'plain');
  await cancelBuild(place, asked.id);
  assert.equal(await place.queue.take(), undefined);
  await workBuilds({ ...place, signal: never }, true);
  await nothingCame(place, kernel);
});

test('time, memory and disk are bounded, each with its own error', async () => {
  const place = await buildPlace();
  const cases = [
    ['slow', { timeoutSeconds: 2 }, 'build-timed-out'],
    ['hungry', { memoryBytes: 200 << 20 }, 'build-over-memory'],
    ['filling', { diskBytes: 100 << 20 }, 'build-over-disk'],
  ] as const;
  for (const [variant, caps, code] of cases) {
    const kernel = await addTiny(place, variant);
    const started = performance.now();
    const ended = await work(place, await ask(place, variant, caps));
    assert.deepEqual([ended.state, ended.error?.code], ['failed', code], JSON.stringify(ended.error));
    assert.ok(performance.now() - started < 20_000, 'it is stopped in time');
    await nothingCame(place, kernel);
  }
});

test('one process that asks for more than twice the cap is refused at once, by its address space', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'hungry');
  const makefile = join(kernel.treeDirectory, 'build/Makefile');
  await writeFile(makefile, (await readFile(makefile, 'utf8')).replaceAll('16 << 20', '1000 << 20'));
  const ended = await work(place, await ask(place, 'hungry', { memoryBytes: 200 << 20 }));
  assert.equal(ended.error?.code, 'kernel-build-failed');
  assert.match(ended.firstError!, /hungry\] Error 3/);
  await nothingCame(place, kernel);
});

test('a worker that is told to stop gives its build back, and that is no death', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'stubborn');
  const asked = await ask(place, 'stubborn');
  const stopping = new AbortController();
  const working = workBuilds({ ...place, signal: stopping.signal });
  while ((await beat(kernel)) === '') await until(place, asked.id, () => true);
  stopping.abort();
  await working;
  assert.ok(await isStill(kernel));
  const back = await needBuild(place.store.db, asked.id);
  assert.deepEqual([back.state, back.attempt, back.deaths], ['queued', 1, 0]);
  assert.equal(await place.queue.look(asked.id), 'waiting');
  await nothingCame(place, kernel);
});
