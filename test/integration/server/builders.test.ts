/** Livepatches leased to builders over real HTTP and a real PostgreSQL; the builders here say by hand what a builder says. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuilderClient, LeasedJob } from '#contract';
import { MOST_DEATHS } from '#domain';
import { cancelJob, makeByBuilders, retryJob } from '#pipeline';
import { jobResult, listBuilders, needJob, removeBuilder } from '#store';
import {
  ask,
  BUILD_IDS,
  type BuilderServer,
  builderServer,
  FUNCTIONS,
  lease,
  MADE,
  orderOf,
} from '../../../testkit/builder-server.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { kpatchModule } from '../../../testkit/replacing-module.ts';
import { scratch } from '../../../testkit/scratch.ts';

const NETWORK = { code: 'http-failed', fault: 'network', what: 'no answer', where: null, remedy: null } as const;
const PATCH = { code: 'compile-failed', fault: 'patch', what: 'x.c:1: error', where: 'x.c:1', remedy: null } as const;

/** Brings a module of this name that replaces what it says. */
async function bring(client: BuilderClient, { id, attempt, order }: LeasedJob): Promise<boolean> {
  const module = kpatchModule(order.moduleName, FUNCTIONS).toString('base64');
  return client.finish(id, { attempt, log: 'made it\n', module, made: MADE });
}

test('an order waits for a builder that has the kernel, and what it makes comes back with its log', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  assert.equal(await lease(forge), null);
  const seen: string[] = [];
  const make = makeByBuilders(server, {
    ...{ kernelId: server.kernelIds[0]!, cves: [], priority: 0, timeoutSeconds: 60, by: 'test' },
    onStand: ({ state }) => seen.push(state),
  });
  let printed = '';
  const onOutput = (text: string): void => {
    printed += text;
  };
  const making = make(undefined as never, orderOf('one'), { jobs: 1, work: '/', onOutput });
  await sleep(400);
  assert.equal(await lease(forge, BUILD_IDS[1]), null, 'one that has another kernel gets nothing');
  const job = (await lease(forge))!;
  assert.deepEqual(job.order, orderOf('one'));
  assert.equal(await forge.beat(job.id, job.attempt, 'compiling\n'), true);
  assert.equal(await bring(forge, job), true);
  const made = await making;
  assert.deepEqual([made.builder, made.functions, made.engineVersion], ['forge', FUNCTIONS, MADE.engineVersion]);
  assert.deepEqual(made.bytes, kpatchModule('tuxtape_one', FUNCTIONS));
  assert.equal(printed, 'compiling\nmade it\n');
  assert.deepEqual([seen[0], seen.at(-1)], ['queued', 'done']);
  const again = await make(undefined as never, orderOf('one'), { jobs: 1, work: '/', onOutput });
  assert.deepEqual(again.bytes, made.bytes, 'nothing is made twice');
  assert.equal(await lease(forge), null);
});

test('the most urgent job goes first; of equals that of the kernel which the builder used last, then the oldest', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  await ask(server, 'old', { kernel: 1 });
  await ask(server, 'other', { kernel: 2 });
  await ask(server, 'urgent', { kernel: 1, priority: 9 });
  const taken = [];
  for (let left = 3; left > 0; left -= 1) {
    const job = (await lease(forge, BUILD_IDS[1], BUILD_IDS[0]))!;
    taken.push(job.order.moduleName);
    await bring(forge, job);
  }
  assert.deepEqual(taken, ['tuxtape_urgent', 'tuxtape_other', 'tuxtape_old']);
});

test('the same order is asked for once, also at once; each of two builders gets a job of its own', async () => {
  const server = await builderServer();
  const [one, two] = [await server.builder('one'), await server.builder('two')];
  const asked = await Promise.all(Array.from({ length: 5 }, () => ask(server, 'same')));
  assert.equal(new Set(asked.map(({ id }) => id)).size, 1);
  await ask(server, 'next');
  const leased = await Promise.all([lease(one), lease(two), lease(one), lease(two)]);
  const ids = leased.flatMap((job) => job?.id ?? []);
  assert.deepEqual([ids.length, new Set(ids).size], [2, 2]);
});

