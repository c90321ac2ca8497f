/**
 * A CVE that no livepatch closes, on a host whose work must not be lost: a counting server is frozen to the disk by CRIU, the machine starts
 * the fixed kernel, and the server goes on counting. Every step is done by the hook runner as it is installed on a host.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { scratch } from '../../testkit/scratch.ts';
import { bundleReboot } from '../../tools/reboot-bundle.ts';
import { cacheRoot } from './prepare/cache.ts';
import { type KernelPair, kernelPair } from './prepare/kernel-pair.ts';
import { RebootHost } from './prepare/reboot-host.ts';

const FREE_PID = 4_000;
const hook = (name: string, more: object = {}): object => ({
  ...{ program: `/opt/hooks/${name}`, arguments: ['{step}', '{plan-id}'], timeoutSeconds: 120 },
  ...more,
});
const hooks = {
  rebootsPerDay: 1,
  hooks: { checkpoint: hook('checkpoint'), reboot: hook('reboot'), restore: hook('restore') },
  facts: {
    comesBack: true,
    checkpointable: { program: '/usr/sbin/criu', arguments: ['check'], timeoutSeconds: 60 },
    nextKernel: { program: '/bin/cat', arguments: ['/data/next-build-id'], timeoutSeconds: 10 },
  },
};

/** As an installer of kernels does: what starts next, and its build-id. */
const install = (name: string, buildId: string): string =>
  `echo ${name} >/data/next-kernel && echo ${buildId} >/data/next-build-id && sync`;
/** With a number that no program of a fresh boot has yet: CRIU gives a process its own number back. */
const startCounter = `echo ${FREE_PID} >/proc/sys/kernel/ns_last_pid && (cd / && setsid /opt/hooks/counter </dev/null >/dev/null 2>&1 &) && sleep 1 && pidof counter >/run/counter.pid`;

let kernels: KernelPair;
let fixedBuildId = '';
const hosts: RebootHost[] = [];

async function newHost(file: object): Promise<RebootHost> {
  const host = await RebootHost.make(await scratch(), file, kernels);
  hosts.push(host);
  return host;
}

describe('a host that cannot be livepatched', () => {
  before(async () => {
    kernels = await kernelPair(cacheRoot());
    console.log(`  hook runner: ${await bundleReboot()} bytes`);
    const host = await newHost(hooks);
    await host.boot('fixed');
    fixedBuildId = await host.buildId();
    await host.powerOff();
  });

  after(() => Promise.all(hosts.map((host) => host.powerOff())));

  test('its server is frozen, the fixed kernel starts, and the server goes on counting', async () => {
    const host = await newHost(hooks);
    await host.boot('running');
    const runningBuildId = await host.buildId();
    assert.equal(await host.ok('uname -r'), kernels.running.release);
    assert.notEqual(runningBuildId, fixedBuildId);
    await host.ok(startCounter);
    await host.ok(install('fixed', fixedBuildId));
    const facts = JSON.parse(
      await host.ok('/opt/tuxtape/bin/tuxtape-reboot facts --state /data/tuxtape-reboot'),
    ) as Record<string, unknown>;
    console.log('  facts', JSON.stringify(facts));
    assert.deepEqual([facts['nextKernel'], facts['checkpointable'], facts['rebootsLeft']], [fixedBuildId, true, 1]);
    for (let i = 0; i < 3; i += 1) await host.ask();
    const last = await host.ask();
    assert.equal(last.clients, 4);

    const started = performance.now();
    const plan = `start --plan criu-0001 --steps checkpoint,reboot,restore --target ${fixedBuildId}`;
    assert.equal(await host.runUntilDown(plan), true, 'the machine went down by itself');
    const next = (await host.onDisk('next-kernel')).trim();
    assert.equal(next, 'fixed');
    await host.powerOff();
    await host.boot('fixed');
    assert.equal((await host.runner('status')).state, 'open');
    const done = await host.runner('resume');
    const pause = (performance.now() - started) / 1000;
    assert.equal(
      done.state,
      'done',
      `${JSON.stringify(done)}\n${await host.ok('cat /data/criu/criu-0001/restore.log; true')}`,
    );

    assert.equal(await host.ok('uname -r'), kernels.fixed.release);
    assert.equal(await host.buildId(), fixedBuildId);
    const first = await host.ask();
    assert.equal(first.token, last.token, 'it is the same process, not a new one');
    assert.deepEqual([first.pid, first.clients], [last.pid, last.clients + 1]);
    assert.ok(first.ticks >= last.ticks);
    await setTimeout(3_000);
    const later = await host.ask();
    assert.ok(later.ticks > first.ticks, 'time goes on for it');
    assert.equal(later.clients, first.clients + 1);
    const seconds = done.records.flatMap((record) =>
      record.what === 'after' ? [`${record.step} ${record.seconds ?? '-'} s`] : [],
    );
    console.log(`  ${seconds.join(', ')}; from the start of the plan to the end of it ${pause.toFixed(1)} s`);

    // The host's own cap, kept over the boot: whatever is asked, there is no second one.
    const again = await host.machine.run(
      `/opt/tuxtape/bin/tuxtape-reboot ${plan.replace('0001', '0002')} --state /data/tuxtape-reboot`,
    );
    assert.equal(again.exitCode, 3);
    assert.match(again.output, /as many kernels as it lets happen/);
    await host.powerOff();
  });

  test('kexec: the same without firmware, in one machine', async () => {
    const kexec = {
      program: '/opt/hooks/kexec',
      arguments: ['/data/boot/kernel', '/data/boot/initrd'],
      timeoutSeconds: 120,
    };
    const other = await newHost({ ...hooks, hooks: { ...hooks.hooks, kexec } });
    await other.boot('running');
    await other.ok(startCounter);
    await other.ok(install('fixed', fixedBuildId));
    const last = await other.ask();
    const started = performance.now();
    await other.runUntilJump(`start --plan kexec-0001 --steps checkpoint,kexec,restore --target ${fixedBuildId}`);
    const done = await other.runner('resume');
    console.log(
      `  kexec: from the start of the plan to the end of it ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    assert.equal(done.state, 'done', JSON.stringify(done));
    assert.equal(await other.ok('uname -r'), kernels.fixed.release);
    assert.equal(await other.buildId(), fixedBuildId);
    const first = await other.ask();
    assert.deepEqual([first.token, first.pid, first.clients], [last.token, last.pid, last.clients + 1]);
    await other.powerOff();
  });

  test('a power cut in the middle of the checkpoint: what ran is known, and nothing is started anew', async () => {
    const slow = { ...hooks, rebootsPerDay: 9, hooks: { ...hooks.hooks, checkpoint: hook('slow') } };
    const other = await newHost(slow);
    await other.boot('running');
    await other.ok(install('fixed', fixedBuildId));
    const cut = other.machine.run(
      `/opt/tuxtape/bin/tuxtape-reboot start --plan cut-0001 --steps checkpoint,reboot,restore --target ${fixedBuildId} --state /data/tuxtape-reboot`,
    );
    cut.catch(() => {});
    while (!(await other.machine.console()).includes('hook slow runs')) await setTimeout(100);
    await other.powerOff();
    await other.boot('running');
    const { records } = await other.runner('status');
    assert.deepEqual(
      records.map(({ what }) => what),
      ['start', 'before'],
    );
    const end = await other.runner('resume');
    assert.equal(end.state, 'failed');
    assert.match(end.why, /checkpoint: unknown/);
    assert.deepEqual(
      end.records.flatMap((one) => (one.what === 'before' ? [one.step] : [])),
      ['checkpoint', 'restore'],
    );
    await other.powerOff();
  });
});
