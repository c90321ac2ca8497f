/** The proof: one announcement becomes one patched host, on a real kernel, compiler, archive and virtual machine. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { GateRecord, LivepatchRecipe, ReleaseIndex, Verdict } from '#domain';
import { treeLayout } from '#kernel';
import { approveByCli } from '../../testkit/approvals.ts';
import { serveFolder } from '../../testkit/static-server.ts';
import { misdirected, tampered } from './prepare/archives.ts';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn, failing } from './prepare/cli.ts';
import { AgentHost } from './prepare/host.ts';
import { type BuiltKernel, builtKernel, source61, source72, sourceOr } from './prepare/kernels.ts';
import { compiledFixes, patchesOf, sharedFeeds, sharedFixes } from './prepare/shared.ts';

/** A real CVE whose fix is in ../shared/fixes and changes one function of kernel/signal.c. */
const CVE = 'CVE-2026-53352';
/** Its fix changes a file of this kernel, in lines that are not compiled. */
const LEFT_OUT = 'CVE-2026-53006';
/** This fix grows a structure: kpatch-build makes a module of it that writes past objects allocated before. */
const GROWS_A_STRUCTURE = 'a6d57084372161f86660bc4607784420e00efe2c.patch';
/** Came and went after this kernel's version, and another that nobody knows. */
const [NOT_AFFECTING, UNKNOWN] = ['CVE-2026-43074', 'CVE-1999-0001'];
const FIXES_COMPILED_AT_LEAST = 30;
const PATCHES = join(import.meta.dirname, 'patches');

const cache = cacheRoot();
let data: string;
let tuxtape: Cli;
let toolchain: string;
let synced = false;
/** Modules that were built, loaded on a virtual host and seen patched there. */
const patched: string[] = [];

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  tuxtape = cliIn(data, join(cache, 'kernels'));
});

after(async () => {
  await rm(data, { recursive: true, force: true });
  assert.ok(patched.length > 0, 'no module was built, loaded and seen patched: nothing is proved');
  console.log(`  seen patched: ${patched.join(', ')}`);
});

test('the announcements and records of ../shared are read', async (t) => {
  const feeds = await sharedFeeds(cache);
  if (feeds === undefined) return t.skip('../shared is not there: no feed to read');
  const summary = (await tuxtape('feed', 'sync', '--lore', feeds.lore, '--vulns', feeds.vulns)) as {
    lore: { mails: number };
    vulns: { changed: number };
  };
  assert.ok(summary.lore.mails > 15_000, `${summary.lore.mails} mails`);
  assert.ok(summary.vulns.changed > 14_000, `${summary.vulns.changed} records`);
  const again = (await tuxtape('feed', 'sync', '--lore', feeds.lore, '--vulns', feeds.vulns)) as typeof summary;
  assert.deepEqual([again.lore.mails, again.vulns.changed], [0, 0]);
  synced = true;
});

test('6.1 by kpatch-build: from a CVE to a patched host', async (t) => {
  toolchain = join(cache, 'toolchain/trixie');
  await tuxtape('toolchain', 'make', toolchain);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return;
  const kernel = await builtKernel(tuxtape, cache, 'server', source, toolchain);
  const fixes = sharedFixes();
  let change = ['--patch', join(PATCHES, '6.1-cmdline.patch')];
  if (synced && fixes !== undefined && source.version.startsWith('6.1.170')) {
    await countCompiledFixes(kernel, fixes);
    await triageNames(kernel.name);
    await provesByCompiling(kernel.name, fixes);
    change = ['--cve', CVE, '--fixes', fixes];
  } else {
    console.log('  a change of ours stands in for a CVE: ../shared or the exact kernel source is not there');
  }
  const livepatch = await provedLivepatch(kernel, change);
  assert.equal(livepatch.recipe.engine, 'kpatch');
  await publishedAndLoaded(kernel, livepatch);
});

test('start-up code is left out of a fix, and said; or the fix is refused', async () => {
  const change = ['livepatch', 'build', '--kernel', 'server', '--patch', join(PATCHES, '6.1-init.patch')];
  const { livepatch } = (await tuxtape(...change)) as { livepatch: Livepatch };
  assert.deepEqual(
    livepatch.recipe.answers?.map(({ code, path }) => `${code} ${path}`),
    ['init-hunk-left-out fs/proc/cmdline.c'],
  );
  assert.deepEqual(livepatch.recipe.functions, [{ object: 'vmlinux', name: 'cmdline_proc_show' }]);
  assert.equal((await failing(tuxtape(...change, '--no-answers'))).error.code, 'init-mixed');
});

