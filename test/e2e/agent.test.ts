/** A host and its livepatches, in a virtual machine with a real kernel: good ones, recalled ones, and such as break it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hasCode } from '#domain';
import { exitCodes } from '../../src/agent/report/exit-codes.ts';
import { seeded } from '../../testkit/seeded.ts';
import { bundleAgent } from '../../tools/agent-bundle.ts';
import type { AgentMachine, AgentRun } from './prepare/agent-machine.ts';
import { type AgentSite, AgentWorld, type Built } from './prepare/agent-world.ts';
import { sharedFixes } from './prepare/shared.ts';

const CVE = 'CVE-2026-53352';
const FIX = 'f8d720bc2e35d568c18be0644e92a468de428370.patch';
const POINTS = process.env['E2E_FULL'] === '1' ? 200 : 10;
const SEED = Number(process.env['E2E_SEED'] ?? 1);

let world: AgentWorld;
let first: Built;
let second: Built;
let good: Built;
let site: AgentSite;
let host: AgentMachine;

before(async () => {
  await bundleAgent();
  world = await AgentWorld.make();
  const fixes = sharedFixes();
  const fix = fixes === undefined || !existsSync(join(fixes, FIX)) ? '6.1-dummy.patch' : join(fixes, FIX);
  if (fix === '6.1-dummy.patch') console.log('  a change of ours stands in for a CVE: ../shared is not there');
  first = await world.build(fix);
  second = await world.build(fix, '6.1-cmdline.patch');
});
after(async () => {
  await site?.[Symbol.asyncDispose]();
  await world?.close();
});

function ends(run: AgentRun, code: string): void {
  assert.equal(run.status.error?.code, code, run.output);
  assert.equal(run.exitCode, exitCodes[code], run.output);
  console.log(`  ${code}: ${run.status.error.what}`);
}

/** In the background: reads /proc/cmdline once the livepatch is through its transition, as anything on a host may. */
async function touches({ name }: Built): Promise<void> {
  const on = `[ "$(cat /sys/kernel/livepatch/${name}/transition 2>/dev/null)" = 0 ]`;
  await host.shell(`(until ${on}; do sleep 0.2; done; sleep 2; cat /proc/cmdline) >/dev/null 2>&1 &`);
}

test('from the package to a first release that is empty', async () => {
  site = await world.host('--ring canary --soak 15 --grace 0');
  host = site.machine;
  const run = await host.agent('run');
  assert.equal(run.exitCode, 0, run.output);
  assert.deepEqual([run.status.state, run.status.standing, run.status.loaded], ['idle', 'current', null]);
  assert.equal(run.status.ring, 'canary');
  assert.deepEqual(await host.on(), []);
  assert.equal((await host.shell('tuxtape-agent doctor')).exitCode, 0);
});

test('the livepatch of a CVE is loaded, watched and accepted; a cumulative one replaces it', async () => {
  await site.publish(first, CVE);
  const checked = await host.shell('tuxtape-agent check --json');
  assert.match(checked.output, /"next":"fetch"/);
  assert.deepEqual(await host.on(), [], 'to check is to do nothing');
  const run = await host.agent('run');
  assert.equal(run.exitCode, 0, run.output);
  assert.deepEqual([run.status.state, run.status.standing], ['accepted', 'current']);
  assert.deepEqual(await host.on(), [first.name]);
  assert.match((await host.shell('tuxtape-agent cves')).output, new RegExp(`^${CVE}$`, 'm'));
  assert.match((await host.shell('tuxtape-agent effective')).output, /\+tuxtape\.1\n$/);
  await site.publish(second, CVE);
  assert.equal((await host.agent('run')).exitCode, 0);
  assert.deepEqual(await host.on(), [second.name]);
  assert.match((await host.shell('cat /proc/cmdline')).output, /livepatched=yes$/m);
  assert.doesNotMatch((await host.shell('cat /proc/modules')).output, new RegExp(first.name), 'the old module is gone');
});

test('a recall is answered by the release before it, at the next run', async () => {
  await site.recall(2, 'it says too much');
  ends(await host.agent('run'), 'recalled');
  assert.deepEqual(await host.on(), [first.name]);
  assert.doesNotMatch((await host.shell('cat /proc/cmdline')).output, /livepatched/);
  assert.equal((await host.agent('run')).exitCode, 0);
  assert.equal(await host.enablings(second.name), 1);
});

async function isTakenBack(patch: string): Promise<void> {
  const bad = await world.build(patch);
  await site.publish(bad);
  await touches(bad);
  ends(await host.agent('run --soak 60'), 'kernel-report');
  assert.deepEqual(await host.on(), [first.name]);
  const again = await host.agent('run');
  assert.equal(again.exitCode, 0, again.output);
  assert.equal(again.status.standing, 'behind', 'it is said that this host lacks a release');
  assert.equal(await host.enablings(bad.name), 1);
}

test('one that warns is taken back, and not loaded again', () => isTakenBack('6.1-warn.patch'));

test('one whose transition does not complete is turned back, by name of who held it up', async () => {
  const stall = await world.build('6.1-stall.patch');
  await site.publish(stall);
  await host.shell('vforker >/dev/null 2>&1 &');
  const run = await host.agent('run --transition 20');
  ends(run, 'transition-stalled');
  assert.match(run.output, /blocked by .*\d+ vforker: .*kernel_clone/);
  assert.deepEqual(await host.on(), [first.name], 'what was there before is still there');
  await host.shell('killall -9 vforker');
  assert.equal((await host.agent('run')).exitCode, 0);
  assert.equal(await host.enablings(stall.name), 1);
  assert.doesNotMatch((await host.shell('dmesg')).output, /forcing remaining tasks/);
});