test('a builder that falls silent loses its job, and what it says later is refused', async () => {
  const server = await builderServer();
  const [dead, alive] = [await server.builder('dead'), await server.builder('alive')];
  const { id } = await ask(server, 'orphan');
  const lost = (await lease(dead))!;
  const deadline = performance.now() + 40_000;
  let found: LeasedJob | null = null;
  while (found === null && performance.now() < deadline) {
    await sleep(500);
    found = await lease(alive);
  }
  assert.deepEqual([found?.id, found?.attempt], [id, lost.attempt + 1]);
  assert.equal(await dead.beat(id, lost.attempt, 'still here\n'), false);
  assert.equal(await bring(dead, lost), false);
  assert.equal(await dead.fail(id, { attempt: lost.attempt, log: '', error: PATCH }), false);
  assert.equal(await bring(alive, found!), true);
  const job = await needJob(server.store.db, id);
  assert.deepEqual([job.state, job.builder, job.deaths], ['done', 'alive', 1]);
  assert.doesNotMatch(job.log, /still here/);
});

test('a builder says nothing of the job of another', async () => {
  const server = await builderServer();
  const [one, two] = [await server.builder('one'), await server.builder('two')];
  await ask(server, 'mine');
  const job = (await lease(one))!;
  assert.equal(await two.beat(job.id, job.attempt, 'me\n'), false);
  assert.equal(await bring(two, job), false);
  assert.equal(await two.giveBack(job.id, job.attempt), false);
  assert.equal(await bring(one, job), true);
});

test('only what a machine failed is tried again, and not for ever; a change that does not compile has failed', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  const { id } = await ask(server, 'unlucky');
  for (let attempt = 1; attempt <= MOST_DEATHS; attempt += 1) {
    const job = (await lease(forge))!;
    assert.equal(job.attempt, attempt);
    assert.equal(await forge.fail(id, { attempt, log: 'no network\n', error: NETWORK }), true);
  }
  assert.equal(await lease(forge), null, 'it is parked');
  const parked = await needJob(server.store.db, id);
  assert.deepEqual([parked.state, parked.error?.code], ['failed', 'http-failed']);
  const broken = await ask(server, 'broken');
  const job = (await lease(forge))!;
  await forge.fail(broken.id, { attempt: job.attempt, log: '', error: PATCH });
  assert.equal(await lease(forge), null);
  assert.deepEqual((await needJob(server.store.db, broken.id)).error, PATCH);
  const retried = await retryJob(server, id, 'somebody');
  assert.deepEqual([retried.state, retried.requestedBy], ['queued', 'somebody']);
  assert.equal((await lease(forge))!.id, retried.id);
  await assert.rejects(retryJob(server, retried.id, 'somebody'), { code: 'job-over' });
});

test('a cancelled job is not wanted any more; one that a builder gives back is the next one’s, and no death', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  const { id } = await ask(server, 'unwanted');
  const job = (await lease(forge))!;
  await cancelJob(server, id);
  assert.equal(await forge.beat(id, job.attempt, ''), false);
  assert.equal(await bring(forge, job), false);
  await assert.rejects(cancelJob(server, id), { code: 'job-over' });
  const returned = await ask(server, 'returned');
  const first = (await lease(forge))!;
  assert.equal(await forge.giveBack(returned.id, first.attempt), true);
  const second = (await lease(forge))!;
  assert.deepEqual([second.id, second.attempt], [returned.id, first.attempt + 1]);
  assert.equal((await needJob(server.store.db, returned.id)).deaths, 0);
});