test('what must not become a livepatch is refused before a compiler runs', async (t) => {
  const fixes = sharedFixes();
  if (!synced || fixes === undefined) return t.skip('../shared is not there: no real fixes');
  const code = async (...change: string[]): Promise<string> => {
    const refusal = await failing(tuxtape('livepatch', 'build', '--kernel', 'server', ...change));
    return refusal.error.code;
  };
  assert.equal(await code('--patch', join(fixes, GROWS_A_STRUCTURE)), 'layout-may-change');
  assert.equal(await code('--cve', NOT_AFFECTING, '--fixes', fixes), 'not-affected');
  assert.equal(await code('--cve', UNKNOWN, '--fixes', fixes), 'not-found');
  assert.equal(await code('--cve', CVE, '--fixes', data), 'fixes-missing');
  assert.equal(await code('--patch', join(data, 'none.patch')), 'file-missing');
});

test('7.2 by klp-build: from a change of ours to a patched host', async (t) => {
  const source = await sourceOr(t, () => source72(cache));
  if (source === undefined) return;
  const kernel = await builtKernel(tuxtape, cache, 'small', source, null);
  const livepatch = await provedLivepatch(kernel, ['--patch', join(PATCHES, '7.2-cmdline.patch')]);
  assert.equal(livepatch.recipe.engine, 'klp');
  const host = await publishedAndLoaded(kernel, livepatch);
  assert.match(host.cmdline, /livepatched=yes$/);
});

/** How many of the given fixes change a file that is compiled into this kernel: the configuration must be worth proving. */
async function countCompiledFixes(kernel: BuiltKernel, fixes: string): Promise<void> {
  const all = await patchesOf(fixes);
  const compiled = await compiledFixes(kernel, fixes);
  console.log(`  ${compiled.length} of ${all.length} fixes change a file that is compiled into kernel ${kernel.name}`);
  assert.ok(compiled.length >= FIXES_COMPILED_AT_LEAST);
}

async function triageNames(kernel: string): Promise<void> {
  const { counts, verdicts } = (await tuxtape('triage', '--kernel', kernel, '--limit', '0')) as {
    counts: { status: string; count: number }[];
    verdicts: Verdict[];
  };
  const verdict = verdicts.find(({ cve }) => cve === CVE);
  assert.equal(verdict?.status, 'affected', `${CVE} affects this kernel`);
  const build = verdict.evidence.find(({ rung }) => rung === 'build');
  assert.equal(build?.outcome, 'supports', 'because its file is compiled in');
  console.log(`  ${CVE}: ${build.sentence}`);
  for (const status of ['affected', 'not_affected', 'fixed', 'under_investigation']) {
    const count = counts.filter((row) => row.status === status).reduce((sum, row) => sum + row.count, 0);
    assert.ok(count > 0, `some CVEs are ${status}`);
    console.log(`  ${status}: ${count}`);
  }
}

/** A fix that changes an object, and one whose lines this configuration leaves out: only a compiler can tell them apart. */
async function provesByCompiling(kernel: string, fixes: string): Promise<void> {
  await tuxtape('triage', '--kernel', kernel, 'prove', CVE, LEFT_OUT, '--fixes', fixes);
  for (const [cve, status] of [
    [CVE, 'affected'],
    [LEFT_OUT, 'not_affected'],
  ] as const) {
    const verdict = (await tuxtape('triage', '--kernel', kernel, 'explain', cve)) as Verdict;
    const last = verdict.evidence.findLast(({ rung }) => rung !== 'fleet');
    console.log(`  ${cve}: ${last?.sentence}`);
    assert.deepEqual([verdict.status, last?.rung], [status, 'object']);
  }
}

interface Livepatch {
  readonly id: string;
  readonly moduleName: string;
  readonly recipe: LivepatchRecipe;
  readonly gate: GateRecord;
}

async function provedLivepatch(kernel: BuiltKernel, change: readonly string[]): Promise<Livepatch> {
  const { livepatch } = (await tuxtape('livepatch', 'build', '--kernel', kernel.name, ...change)) as {
    livepatch: Livepatch;
  };
  console.log(`  changed: ${livepatch.recipe.functions.map(({ object, name }) => `${object}:${name}`).join(', ')}`);
  assert.ok(livepatch.recipe.functions.length > 0);
  const archive = join(data, 'refused');
  const keys = join(data, 'refused-keys');
  await tuxtape('archive', 'init', archive, '--keys', keys);
  const refusal = await failing(tuxtape('archive', 'publish', livepatch.id, '--archive', archive, '--keys', keys));
  assert.equal(refusal.error.code, 'gate-missing', 'what is not proved is not published');
  await rm(archive, { recursive: true });
  await rm(keys, { recursive: true });
  await tuxtape('livepatch', 'verify', livepatch.id);
  const proved = (await tuxtape('livepatch', 'show', livepatch.id)) as Livepatch;
  assert.equal(proved.gate.passed, true);
  console.log(
    `  proof: ${proved.gate.checks.length} checks passed in ${proved.gate.seconds} s on ${proved.gate.machine}`,
  );
  return proved;
}

