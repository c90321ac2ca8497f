/** The server's own worker: a build that was only asked for is built by the server that runs. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { isEnded } from '#domain';
import { plainEnvironment } from '#host';
import { profileOf } from '#pipeline';
import { needKernel } from '#store';
import {
  addTiny,
  ask,
  type BuildPlace,
  beat,
  buildPlace,
  environmentOf,
  hasten,
  isStill,
  nothingCame,
  until,
} from '../../../testkit/builds.ts';
import { tuxtape } from '../../../testkit/cli.ts';

const SERVER = join(import.meta.dirname, '../../../src/server/main.ts');
/** So long may a server take to begin a build, and to give one back. */
const TIMEOUT = { timeout: 120_000 };

/** The program that `tuxtape up` starts; it reads nothing of any network. */
async function startServer(place: BuildPlace): Promise<ChildProcess> {
  const off = ['NVD_URL', 'KEV_URL', 'VULNRICHMENT_URL', 'EPSS_URL', 'EXPLOITS_DIRECTORY'];
  const env = plainEnvironment({
    ...environmentOf(place),
    ...Object.fromEntries(off.map((name) => [`TUXTAPE_SIGNALS_${name}`, 'none'])),
    TUXTAPE_FEED_LORE: join(place.home, 'none'),
    TUXTAPE_FEED_VULNS: join(place.home, 'none'),
    TUXTAPE_SERVER_PORT: '0',
  });
  const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) if (line.includes('"listening"')) return child;
  throw new TypeError('the server ended before it listened');
}

/** As a service manager stops it: it must end by itself, and well. */
async function stop(server: ChildProcess): Promise<void> {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
}

async function detached(place: BuildPlace, kernel: string): Promise<string> {
  const { exitCode, stdout, stderr } = await tuxtape(
    ['--json', 'kernel', 'build', kernel, '--detach'],
    environmentOf(place),
  );
  assert.equal(exitCode, 0, stderr);
  const { build } = JSON.parse(stdout) as { build: { id: string; state: string } };
  assert.equal(build.state, 'queued');
  return build.id;
}

test('the server builds what was only asked for; its log is followed from elsewhere', TIMEOUT, async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'slow');
  await hasten(kernel);
  const id = await detached(place, 'slow');
  await nothingCame(place, kernel);
  const following = tuxtape(['kernel', 'log', 'slow', '--follow'], environmentOf(place));
  const server = await startServer(place);
  const followed = await following;
  assert.equal(followed.exitCode, 0, followed.stderr);
  assert.match(followed.stdout, /CC {6}kernel\/slow0\.o[\s\S]*gcc -nostdlib/);
  assert.match(followed.stderr, /the build is done/);
  const done = await until(place, id, ({ state }) => isEnded(state));
  assert.deepEqual([done.state, done.attempt, done.deaths, done.compiled, done.error], ['done', 1, 0, 3, null]);
  const built = await needKernel(place.store.db, kernel.id);
  assert.deepEqual([built.state, built.release], ['built', '6.1.170-tiny']);
  assert.ok(built.buildId !== null);
  const profile = await profileOf(place.store.db, built);
  assert.deepEqual(
    profile?.objects.map(({ source }) => source),
    ['kernel/sample.c'],
  );
  assert.equal((await ask(place, 'slow')).total, 3, 'the next build of it knows how many files there are');
  // What is asked for while it runs is taken up, too; another constant is another build-id.
  const other = await addTiny(place, 'plain');
  await writeFile(join(other.treeDirectory, 'build/kernel/sample.h'), '#define ANSWER 43\n');
  const later = await detached(place, 'plain');
  assert.equal((await until(place, later, ({ state }) => isEnded(state))).state, 'done');
  await stop(server);
});

test('a make that fails under the server gives no profile, and the next build goes on', TIMEOUT, async () => {
  const place = await buildPlace();
  const broken = await addTiny(place, 'plain', 'broken');
  await writeFile(join(broken.treeDirectory, 'build/kernel/sample.h'), '#define ANSWER forty_two\n');
  await addTiny(place, 'plain');
  const id = await detached(place, 'broken');
  const next = await detached(place, 'plain');
  const server = await startServer(place);
  const failed = await until(place, id, ({ state }) => isEnded(state));
  assert.deepEqual([failed.state, failed.attempt, failed.error?.code], ['failed', 1, 'kernel-build-failed']);
  assert.match(failed.firstError ?? '', /forty_two/);
  await nothingCame(place, broken);
  assert.equal((await until(place, next, ({ state }) => isEnded(state))).state, 'done');
  const log = await tuxtape(['kernel', 'log', 'broken', '--follow'], environmentOf(place));
  assert.match(log.stdout, /forty_two/);
  assert.match(log.stderr, /the build is failed/);
  await stop(server);
});

test('a server that is stopped gives its build back, and the next server builds it', TIMEOUT, async () => {
  const place = await buildPlace();
  const kernel = await addTiny(place, 'slow');
  const { id } = await ask(place, 'slow');
  const first = await startServer(place);
  await until(place, id, ({ state, compiled }) => state === 'running' && compiled > 0);
  await stop(first);
  assert.notEqual(await beat(kernel), '', 'make had begun');
  assert.ok(await isStill(kernel), 'no make outlives its server');
  const back = await until(place, id, () => true);
  assert.deepEqual([back.state, back.attempt, back.deaths, back.error], ['queued', 1, 0, null]);
  assert.equal(await place.queue.look(id), 'waiting');
  await nothingCame(place, kernel);
  await hasten(kernel);
  const second = await startServer(place);
  const done = await until(place, id, ({ state }) => isEnded(state));
  assert.deepEqual([done.state, done.attempt, done.deaths], ['done', 2, 0]);
  assert.ok((await profileOf(place.store.db, await needKernel(place.store.db, kernel.id))) !== null);
  assert.deepEqual((await readdir(join(kernel.treeDirectory, 'logs'))).toSorted(), [`${id}.1.log`, `${id}.2.log`]);
  await stop(second);
});
