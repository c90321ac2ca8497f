/** A rollout on the command line, from the archive's release to a stop. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseRolloutFile } from '#domain';
import { openStore } from '#store';
import { BUILD_ID, newArchive, publishOne } from '../../../testkit/archive.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { SpokenHosts } from '../../../testkit/rollout-hosts.ts';
import { scratch } from '../../../testkit/scratch.ts';

const POLICY = `
version = 1
watchSeconds = 60
deadManSeconds = 900
silentSeconds = 900
patienceSeconds = 21600
startWithinSeconds = 300
[[rings]]
name = "canary"
steps = [{ percent = 100, soakSeconds = 0 }]
[thresholds]
success = 98
errorHosts = 1
errorPercent = 50
sample = 1
worsePercent = 2
`;

async function ready() {
  const home = await scratch();
  const place = await newArchive(home);
  await publishOne(place, 'tuxtape_one');
  const policy = join(home, 'policy.toml');
  await writeFile(policy, POLICY);
  const url = await databaseUrl();
  const files = join(home, 'rollouts');
  const run = (...args: string[]) => tuxtape(args, { TUXTAPE_DATA: home, DATABASE_URL: url });
  const start = (...more: string[]) =>
    run(
      'rollout',
      'start',
      BUILD_ID,
      '--archive',
      place.directory,
      '--policy',
      policy,
      '--files',
      files,
      '--reason',
      'June',
      ...more,
    );
  const published = async (): Promise<ReturnType<typeof parseRolloutFile>> => {
    const [name] = (await readdir(join(files, 'rollout'))).filter((one) => one.endsWith('.json'));
    return parseRolloutFile(await readFile(join(files, 'rollout', name!), 'utf8'));
  };
  const open = () => openStore({ dataDirectory: home, databaseUrl: url });
  return { run, start, published, files, open, policy };
}

test('start, plan, status, halt and resume; every stop says what comes next', async () => {
  const { run, start, published, files, open } = await ready();
  const started = await start();
  assert.equal(started.exitCode, 0, started.stderr);
  assert.match(
    started.stdout,
    /slower than the policy, by the floors: ring canary, 100 %: soak 0 s, the floor is 600 s/,
  );
  assert.match(started.stdout, /signs serial 1/);
  assert.equal((await published())?.rollouts[0]?.state, 'open');
  assert.equal((await start()).exitCode, 65);
  const [row] = JSON.parse((await run('--json', 'rollout', 'list')).stdout) as {
    id: string;
    release: { sha256: string };
  }[];
  const store = await open();
  const release = { number: 1, sha256: row!.release.sha256 };
  const hosts = new SpokenHosts(store.db);
  await hosts.say([{ name: 'web-1', buildId: BUILD_ID, state: 'reverted', release }]);
  const web = hosts.ids.get('web-1')!;
  await store.close();
  const plan = await run('rollout', 'plan', '--files', files);
  assert.match(plan.stdout, /halt: halts: no host starts in any ring, because 1 host failed/);
  assert.match((await run('rollout', 'list')).stdout, /running/);
  assert.equal((await run('rollout', 'run', '--once', '--files', files)).exitCode, 0);
  assert.equal((await published())?.rollouts[0]?.state, 'halted');
  const status = (await run('rollout', 'status', row!.id.slice(0, 8))).stdout;
  assert.ok(status.includes(`${web} took it back`));
  assert.match(status, /next: tuxtape rollout resume .* --failures 1/);
  const blind = await run('rollout', 'resume', row!.id, '--failures', '0', '--reason', 'x', '--files', files);
  assert.match(blind.stdout, /refuse: does not resume: 1 host failed, and 0 were looked at/);
  await run('rollout', 'resume', row!.id, '--failures', '1', '--reason', 'web-1 has a bad disk', '--files', files);
  assert.equal((await published())?.rollouts[0]?.state, 'open');
  assert.match((await run('rollout', 'pause', row!.id, '--reason', 'lunch')).stdout, /the next round/);
  await run('rollout', 'recall', row!.id, '--reason', 'over', '--files', files);
  assert.equal((await published())?.rollouts[0]?.state, 'halted');
});

test('what cannot be rolled out is refused, and nothing is made', async () => {
  const { run, start, policy } = await ready();
  assert.equal((await start('--release', '9')).exitCode, 65);
  await writeFile(policy, POLICY.replace('success = 98', 'success = 98\nretries = 3'));
  const bad = await start();
  assert.equal(bad.exitCode, 65);
  assert.match(bad.stderr, /retries/);
  assert.deepEqual(JSON.parse((await run('--json', 'rollout', 'list')).stdout), []);
});
