/** The factory alone: from a new mail to a proved livepatch that waits for a person, with nobody at work. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { GateRecord, LivepatchRecipe } from '#domain';
import { plainEnvironment, run } from '#host';
import type { Item } from '#pipeline';
import { approveByCli } from '../../testkit/approvals.ts';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn } from './prepare/cli.ts';
import { builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { sharedFeeds, sharedFixes } from './prepare/shared.ts';

/** Announced last, with a fix of one function of kernel/signal.c. */
const NEW = 'CVE-2026-53352';
/** Known before: its fix becomes a livepatch. */
const KNOWN = 'CVE-2026-52930';
/** Known before: its fix changes a table of static data. */
const REFUSED = 'CVE-2026-53238';
const FIXES: Readonly<Record<string, string>> = {
  [NEW]: 'f8d720bc2e35d568c18be0644e92a468de428370.patch',
  [KNOWN]: '1f0d01e35dbb228084d5187212e32c91a30dcbeb.patch',
  [REFUSED]: '95bda3eac0b1454c2cee98d58d9ba6dd8391e843.patch',
};

const cache = cacheRoot();
let home: string;
let data: string;
let tuxtape: Cli;

before(async () => {
  [home, data] = [await mkdtemp(join(tmpdir(), 'tuxtape-feeds-')), await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'))];
  tuxtape = cliIn(data, join(cache, 'kernels'));
});
after(async () => {
  for (const folder of [home, data]) await rm(folder, { recursive: true, force: true });
});

test('a new mail becomes a proved livepatch that waits for approval, and what cannot waits as a task', async (t) => {
  const [feeds, fixes] = [await sharedFeeds(cache), sharedFixes()];
  if (feeds === undefined || fixes === undefined) return t.skip('../shared is not there: no feed and no fixes');
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return;
  if (!source.version.startsWith('6.1.170')) return t.skip('the exact kernel source of the fixes is not there');
  const kernel = await builtKernel(tuxtape, cache, 'server', source, join(cache, 'toolchain/trixie'));
  await mkdir(join(home, 'fixes'));
  for (const name of Object.values(FIXES)) await copyFile(join(fixes, name), join(home, 'fixes', name));
  const announce = await feedWithout(NEW, feeds);
  const { lore, vulns } = announce;
  await tuxtape('feed', 'sync', '--lore', lore, '--vulns', vulns);
  await tuxtape('triage', '--kernel', kernel.name, '--limit', '1');
  await tuxtape('policy', 'set', kernel.name, '--fixes', join(home, 'fixes'));

  const first = await itemsOf('run');
  assert.equal(first.get(KNOWN)?.stage, 'proved');
  assert.equal(first.get(REFUSED)?.stage, 'task');
  assert.match(first.get(REFUSED)!.why, /data|table|policy/i);
  assert.ok(first.get(REFUSED)!.remedy, 'a task says what to do');
  assert.equal(first.get(NEW), undefined, 'nobody knows of it yet');

  await announce.now();
  const started = performance.now();
  await tuxtape('feed', 'sync', '--lore', lore, '--vulns', vulns);
  await tuxtape('triage', '--kernel', kernel.name, '--limit', '1');
  const second = await itemsOf('run');
  const seconds = (performance.now() - started) / 1000;
  console.log(`  from the mail to a proved livepatch: ${seconds.toFixed(1)} s`);
  assert.equal(second.get(NEW)?.stage, 'proved');

  const { gate, recipe } = (await tuxtape('livepatch', 'show', second.get(NEW)!.livepatch!)) as Livepatch;
  assert.deepEqual(recipe.cves, [KNOWN, NEW], 'it is cumulative');
  assert.equal(gate.passed, true);
  assert.ok(recipe.findings !== undefined && recipe.fit !== undefined, 'what a reviewer must know is kept');
  const before = await tuxtape('livepatch', 'list');
  assert.deepEqual(await itemsOf('run'), second, 'nothing new: nothing moves');
  assert.deepEqual(await tuxtape('livepatch', 'list'), before, 'nothing is built twice');

  const waits = second.get(NEW)!;
  assert.match(waits.approval!.state, /^waits for approval \(0 of [12]\)$/);
  assert.match(waits.why, /more approval/);
  assert.deepEqual(recipe.authors, ['autopilot']);
  await approveByCli(tuxtape, join(home, 'reviewers'), waits.livepatch!);
  assert.equal((await itemsOf('run')).get(NEW)?.stage, 'approved');
});

interface Livepatch {
  readonly recipe: LivepatchRecipe;
  readonly gate: GateRecord;
}

/** What `tuxtape pipeline` says of each CVE whose fix is there. */
async function itemsOf(...args: string[]): Promise<Map<string, Item>> {
  const [kernel] = (await tuxtape('pipeline', ...args)) as { items: Item[] }[];
  return new Map(kernel!.items.filter(({ cve }) => cve in FIXES).map((item) => [item.cve, item]));
}

/** Copies of the feeds in which one CVE is not announced yet; `now` announces it. */
async function feedWithout(cve: string, feeds: { lore: string; vulns: string }) {
  const [lore, vulns] = [join(home, 'lore'), join(home, 'vulns.git')];
  await git('clone', '-q', '--bare', feeds.vulns, vulns);
  await git('clone', '-q', '--bare', join(feeds.lore, '0.git'), join(lore, '0.git'));
  const mails = join(lore, '0.git');
  const mail = await git('-C', mails, 'log', '-1', '--format=%H', `--grep=^${cve}:`);
  const [mailsNow, recordsNow] = [
    await git('-C', mails, 'rev-parse', 'HEAD'),
    await git('-C', vulns, 'rev-parse', 'HEAD'),
  ];
  await git('-C', vulns, 'read-tree', 'HEAD');
  await git('-C', vulns, 'rm', '-q', '-r', '--cached', '--', `cve/published/*/${cve}*`);
  const tree = await git('-C', vulns, 'write-tree');
  const before = await git('-C', vulns, 'commit-tree', tree, '-m', 'before');
  const added = await git('-C', vulns, 'commit-tree', `${recordsNow}^{tree}`, '-p', before, '-m', 'announced');
  await git('-C', vulns, 'update-ref', 'HEAD', before);
  await git('-C', mails, 'update-ref', 'HEAD', `${mail}^`);
  const now = async (): Promise<void> => {
    await git('-C', vulns, 'update-ref', 'HEAD', added);
    await git('-C', mails, 'update-ref', 'HEAD', mailsNow);
  };
  return { lore, vulns, now };
}

const SOMEBODY = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@localhost',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@localhost',
};

async function git(...args: string[]): Promise<string> {
  const env = plainEnvironment({ ...SOMEBODY, GIT_INDEX_FILE: join(home, 'index') });
  const { stdout } = await run('git', args, { env, cwd: home, timeoutMs: 120_000, maxOutput: 64 << 20 });
  return stdout.trim();
}