test('one that takes the machine down is quarantined after the boot, and the accepted one comes back', async () => {
  const panic = await world.build('6.1-panic.patch');
  await site.publish(panic);
  await touches(panic);
  await assert.rejects(host.agent('run --soak 60'), (error) => hasCode(error, 'vm-died'));
  await host.cut();
  await host.boot();
  ends(await host.agent('run'), 'quarantined');
  assert.deepEqual(await host.on(), [first.name]);
  assert.equal(await host.enablings(panic.name), 0);
  assert.equal((await host.status()).uncleanBoots, 1, 'the boot is counted');
});

test('one that oopses is taken back, the host lives, and takes nothing new until it is booted again', async () => {
  await isTakenBack('6.1-oops.patch');
  good = await world.build('6.1-cmdline.patch');
  await site.publish(good);
  ends(await host.agent('run'), 'kernel-tainted');
  assert.equal(await host.enablings(good.name), 0);
  await host.cut();
  await host.boot();
});

test('the accepted one comes back after the boot; functions that somebody else holds are let be until they are free', async () => {
  const events = 'cd /sys/kernel/tracing';
  const probe = `${events} && echo 'p:held cmdline_proc_show' >kprobe_events && echo 1 >events/kprobes/held/enable`;
  assert.equal((await host.shell(probe)).exitCode, 0);
  ends(await host.agent('run'), 'function-probed');
  assert.deepEqual(await host.on(), [first.name]);
  assert.equal(
    (await host.shell(`${events} && echo 0 >events/kprobes/held/enable && echo >kprobe_events`)).exitCode,
    0,
  );
  const run = await host.agent('run');
  assert.equal(run.exitCode, 0, run.output);
  assert.deepEqual(await host.on(), [good.name]);
  first = good;
});

test('a person stops the agent, takes the livepatch back, and lets it be loaded again', async () => {
  await host.shell('echo stop >/etc/tuxtape/level');
  const stopped = await host.agent('run');
  assert.match(stopped.status.note, /level stop/);
  assert.equal(stopped.status.standing, 'unknown');
  await host.shell('rm /etc/tuxtape/level');
  await host.shell('tuxtape-agent revert');
  assert.notDeepEqual(await host.on(), [first.name]);
  assert.equal((await host.agent('run')).status.standing, 'behind');
  const number = (await host.status()).failed.at(-1)?.number;
  await host.agent(`accept ${number}`);
  assert.deepEqual(await host.on(), [first.name]);
});

test(`killed or cut off at ${POINTS} points (seed ${SEED}): never loaded twice, never half, always explained`, async () => {
  await site?.[Symbol.asyncDispose]();
  site = await world.host('--soak 3 --grace 0');
  host = site.machine;
  await site.publish(first, CVE);
  const random = seeded(SEED);
  const started = performance.now();
  await host.agent('run');
  const whole = performance.now() - started;
  for (let i = 0; i < POINTS; i += 1) {
    const ms = Math.round(random() * whole);
    await forget(first);
    if (i % 2 === 0) await killed(ms);
    else await cutOff(ms);
  }
});

/** The host as it was before the first run of the agent. */
async function forget({ name }: Built): Promise<void> {
  const off = `echo 0 >/sys/kernel/livepatch/${name}/enabled 2>/dev/null; while [ -e /sys/kernel/livepatch/${name} ]; do sleep 0.2; done`;
  await host.shell(
    `${off}; rmmod ${name} 2>/dev/null; rm -rf /var/lib/tuxtape-agent/journal.json /var/lib/tuxtape-agent/modules; dmesg -c >/dev/null; sync`,
  );
}

async function killed(ms: number): Promise<void> {
  await host.shell(
    `tuxtape-agent run >/tmp/out 2>&1 & pid=$!; sleep ${ms / 1000}; kill -9 $pid 2>/dev/null; wait $pid; true`,
  );
  const before = (await host.shell('cat /var/lib/tuxtape-agent/journal.json 2>/dev/null; true')).output;
  const run = await host.agent('run');
  const { state } = run.status;
  console.log(`  killed after ${ms} ms, ${stateIn(before)}: ${state}`);
  assert.equal(run.exitCode, 0, run.output);
  assert.deepEqual(await host.on(), [first.name]);
  assert.equal(await host.enablings(first.name), 1);
}

async function cutOff(ms: number): Promise<void> {
  const already = (await host.machine.console()).length;
  const running = host.shell('tuxtape-agent run').catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const { machine } = host;
  await host.cut();
  // All that the kernel printed in this run, up to the very cut.
  const printed = (await machine.console()).slice(already);
  await running;
  await host.boot();
  const before = (await host.shell('cat /var/lib/tuxtape-agent/journal.json 2>/dev/null; true')).output;
  const run = await host.agent('run');
  const on = await host.on();
  const wasAsked = printed.includes(`enabling patch '${first.name}'`);
  const state = stateIn(before);
  console.log(`  cut off after ${ms} ms, ${state}: ${run.status.error?.code ?? 'accepted'}`);
  assert.doesNotMatch(run.output, /journal-damaged/);
  if (['loading', 'transitioning', 'soaking'].includes(state)) {
    assert.equal(run.status.error?.code, 'quarantined', run.output);
    assert.deepEqual(on, []);
    assert.equal(await host.enablings(first.name), 0, 'never loaded twice');
  } else {
    assert.ok(!wasAsked || state === 'accepted', 'the intent was on the disk before the kernel was asked');
    assert.deepEqual(on, [first.name]);
  }
}

function stateIn(journal: string): string {
  return journal === '' ? 'no journal' : (JSON.parse(journal) as { state: string }).state;
}
