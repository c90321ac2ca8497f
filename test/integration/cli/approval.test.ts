/** Approvals on the command line: reviewers and their keys, what is said and refused, and what the autopilot tells of them. */
import assert from 'node:assert/strict';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AUTOPILOT_AUTHOR, type LivepatchRecipe } from '#domain';
import { sha256 } from '#host';
import { addBundledKernel, type Item, keepGate } from '#pipeline';
import { addAutopilotBuild, getCve, openStore, putTrial } from '#store';
import { addProvable, GRAVE } from '../../../testkit/approvals.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { cve, feedOf } from '../../../testkit/feed.ts';

const KERNEL = 'sample-server-6.1';
const CVE = 'CVE-2026-10001';
const DIFF = '--- a/net/ipv4/udp.c\n+++ b/net/ipv4/udp.c\n@@ -1 +1 @@\n-a\n+b\n';

/** A kernel, a CVE that affects it, and a livepatch of it that the autopilot built and proved. */
async function ready(recipe: Partial<LivepatchRecipe> = {}) {
  const feed = await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]);
  const url = await databaseUrl();
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: url };
  const run = (...args: string[]) => tuxtape(args, env);
  const store = await openStore({ dataDirectory: feed.data, databaseUrl: url });
  const kernel = await addBundledKernel(store);
  await run('feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns);
  await run('triage', '--kernel', KERNEL);
  const fixes = join(feed.data, 'fixes');
  await mkdir(fixes);
  const { record } = (await getCve(store.db, CVE))!;
  const commits = new Set(JSON.stringify(record).match(/\b[0-9a-f]{40}\b/g));
  for (const commit of commits) await writeFile(join(fixes, `${commit}.patch`), DIFF);
  await run('policy', 'set', KERNEL, '--fixes', fixes, '--quiet', '00:00-23:59');
  const at = new Date();
  // As the autopilot names a fix: this build, and the text of each commit.
  const key = sha256([kernel.buildId ?? '', DIFF].join('\0')).slice(0, 16);
  await putTrial(store.db, kernel.id, { cve: CVE, key, reason: null, triedAt: at });
  const given = { store, dataDirectory: feed.data };
  const made = await addProvable(given, kernel.id, 'one', { authors: [AUTOPILOT_AUTHOR], ...recipe });
  await keepGate(store, feed.data, made.livepatch, made.gate);
  const build = { wanted: `${CVE} ${key}`, cves: [CVE] as const, livepatch: 'one', reason: null };
  await addAutopilotBuild(store.db, kernel.id, build, at);
  await store.close();
  return { run, data: feed.data, directory: made.livepatch.directory };
}

type Run = Awaited<ReturnType<typeof ready>>['run'];

async function reviewer(run: Run, data: string, name: string): Promise<string> {
  const key = join(data, `${name}.pem`);
  assert.equal((await run('reviewer', 'make', name, '--key', key)).exitCode, 0);
  const added = await run('reviewer', 'add', name, '--public', join(data, `${name}.pub.pem`));
  assert.equal(added.exitCode, 0, added.stderr);
  return key;
}

async function itemOf(run: Run): Promise<Item> {
  const { stdout, stderr } = await run('--json', 'pipeline');
  const [kernel] = JSON.parse(stdout || stderr) as { items: Item[] }[];
  return kernel!.items.find((item) => item.cve === CVE)!;
}

test('what the autopilot proved waits for as many people as it takes, and says for whom', async () => {
  const { run, data } = await ready({ findings: [GRAVE] });
  const first = await itemOf(run);
  assert.equal(first.stage, 'proved', first.why);
  assert.equal(first.approval?.state, 'waits for approval (0 of 2)');
  assert.match(first.why, /2 more approvals.*layout-may-change/);
  const accept = ['--reason', 'no old objects', '--accept', GRAVE.code];
  for (const [name, state] of [
    ['jane', 'waits for approval (1 of 2)'],
    ['omar', 'approved (2 of 2)'],
  ] as const) {
    const key = await reviewer(run, data, name);
    const said = await run('livepatch', 'approve', 'one', '--key', key, ...accept);
    assert.equal(said.exitCode, 0, said.stderr);
    assert.ok(said.stdout.includes(state), said.stdout);
    assert.ok((await run('pipeline')).stdout.includes(state));
  }
  assert.equal((await itemOf(run)).stage, 'approved');
  const listed = JSON.parse((await run('--json', 'livepatch', 'approvals', 'one')).stdout) as { counted: number };
  assert.equal(listed.counted, 2);
});

