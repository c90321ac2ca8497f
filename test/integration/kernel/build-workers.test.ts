/** Workers that are killed, that are two, that have lost their lease; and a log that is followed from elsewhere. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MOST_DEATHS } from '#domain';
import { plainEnvironment, systemClock } from '#host';
import { buildAndProfile, cancelBuild, workBuilds, workUntilEnded } from '#pipeline';
import { inTransaction, loadProfile, moveBuild, needKernel, noteProgress } from '#store';
import {
  addTiny,
  ask,
  type BuildPlace,
  beat,
  buildPlace,
  environmentOf,
  hasten,
  isStill,
  until,
} from '../../../testkit/builds.ts';
import { tuxtape } from '../../../testkit/cli.ts';

const never = new AbortController().signal;
const TUXTAPE = join(import.meta.dirname, '../../../bin/tuxtape');

/** A real worker process. */
function startWorker(place: BuildPlace): ChildProcess {
  const env = plainEnvironment(environmentOf(place));
  const child = spawn(TUXTAPE, ['kernel', 'work'], { env, stdio: 'ignore' });
  after(() => void child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('a worker that is killed leaves a build that the next one takes up; its make dies with it', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'slow');
  const asked = await ask(place, 'slow');
  const first = startWorker(place);
  const running = await until(place, asked.id, ({ state, compiled }) => state === 'running' && compiled > 0);
  assert.equal(running.attempt, 1);
  await kill(first);
  assert.ok(await isStill(kernel), 'no make outlives its worker');
  await hasten(kernel);
  const started = performance.now();
  const ended = await workUntilEnded({ ...place, signal: never }, asked.id, () => {});
  console.log(`taken up and built ${((performance.now() - started) / 1000).toFixed(1)} s after the kill`);
  assert.deepEqual([ended.state, ended.attempt, ended.deaths], ['done', 2, 1]);
  assert.deepEqual((await readdir(join(kernel.treeDirectory, 'logs'))).toSorted(), [
    `${asked.id}.1.log`,
    `${asked.id}.2.log`,
  ]);
  assert.match(await readFile(ended.log!, 'utf8'), /^cleaned/, 'what a killed make left is not trusted');
});

test('an attempt whose build another worker has taken up can write nothing any more', async () => {
  const place = await buildPlace();
  const { db } = place.store;
  const kernel = await addTiny(place);
  const { id } = await ask(place, 'plain');
  const at = new Date();
  assert.equal((await moveBuild(db, id, { type: 'claim' }, { at }))?.attempt, 1);
  assert.equal((await moveBuild(db, id, { type: 'claim' }, { at }))?.attempt, 2);
  assert.equal(await noteProgress(db, { id, attempt: 1 }, { compiled: 9, log: 'x' }), false);
  const error = { code: 'internal', fault: 'us', what: 'x', where: null, remedy: null } as const;
  for (const type of ['succeed', 'fail', 'release'] as const)
    assert.equal(await moveBuild(db, id, { type, attempt: 1 }, { at, error }), null, type);
  // The whole of a stale attempt: it builds, and finds at the end that it may not say so.
  const stale = buildAndProfile({
    store: place.store,
    name: 'plain',
    jobs: 1,
    clock: systemClock,
    onProgress: () => {},
    alsoWrite: async (tx) => {
      if ((await moveBuild(tx, id, { type: 'succeed', attempt: 1 }, { at })) === null) throw new TypeError('stale');
    },
  });
  await assert.rejects(stale, /stale/);
  assert.equal((await needKernel(db, kernel.id)).state, 'added');
  assert.equal(await loadProfile(db, kernel.id), undefined);
  assert.equal((await moveBuild(db, id, { type: 'succeed', attempt: 2 }, { at }))?.state, 'done');
});

test('a build that kills its workers is parked, and the queue goes on', async () => {
  const place = await buildPlace();
  await addTiny(place);
  await addTiny(place, 'plain', 'other');
  const asked = await ask(place, 'plain');
  for (let death = 1; death <= MOST_DEATHS; death += 1)
    await moveBuild(place.store.db, asked.id, { type: 'claim' }, { at: new Date() });
  const other = await ask(place, 'other');
  await workBuilds({ ...place, signal: never }, true);
  const parked = await until(place, asked.id, () => true);
  assert.deepEqual(
    [parked.state, parked.attempt, parked.deaths, parked.error?.code],
    ['failed', MOST_DEATHS, MOST_DEATHS, 'build-poisoned'],
  );
  assert.equal(await place.queue.look(asked.id), 'gone');
  assert.equal((await until(place, other.id, () => true)).state, 'done');
});

