/** The autopilot on the command line: who may do what, and what needs a person. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addBundledKernel, type Item } from '#pipeline';
import { addVersion, ensurePatch, needKernel, openStore } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { cve, feedOf } from '../../../testkit/feed.ts';

const KERNEL = 'sample-server-6.1';

async function ready() {
  const feed = await feedOf([cve(10_001, { files: ['net/ipv4/udp.c'] })]);
  const url = await databaseUrl();
  const store = await openStore({ dataDirectory: feed.data, databaseUrl: url });
  await addBundledKernel(store);
  await store.close();
  const fixes = join(feed.data, 'fixes');
  await mkdir(fixes);
  // Of another CVE: a source without any fix is refused.
  await writeFile(join(fixes, `${'ab'.repeat(20)}.patch`), '--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n');
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: url };
  const run = (...args: string[]) => tuxtape(args, env);
  const open = () => openStore({ dataDirectory: feed.data, databaseUrl: url });
  assert.equal((await run('feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns)).exitCode, 0);
  assert.equal((await run('triage', '--kernel', KERNEL)).exitCode, 0);
  return { run, fixes, open };
}

test('without a policy the machine does nothing; with one, what it cannot do is a task with its reason', async () => {
  const { run, fixes } = await ready();
  assert.match((await run('pipeline', 'run')).stdout, /no kernel has a policy/);
  assert.match((await run('policy', 'show')).stdout, /does nothing by itself/);
  const set = await run('policy', 'set', KERNEL, '--fixes', fixes, '--quiet', '22:00-06:00', '--zone', 'Europe/Berlin');
  assert.equal(set.exitCode, 0, set.stderr);
  assert.match((await run('policy', 'show')).stdout, /not 22:00-06:00 Europe\/Berlin/);
  for (const args of [['pipeline'], ['pipeline', 'run']]) {
    const [kernel] = JSON.parse((await run('--json', ...args)).stdout) as { kernel: string; items: Item[] }[];
    assert.equal(kernel?.kernel, KERNEL);
    const [item] = kernel.items;
    assert.deepEqual([item?.cve, item?.stage, item?.code], ['CVE-2026-10001', 'task', 'fix-not-found']);
    assert.ok(item?.remedy);
  }
  assert.equal((await run('policy', 'remove', KERNEL)).exitCode, 0);
  assert.equal((await run('policy', 'remove', KERNEL)).exitCode, 65);
});

test('a policy that cannot be read, and a kernel that is not known, are refused and change nothing', async () => {
  const { run } = await ready();
  for (const bad of [
    ['--quiet', '25:00-06:00'],
    ['--quiet', '22:00-06:00', '--zone', 'Mars/Olympus'],
    ['--least', '-1'],
    ['--least', 'high'],
  ])
    assert.notEqual((await run('policy', 'set', KERNEL, ...bad)).exitCode, 0, bad.join(' '));
  assert.notEqual((await run('policy', 'set', 'nobody')).exitCode, 0);
  assert.notEqual((await run('pipeline', '--kernel', 'nobody')).exitCode, 0);
  assert.deepEqual(JSON.parse((await run('--json', 'policy', 'show')).stdout), []);
});

test('what a person made of a fix stands for it', async () => {
  const { run, fixes, open } = await ready();
  await run('policy', 'set', KERNEL, '--fixes', fixes, '--quiet', '00:00-23:59');
  const item = async (): Promise<Item> =>
    (JSON.parse((await run('--json', 'pipeline')).stdout) as { items: Item[] }[])[0]!.items[0]!;
  assert.equal((await item()).code, 'fix-not-found');
  const store = await open();
  const kernel = await needKernel(store.db, KERNEL);
  const now = new Date();
  const named = { kernelId: kernel.id, name: 'CVE-2026-10001', cves: ['CVE-2026-10001'] as const, commits: [] };
  const patch = await ensurePatch(store.db, named, now);
  assert.equal((await item()).code, 'edit-unfinished');
  const version = { sha256: 'a', base: null, text: 'first', reviewKey: 'r', author: 'me', note: 'n' };
  await addVersion(store.db, patch, { ...version, origin: { kind: 'edit' } }, now);
  const first = await item();
  assert.deepEqual([first.stage, first.code], ['waiting', null]);
  assert.match(first.why, /its fix is to be tried, after the quiet hours/);
  await store.close();
});