test('a module that is another one than was asked for, or replaces something else than it says, ends the job', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  const others: [string, string][] = [
    [kpatchModule('tuxtape_other', FUNCTIONS).toString('base64'), 'module tuxtape_other'],
    [kpatchModule('tuxtape_what', [{ object: 'vmlinux', name: 'do_exit' }]).toString('base64'), 'other functions'],
    [Buffer.from('no module').toString('base64'), 'no livepatch module'],
    [kpatchModule('tuxtape_what', FUNCTIONS, 'livepatch=Y\0vermagic=6.2.0 SMP').toString('base64'), '6.2.0'],
  ];
  for (const [module, why] of others) {
    const { id } = await ask(server, 'what');
    const { attempt } = (await lease(forge))!;
    await assert.rejects(forge.finish(id, { attempt, log: '', module, made: MADE }), /422 module-refused/);
    const { state, error } = await needJob(server.store.db, id);
    assert.deepEqual([state, error?.code, error?.fault], ['failed', 'module-refused', 'untrusted']);
    assert.ok(error?.what.includes(why), error?.what);
    assert.equal(await jobResult(server.store.db, id), undefined);
  }
});

test('no token, a wrong one, and one that was taken away open nothing; hostile words are refused', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  await ask(server, 'guarded');
  const refused = /401 unauthorized/;
  await assert.rejects(lease(server.client('')), refused);
  await assert.rejects(lease(server.client(`ttb_${'A'.repeat(43)}`)), refused);
  const job = (await lease(forge))!;
  await assert.rejects(forge.finish(job.id, { attempt: 1, log: '', module: '?', made: MADE }), /400 bad-request/);
  await assert.rejects(forge.beat(`${job.id}/../x`, 1, ''), /40[04]/);
  await assert.rejects(forge.beat(job.id, 1, 'x'.repeat(1 << 17)), /400 bad-request/);
  await assert.rejects(forge.lease({ version: '', kernels: ['../../etc'] }), /400 bad-request/);
  await removeBuilder(server.store.db, 'forge', 'test', new Date());
  await assert.rejects(forge.beat(job.id, job.attempt, ''), refused);
  assert.deepEqual(
    (await listBuilders(server.store.db)).map(({ name, removedAt }) => [name, removedAt !== null]),
    [['forge', true]],
  );
});

test('a job that takes longer than it may is ended, whatever its builder says', async () => {
  const server = await builderServer();
  const forge = await server.builder('forge');
  const { id } = await ask(server, 'slow', { timeoutSeconds: 1 });
  const job = (await lease(forge))!;
  const startedAt = new Date(Date.now() - 12_000);
  await server.store.db.updateTable('livepatch_job').set({ started_at: startedAt }).where('id', '=', id).execute();
  assert.equal(await forge.beat(id, job.attempt, ''), false);
  assert.equal((await needJob(server.store.db, id)).error?.code, 'job-late');
});

test('people add, list and remove builders, and see, cancel and retry jobs', async () => {
  const server: BuilderServer = await builderServer();
  const home = await scratch();
  const env = { TUXTAPE_DATA: home, DATABASE_URL: server.databaseUrl };
  const tokenFile = join(home, 'forge.token');
  const added = await tuxtape(['builder', 'add', 'forge', '--token-file', tokenFile], env);
  assert.equal(added.exitCode, 0, added.stderr);
  assert.doesNotMatch(added.stdout, /ttb_/);
  const twice = await tuxtape(['builder', 'add', 'forge'], env);
  assert.deepEqual([twice.exitCode, /already-there/.test(twice.stderr)], [65, true]);
  const run = ['builder', 'run', '--once', '--server', server.url, '--token-file', tokenFile];
  assert.equal((await tuxtape(run, env)).exitCode, 0);
  assert.match((await tuxtape(['builder', 'list'], env)).stdout, /forge +there/);
  const insecure = await tuxtape(
    ['builder', 'run', '--once', '--server', 'http://192.0.2.1', '--token-file', tokenFile],
    env,
  );
  assert.match(insecure.stderr, /server-insecure/);
  const { id } = await ask(server, 'seen');
  assert.match((await tuxtape(['job', 'list'], env)).stdout, /tuxtape_seen +queued/);
  assert.match((await tuxtape(['job', 'cancel', id], env)).stdout, /state +cancelled/);
  assert.match((await tuxtape(['job', 'retry', id, '--by', 'jane'], env)).stdout, /asked by +jane/);
  assert.equal((await tuxtape(['job', 'show', 'nothing'], env)).exitCode, 65);
});
