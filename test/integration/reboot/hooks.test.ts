import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { identify, isRoot, runStep, whoElseWrites } from '#host';
import {
  type HookFile,
  HookRunner,
  linuxDoors,
  type Moment,
  type PlanStatus,
  type RebootDoors,
  readHooks,
} from '#reboot';
import { scratch } from '../../../testkit/scratch.ts';

const TARGET = 'ab'.repeat(20);
const OLD = 'cd'.repeat(20);
const PROGRAM = join(import.meta.dirname, '../../../bin/tuxtape-reboot');
const owners = [0, process.getuid!()];
const env = { PATH: '/usr/bin:/bin' };

/** A host with real hooks in real files; which boot it is, and which kernel, the test says. */
class Host {
  readonly folder: string;
  readonly runner: HookRunner;
  now: Moment = { boot: 'boot-0', kernel: OLD, uptime: 1_000, at: '2026-11-25T12:00:00.000Z' };
  stop: string | null = null;

  constructor(folder: string) {
    this.folder = folder;
    const doors: RebootDoors = {
      moment: async () => ({ ...this.now }),
      stopped: async () => this.stop,
      kexecDisabled: async () => false,
    };
    this.runner = new HookRunner({ config: folder, state: join(folder, 'state') }, doors, owners);
  }

  /** Each hook writes its name and its arguments into one file, and does what it is told. */
  static async make(bodies: Readonly<Record<string, string>> = {}, more: object = {}): Promise<Host> {
    const folder = await scratch();
    const hooks: Record<string, object> = {};
    for (const name of ['mitigate', 'drain', 'checkpoint', 'reboot', 'restore', 'return']) {
      const program = join(folder, name);
      const body = bodies[name] ?? '';
      await writeFile(program, `#!/bin/sh\necho "$0 $# $*" >>${folder}/log\n${body}\n`, { mode: 0o755 });
      hooks[name] = { program, arguments: ['{step}', '{plan-id}', 'a b; $(id)'], timeoutSeconds: 10 };
    }
    await writeFile(join(folder, 'next'), `#!/bin/sh\ncat ${folder}/next-kernel\n`, { mode: 0o755 });
    await writeFile(join(folder, 'next-kernel'), `${TARGET}\n`);
    const facts = { comesBack: true, nextKernel: { program: join(folder, 'next'), timeoutSeconds: 5 } };
    await writeFile(join(folder, 'hooks.json'), JSON.stringify({ hooks, facts, rebootsPerDay: 1, ...more }));
    return new Host(folder);
  }

  boots(kernel: string): void {
    this.now = { ...this.now, boot: `${this.now.boot}+`, kernel, uptime: 20, at: '2026-11-25T12:01:00.000Z' };
  }