/** Publishes, boots a host with the agent, sees every bad archive refused with nothing loaded, and the good one loaded. */
async function publishedAndLoaded(kernel: BuiltKernel, livepatch: Livepatch): Promise<{ cmdline: string }> {
  const web = join(data, `web-${kernel.name}`);
  const archive = join(web, 'good');
  const keys = join(data, `keys-${kernel.name}`);
  const place = ['--archive', archive, '--keys', keys];
  await tuxtape('archive', 'init', archive, '--keys', keys);
  await tuxtape('archive', 'subscribe', kernel.name, ...place);
  const early = await failing(tuxtape('archive', 'publish', livepatch.id, ...place));
  assert.equal(early.error.code, 'approval-missing', 'what nobody approved is not published');
  const reviewers = await approveByCli(tuxtape, join(data, 'reviewers'), livepatch.id);
  await tuxtape('archive', 'publish', livepatch.id, ...place);
  const { kernels } = (await tuxtape('archive', 'show', archive)) as { kernels: ReleaseIndex[] };
  const [release] = kernels[0]!.releases;
  assert.deepEqual(release!.approval, { needed: reviewers.length, reviewers });
  await tampered(archive, join(web, 'tampered'));
  await misdirected(archive, keys, join(web, 'misdirected'), kernels[0]!);

  await using server = await serveFolder(web);
  const out = treeLayout(kernel.treeDirectory).out;
  const host = await AgentHost.boot(out, kernel.release, server.port, await readFile(join(archive, 'root.json')));
  try {
    await refuses(host, 'tampered', 'target-mismatch', 16);
    await refuses(host, 'misdirected', 'release-mismatch', 17);
    await refuses(host, 'nowhere', 'metadata-missing', 18);
    await inAMonth(host, () => refuses(host, 'good', 'metadata-expired', 11));
    await accepts(host, livepatch);
    const { output } = await host.machine.run('cat /proc/cmdline');
    return { cmdline: output.trim() };
  } finally {
    await host.machine.stop();
  }
}

async function refuses(host: AgentHost, path: string, code: string, exitCode: number): Promise<void> {
  const poll = await host.poll(path, `state-${code}`);
  assert.equal(poll.status.error?.code, code, poll.output);
  assert.equal(poll.exitCode, exitCode);
  assert.deepEqual(await host.loaded(), [], `nothing is loaded after ${code}`);
  console.log(`  refused: ${poll.status.error.what}`);
}

/** Sets the host's clock a month ahead: every timestamp of today has expired by then. */
async function inAMonth(host: AgentHost, body: () => Promise<void>): Promise<void> {
  const set = async (seconds: number): Promise<void> => {
    const { exitCode, output } = await host.machine.run(`date -s @${Math.round(Date.now() / 1000 + seconds)}`);
    assert.equal(exitCode, 0, output);
  };
  await set(30 * 86_400);
  await body();
  await set(0);
}

async function accepts(host: AgentHost, { moduleName, recipe }: Livepatch): Promise<void> {
  const first = await host.poll('good', 'state');
  assert.equal(first.exitCode, 0, first.output);
  assert.equal(first.status.state, 'accepted');
  assert.equal(first.status.error, null);
  assert.equal(first.status.kernel.buildId, recipe.buildId);
  assert.equal(first.status.release?.moduleName, moduleName);
  assert.deepEqual(first.status.release.cves, recipe.cves);
  assert.deepEqual(await host.loaded(), [moduleName]);
  const states = await host.machine.run(`cd /sys/kernel/livepatch/${moduleName} && cat enabled transition */patched`);
  assert.deepEqual(states.output.trim().split('\n').slice(0, 2), ['1', '0'], 'enabled, no transition');
  assert.ok(
    states.output
      .trim()
      .split('\n')
      .slice(2)
      .every((state) => state === '1'),
    'every object is patched',
  );
  console.log(`  the host says: ${first.status.state}, ${first.status.note}`);
  const second = await host.poll('good', 'state');
  assert.equal(second.exitCode, 0);
  assert.equal(second.status.note, 'the newest release is loaded');
  patched.push(moduleName);
}