test('two workers at once build each kernel once', async () => {
  const place = await buildPlace();
  const names = ['one', 'two', 'three', 'four', 'five', 'six'];
  for (const name of names) {
    const kernel = await addTiny(place, 'plain', name);
    // A build of its own: another constant is another build-id.
    await writeFile(join(kernel.treeDirectory, 'build/kernel/sample.h'), `#define ANSWER ${names.indexOf(name)}\n`);
  }
  const asked = await Promise.all(names.map((name) => ask(place, name)));
  await Promise.all([1, 2].map(() => workBuilds({ ...place, signal: never }, true)));
  const ended = await Promise.all(asked.map(({ id }) => until(place, id, () => true)));
  assert.deepEqual(
    ended.map(({ state, attempt }) => `${state} ${attempt}`),
    names.map(() => 'done 1'),
  );
});

test('a log is followed from another process, and that ends with the build', async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'slow');
  const asked = await ask(place, 'slow');
  const env = environmentOf(place);
  const following = tuxtape(['kernel', 'log', 'slow', '--follow'], env);
  const working = workUntilEnded({ ...place, signal: never }, asked.id, () => {});
  await until(place, asked.id, ({ compiled }) => compiled > 5);
  const whileItRuns = await tuxtape(['kernel', 'log', asked.id], env);
  assert.match(whileItRuns.stdout, /CC {6}kernel\/slow3\.o/);
  assert.notEqual(await beat(kernel), '', 'it runs');
  await cancelBuild(place, asked.id);
  await working;
  const followed = await following;
  assert.equal(followed.exitCode, 0);
  assert.match(followed.stdout, /slow0\.o[\s\S]*slow5\.o/);
  assert.match(followed.stderr, /the build is cancelled/);
});

test('the commands: detach, builds, cancel, work, build of another; their errors', async () => {
  const place = await buildPlace();
  await addTiny(place);
  const env = environmentOf(place);
  const run = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { exitCode, stdout, stderr } = await tuxtape(['--json', 'kernel', ...args], env);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const { build } = (await run('build', 'plain', '--detach', '--memory', '2G', '--timeout', '30m')) as {
    build: { id: string; state: string; memoryBytes: number; timeoutSeconds: number };
  };
  assert.deepEqual([build.state, build.memoryBytes, build.timeoutSeconds], ['queued', 2 ** 31, 1800]);
  assert.equal((await run('build', 'plain', '--detach'))['joined'], true);
  assert.equal((await run('cancel', 'plain'))['state'], 'cancelled');
  const refused = await tuxtape(['kernel', 'cancel', 'plain'], env);
  assert.deepEqual([refused.exitCode, /build-cancelled/.test(refused.stderr)], [65, true]);
  await run('build', 'plain', '--detach');
  const ended = (await run('work', '--once')) as unknown as { state: string }[];
  assert.deepEqual(
    ended.map(({ state }) => state),
    ['done'],
  );
  const again = await run('build', 'plain');
  assert.deepEqual(Object.keys(again), ['kernel', 'built', 'kept', 'profile']);
  assert.equal(again['kept'], true);
  const table = await tuxtape(['kernel', 'builds'], env);
  assert.match(table.stdout, /plain\s+done[\s\S]*plain\s+cancelled/);
  for (const wrong of [
    ['--timeout', '3'],
    ['--memory', '1G5'],
    ['--disk', '1K'],
    ['-j', '0'],
  ])
    assert.equal((await tuxtape(['kernel', 'build', 'plain', ...wrong], env)).exitCode, 64, wrong.join(' '));
  assert.equal((await tuxtape(['kernel', 'log', 'nobody'], env)).exitCode, 65);
  await inTransaction(place.store.db, async (tx) => {
    assert.equal((await needKernel(tx, 'plain')).state, 'built');
  });
});