  async ran(): Promise<string[]> {
    const text = await readFile(join(this.folder, 'log'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(`${this.folder}/`, ''));
  }

  checkpoint(plan = 'plan-0001'): Promise<PlanStatus> {
    return this.runner.start({ plan, steps: ['checkpoint', 'reboot', 'restore'], target: TARGET });
  }
}

const words = (step: string, plan = 'plan-0001'): string => `${step} 3 ${step} ${plan} a b; $(id)`;

describe('a plan with real hooks', () => {
  test('goes over a boot, and each hook gets exactly its own words', async () => {
    const host = await Host.make();
    assert.equal((await host.checkpoint()).state, 'going-down');
    assert.deepEqual(await host.ran(), [words('checkpoint'), words('reboot')]);
    assert.equal((await host.runner.resume()).state, 'going-down', 'it is not done twice in one boot');
    host.boots(TARGET);
    assert.equal((await host.runner.resume()).state, 'done');
    assert.deepEqual(await host.ran(), [words('checkpoint'), words('reboot'), words('restore')]);
    assert.equal((await host.runner.resume()).state, 'done');
    assert.equal((await host.ran()).length, 3);
    const facts = await host.runner.facts();
    assert.equal(facts.pauses.reboot, 60);
    assert.ok(facts.pauses.checkpoint! < 10 && facts.pauses.restore !== undefined);
    assert.deepEqual([facts.rebootsLeft, facts.nextKernel, facts.comesBack, facts.scheduled], [0, TARGET, true, null]);
  });

  test('another kernel than that which was asked for came up: the work is back, and it is said', async () => {
    const host = await Host.make();
    await host.checkpoint();
    host.boots(OLD);
    const { state, why } = await host.runner.resume();
    assert.equal(state, 'failed');
    assert.match(why, new RegExp(`${OLD} came up`));
    assert.equal((await host.ran()).at(-1), words('restore'));
  });

  test('a hook that fails, and one that takes too long, end the way forward', async () => {
    for (const body of ['echo no room >&2; exit 3', 'trap "" TERM; sleep 60 & wait; sleep 60']) {
      const host = await Host.make({ checkpoint: body });
      const file = JSON.parse(await readFile(join(host.folder, 'hooks.json'), 'utf8')) as {
        hooks: Record<string, object>;
      };
      file.hooks['checkpoint'] = { ...file.hooks['checkpoint'], timeoutSeconds: 1 };
      await writeFile(join(host.folder, 'hooks.json'), JSON.stringify(file));
      const { state, records } = await host.checkpoint();
      assert.equal(state, 'failed');
      assert.deepEqual(
        (await host.ran()).map((line) => line.split(' ')[0]),
        ['checkpoint', 'restore'],
      );
      const after = records.find((record) => record.what === 'after');
      assert.ok(after?.what === 'after' && (after.outcome === 'timed-out' || after.said.includes('no room')));
    }
  });

  test('work that does not come back is a case for a person', async () => {
    const host = await Host.make({ restore: 'exit 1' });
    await host.checkpoint();
    host.boots(TARGET);
    assert.equal((await host.runner.resume()).state, 'unsure');
  });

  test('a stop that comes meanwhile holds the boot, and brings work back', async () => {
    const host = await Host.make();
    await writeFile(join(host.folder, 'checkpoint'), `#!/bin/sh\necho stop >${host.folder}/stop-now\n`, {
      mode: 0o755,
    });
    const stopping = new HookRunner(
      { config: host.folder, state: join(host.folder, 'state') },
      {
        moment: async () => host.now,
        stopped: async () => await readFile(join(host.folder, 'stop-now'), 'utf8').catch(() => null),
        kexecDisabled: async () => null,
      },
      owners,
    );
    const { state, why } = await stopping.start({
      plan: 'plan-0001',
      steps: ['checkpoint', 'reboot', 'restore'],
      target: TARGET,
    });
    assert.equal(state, 'failed');
    assert.match(why, /stop/);
    assert.deepEqual(await host.ran(), [words('restore')]);
  });

  test('what is not ready is refused, and nothing is written', async () => {
    const host = await Host.make();
    const refused = async (code: string, plan = 'plan-0001'): Promise<void> => {
      await assert.rejects(host.checkpoint(plan), { code });
      await assert.rejects(readFile(join(host.folder, 'state/journal.jsonl')), { code: 'ENOENT' });
    };
    await refused('plan-invalid', '../../etc/passwd');
    host.stop = 'hooks.stop is there';
    await refused('not-ready');
    host.stop = null;
    await writeFile(join(host.folder, 'next-kernel'), `${OLD}\n`);
    await refused('not-ready');
    await writeFile(join(host.folder, 'next-kernel'), 'what?\n');
    await refused('not-ready');
    await writeFile(join(host.folder, 'next-kernel'), TARGET);
    await assert.rejects(host.runner.start({ plan: 'plan-0001', steps: ['kexec'], target: TARGET }), {
      code: 'not-ready',
    });
    await chmod(join(host.folder, 'restore'), 0o777);
    await refused('hooks-unsafe');
    assert.deepEqual(await host.ran(), []);
  });

  test('a plan runs once, and the cap holds whatever is asked', async () => {
    const host = await Host.make();
    await host.checkpoint();
    await assert.rejects(host.checkpoint('plan-0002'), { code: 'plan-open' });
    host.boots(TARGET);
    await host.runner.resume();
    await assert.rejects(host.checkpoint(), { code: 'plan-used' });
    await assert.rejects(host.checkpoint('plan-0002'), { code: 'not-ready' });
    host.now = { ...host.now, uptime: 86_000, at: '2036-11-25T12:00:00.000Z' };
    await assert.rejects(host.checkpoint('plan-0002'), { code: 'not-ready' }, 'a clock ten years on is no day');
    await writeFile(join(host.folder, 'state/starts.json'), '{"ran": 0');
    await assert.rejects(host.checkpoint('plan-0002'), { code: 'cap-damaged' });
    await rm(join(host.folder, 'state/starts.json'));
    assert.equal((await host.checkpoint('plan-0002')).state, 'going-down');
  });

  test('a damaged journal does nothing', async () => {
    const host = await Host.make();
    await mkdir(join(host.folder, 'state'));
    await writeFile(join(host.folder, 'state/journal.jsonl'), 'x\n');
    await assert.rejects(host.checkpoint(), { code: 'journal-damaged' });
    await assert.rejects(host.runner.resume(), { code: 'journal-damaged' });
    assert.deepEqual(await host.ran(), []);
  });
});

describe('who can change a hook', () => {
  const fileOf = (program: string, words: string[] = []): string =>
    JSON.stringify({ hooks: { drain: { program, arguments: words, timeoutSeconds: 5 } } });

  async function read(folder: string): Promise<HookFile> {
    return readHooks(join(folder, 'hooks.json'), owners);
  }

  test('a file, program, argument or folder that others can write is refused', async () => {
    const folder = await scratch();
    await mkdir(join(folder, 'open'));
    for (const name of ['good', 'open/inside', 'loose'])
      await writeFile(join(folder, name), '#!/bin/sh\n', { mode: 0o755 });
    await chmod(join(folder, 'open'), 0o777);
    await chmod(join(folder, 'loose'), 0o775);
    await symlink(join(folder, 'good'), join(folder, 'open/link'));
    await symlink(join(folder, 'open/link'), join(folder, 'link'));
    await writeFile(join(folder, 'hooks.json'), fileOf(join(folder, 'good'), ['/var/no/such/file', 'word']));
    await read(folder);
    for (const bad of ['open/inside', 'loose', 'open/link', 'link', 'open/../open/inside', 'not-there']) {
      await writeFile(join(folder, 'hooks.json'), fileOf(join(folder, bad)));
      await assert.rejects(read(folder), { code: 'hooks-unsafe' }, bad);
    }
    await writeFile(join(folder, 'hooks.json'), fileOf('/bin/sh', [join(folder, 'loose')]));
    await assert.rejects(read(folder), { code: 'hooks-unsafe' });
    await writeFile(join(folder, 'hooks.json'), fileOf('/bin/sh'));
    await chmod(join(folder, 'hooks.json'), 0o664);
    await assert.rejects(read(folder), { code: 'hooks-unsafe' });
    await chmod(join(folder, 'hooks.json'), 0o644);
    await chmod(folder, 0o770);
    await assert.rejects(read(folder), { code: 'hooks-unsafe' });
  });

  test('a circle of links is no way', async () => {
    const folder = await scratch();
    await symlink(join(folder, 'b'), join(folder, 'a'));
    await symlink(join(folder, 'a'), join(folder, 'b'));
    assert.match((await whoElseWrites(join(folder, 'a'), owners)) ?? '', /too many symbolic links/);
  });

  test('what belongs to another user is refused', {
    skip: isRoot() ? false : 'only root gives files away',
  }, async () => {
    const folder = await scratch();
    await writeFile(join(folder, 'mine'), '', { mode: 0o755 });
    assert.equal(await whoElseWrites(join(folder, 'mine'), [0]), null);
    await chown(join(folder, 'mine'), 65_534, 0);
    assert.match((await whoElseWrites(join(folder, 'mine'), [0])) ?? '', /belongs to user 65534/);
  });
});

describe('this machine', () => {
  test('a stop file, a level and nothing else hold it; what cannot be read holds it, too', async () => {
    const folder = await scratch();
    const doors = linuxDoors(folder);
    assert.equal(await doors.stopped(), null);
    await writeFile(join(folder, 'level'), 'normal\n');
    assert.equal(await doors.stopped(), null);
    for (const level of ['no-new', 'no-apply', 'stop', '', 'what']) {
      await writeFile(join(folder, 'level'), level);
      assert.match((await doors.stopped()) ?? '', /level/, level);
    }
    await rm(join(folder, 'level'));
    await writeFile(join(folder, 'hooks.stop'), '');
    assert.match((await doors.stopped()) ?? '', /hooks.stop/);
    await rm(join(folder, 'hooks.stop'));
    await mkdir(join(folder, 'hooks.stop'));
    assert.match((await doors.stopped()) ?? '', /hooks.stop/);
    const { boot, uptime } = await doors.moment();
    assert.match(boot, /^[0-9a-f-]{36}$/);
    assert.ok(uptime > 0);
  });
});

describe('a program that is run as a step', () => {
  const run = (script: string, timeoutMs = 10_000, maxOutput = 1_000) =>
    runStep('/bin/sh', ['-c', script], { timeoutMs, maxOutput, env });

  test('what it leaves behind is not waited for, and lives on', async () => {
    const { exitCode, ms, output } = await run('setsid sleep 20 & echo $!');
    assert.equal(exitCode, 0);
    assert.ok(ms < 5_000, `${ms} ms`);
    const pid = Number(output);
    process.kill(pid, 0);
    process.kill(pid, 'SIGKILL');
  });

  test('only the end of its output is kept', async () => {
    const { output } = await run('head -c 5000000 /dev/zero | tr "\\0" x; echo end');
    assert.equal(output.length, 1_000);
    assert.match(output, /xend\n$/);
  });

  test('it is stopped with all that it started', async () => {
    const { timedOut, output } = await run('(trap "" TERM; exec sleep 60) & echo $!; wait', 500);
    assert.equal(timedOut, true);
    await gone(Number(output));
  });

  test('it finds only what it is given', async () => {
    process.env['TUXTAPE_SECRET'] = 'x';
    const { output } = await run('env; pwd; cat');
    assert.doesNotMatch(output, /SECRET/);
    const missing = await runStep('/no/such/program', [], { timeoutMs: 5_000, maxOutput: 1_000, env });
    assert.equal(missing.exitCode, 127);
  });
});

describe('kill -9', { skip: isRoot() ? false : 'the program runs as root' }, () => {
  test('of the runner, at any hook: what ran is known, the hook is dead, the work comes back', async () => {
    for (const slow of ['drain', 'return']) {
      const host = await Host.make({
        [slow]: 'echo $$ >$(dirname $0)/pid; [ -e $(dirname $0)/calm ] || exec sleep 60',
      });
      await writeFile(join(host.folder, 'reboot'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      const child = program(host, 'start', '--plan', 'plan-0001', '--steps', 'drain,reboot,return', '--target', TARGET);
      const hook = Number(await appears(join(host.folder, 'pid')));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
      await gone(hook);
      const status = await output(program(host, 'status'));
      assert.equal(status.state, 'open');
      assert.equal(status.records.at(-1)?.what, 'before', `the ${slow} hook was begun, and that is all that is known`);
      await writeFile(join(host.folder, 'calm'), '');
      const resumed = await output(program(host, 'resume'));
      assert.equal(resumed.state, 'failed');
      const steps = (await host.ran()).map((line) => line.split(' ')[0]);
      assert.deepEqual(steps, slow === 'drain' ? ['drain', 'return'] : ['drain', 'return', 'return']);
    }
  });

  test('two runners at once: one works, the other is refused', async () => {
    const host = await Host.make({ drain: 'echo $$ >$(dirname $0)/pid; sleep 3', reboot: 'exit 1' });
    const args = ['--steps', 'drain,reboot,return', '--target', TARGET];
    const first = program(host, 'start', '--plan', 'plan-0001', ...args);
    await appears(join(host.folder, 'pid'));
    const second = program(host, 'start', '--plan', 'plan-0002', ...args);
    assert.equal(await new Promise((resolve) => second.once('close', resolve)), 3);
    assert.equal((await output(first)).plan, 'plan-0001');
  });
});

function program({ folder }: Host, ...args: string[]): ChildProcess {
  return spawn(PROGRAM, [...args, '--config', folder, '--state', join(folder, 'state')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function output(child: ChildProcess): Promise<PlanStatus> {
  let text = '';
  for await (const chunk of child.stdout!) text += String(chunk);
  return JSON.parse(text) as PlanStatus;
}

async function appears(path: string): Promise<string> {
  for (let i = 0; i < 600; i += 1) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text;
    await setTimeout(50);
  }
  throw new TypeError(`${path} did not appear`);
}

async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 100; i += 1) {
    if (identify(pid) === undefined) return;
    await setTimeout(50);
  }
  throw new TypeError(`process ${pid} lives`);
}