test('a record that is not to be trusted is a task, and 76 where it is shown', async () => {
  const { run, directory } = await ready();
  assert.match((await run('livepatch', 'show', 'one')).stdout, /record {4}signature good/);
  await writeFile(join(directory, 'change.patch'), 'other');
  const shown = await run('livepatch', 'show', 'one');
  assert.equal(shown.exitCode, 76);
  assert.match(shown.stdout, /NOT TO BE TRUSTED \[gate-refused\].*change\.patch/);
  const item = await itemOf(run);
  assert.deepEqual([item.stage, item.code, item.approval], ['task', 'gate-refused', null]);
});

test('keys are made for their owner, encrypted where that is asked, and never overwritten', async () => {
  const { run, data } = await ready();
  const [key, secret, empty] = [join(data, 'jane.pem'), join(data, 'secret'), join(data, 'empty')];
  await writeFile(secret, 'open sesame\n');
  await writeFile(empty, '\n');
  const make = (...more: string[]) => run('--json', 'reviewer', 'make', 'jane', '--key', key, ...more);
  const code = ({ stderr }: { stderr: string }): string =>
    (JSON.parse(stderr) as { error: { code: string } }).error.code;
  assert.equal(code(await make('--passphrase-file', empty)), 'passphrase-empty');
  assert.equal((await make('--passphrase-file', secret)).exitCode, 0);
  assert.equal((await stat(key)).mode & 0o777, 0o600);
  assert.equal(code(await make()), 'key-exists');
  assert.equal(
    code(await run('--json', 'reviewer', 'make', 'autopilot', '--key', join(data, 'x.pem'))),
    'name-invalid',
  );
  assert.equal(
    code(await run('--json', 'reviewer', 'add', 'jane', '--public', key)),
    'key-invalid',
    'the private half',
  );
  await run('reviewer', 'add', 'jane', '--public', join(data, 'jane.pub.pem'), '--alias', 'Jane Doe');
  const approve = ['--json', 'livepatch', 'approve', 'one', '--key', key, '--reason', 'read it'];
  assert.equal(code(await run(...approve)), 'key-locked');
  assert.equal((await run(...approve, '--passphrase-file', secret)).exitCode, 0);
  assert.match((await run('reviewer', 'list')).stdout, /jane +[0-9a-f]{64} +Jane Doe/);
  await run('reviewer', 'remove', 'jane');
  assert.match((await run('reviewer', 'list')).stdout, /Nobody may approve/);
  assert.equal((await itemOf(run)).approval?.counted, 0);
});

test('a release needs its approvals, or a reason that everybody can read', async () => {
  const { run, data } = await ready();
  const place = ['--archive', join(data, 'archive'), '--keys', join(data, 'archive-keys')];
  await run('archive', 'init', place[1]!, '--keys', place[3]!);
  const refused = await run('archive', 'publish', 'one', ...place);
  assert.equal(refused.exitCode, 65);
  assert.match(refused.stderr, /waits for approval \(0 of 1\); missing: 1 more approval \[approval-missing\]/);
  const forced = await run('archive', 'publish', 'one', ...place, '--without-approval', 'exploited now', '--by', 'kim');
  assert.equal(forced.exitCode, 0, forced.stderr);
  assert.match(forced.stderr, /WARNING: published WITHOUT APPROVAL by kim: exploited now/);
  assert.match((await run('archive', 'show', place[1]!)).stdout, /WITHOUT APPROVAL by kim: exploited now/);
});
