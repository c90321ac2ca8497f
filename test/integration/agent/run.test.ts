/** The agent's state machine against a real archive over HTTP; what loads is a model, for this machine's kernel is not ours. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ArchivePlace, subscribeKernel } from '#archive';
import { HttpArchive } from '../../../src/agent/archive-door.ts';
import type { AgentRequest } from '../../../src/agent/doors.ts';
import type { Journal } from '../../../src/agent/journal.ts';
import { journalFile } from '../../../src/agent/journal-file.ts';
import { readKmsg } from '../../../src/agent/kernel/kmsg.ts';
import type { Level } from '../../../src/agent/level.ts';
import { type RunResult, runOnce } from '../../../src/agent/run.ts';
import { ModuleStore } from '../../../src/agent/store.ts';
import { BUILD_ID, newArchive, publishOne, RELEASE, recallOne } from '../../../testkit/archive.ts';
import { jumpingClock, ModelKernel, PowerCut } from '../../../testkit/model-kernel.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { serveFolder } from '../../../testkit/static-server.ts';

class Host {
  readonly kernel = new ModelKernel();
  readonly place: ArchivePlace;
  readonly state: string;
  level: Level = 'normal';
  request: AgentRequest | null = null;
  health: string | null = null;
  cohort = 0;
  cleanBoot: string | null = null;

  constructor(home: string, place: ArchivePlace) {
    this.place = place;
    this.state = join(home, 'state');
  }

  /** One run; its first problem is thrown. */
  async poll(): Promise<RunResult> {
    await using server = await serveFolder(this.place.directory);
    return thrown(await this.run(server.url));
  }

  /** The archive is away. */
  async pollOffline(): Promise<RunResult> {
    return thrown(await this.run('http://127.0.0.1:1'));
  }

  async run(url: string, limits = { soakSeconds: 10, graceSeconds: 0, transitionSeconds: 60 }): Promise<RunResult> {
    const root = await readFile(join(this.place.directory, 'root.json'));
    const store = new ModuleStore(join(this.state, 'modules'));
    const clock = jumpingClock(this.kernel);
    return runOnce(
      {
        kernel: this.kernel,
        archive: new HttpArchive({ url, root, state: this.state, clock }, store),
        store,
        journal: journalFile(this.state),
        clock,
        level: () => Promise.resolve(this.level),
        cleanBoot: () => Promise.resolve(this.cleanBoot),
        precheck: () => Promise.resolve([]),
        health: () => Promise.resolve(this.health),
        cohort: () => this.cohort,
        requests: {
          read: () => Promise.resolve(this.request),
          done: () => {
            this.request = null;
            return Promise.resolve();
          },
        },
      },
      limits,
    );
  }

  async journal(): Promise<Journal> {
    return journalFile(this.state).read(await this.kernel.bootId());
  }

  async on(): Promise<string[]> {
    return (await this.kernel.livepatches()).filter(({ enabled }) => enabled).map(({ name }) => name);
  }
}

function thrown(result: RunResult): RunResult {
  if (result.problem !== null) throw result.problem;
  return result;
}

async function hostWith(release: boolean): Promise<Host> {
  const home = await scratch();
  const place = await newArchive(home);
  await subscribeKernel(place, BUILD_ID, RELEASE);
  if (release) await publishOne(place, 'tuxtape_one');
  return new Host(home, place);
}

test('a release is loaded once, and then it is there', async () => {
  const host = await hostWith(true);
  assert.equal((await host.poll()).journal.state, 'accepted');
  assert.equal((await host.poll()).note, 'the newest release is loaded');
  assert.equal(host.kernel.loads.length, 1);
});

test('a subscribed kernel without a release has nothing to do; one that is not subscribed is unknown', async () => {
  const host = await hostWith(false);
  assert.equal((await host.poll()).journal.state, 'idle');
  host.kernel.buildId = () => Promise.resolve('e'.repeat(40));
  await assert.rejects(host.poll(), { code: 'unknown-kernel' });
  assert.deepEqual(host.kernel.loads, []);
});

test('a stalled transition is taken back, never forced, and not tried again', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { stalls: true };
  await assert.rejects(host.poll(), { code: 'transition-stalled', message: /blocked by 77 sleeper/ });
  assert.deepEqual(await host.kernel.livepatches(), []);
  assert.equal((await host.journal()).state, 'reverted');
  assert.equal((await host.poll()).note, 'every release failed on this host or was recalled');
  assert.equal(host.kernel.loads.length, 1);
});

const FAULT = 'BUG: kernel NULL pointer dereference, address: 0';

test('a report of the kernel during the soak takes the livepatch back', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { logs: `1,99,99000000,-;${FAULT}\n` };
  await assert.rejects(host.poll(), { code: 'kernel-report', message: /NULL pointer.*49\.0 s after the load/ });
  assert.deepEqual(await host.kernel.livepatches(), []);
  assert.equal((await host.journal()).failed.length, 1);
});

test('what programs write to the kernel log takes nothing back', async () => {
  const host = await hostWith(true);
  const forged = [`12,99,99000000,-;${FAULT}`, `9,100,99000001,-;kernel: ${FAULT}`, `30,101,99000002,-;${FAULT}`];
  host.kernel.behaviour = { logs: `${forged.join('\n')}\n6,102,99000003,-;usb 1-1: ${FAULT}\n` };
  assert.equal((await host.poll()).journal.state, 'accepted');
});

/** The records of a fault of old_bug, at so many seconds. */
function oldBug(seconds: number): string {
  const lines = [FAULT, 'RIP: 0010:old_bug+0x1/0x20', 'Call Trace:', ' old_caller+0x1/0x20'];
  return lines.map((text, i) => `1,${seconds + i},${seconds * 1e6 + i},-;${text}\n`).join('');
}

test('what the host reported before, and the refusal of another module, take nothing back', async () => {
  const host = await hostWith(true);
  host.kernel.log += oldBug(20);
  host.kernel.behaviour = { logs: `${oldBug(99)}3,110,99500000,-;demo: Unknown symbol gone (err -2)\n` };
  assert.equal((await host.poll()).journal.state, 'accepted');
});

test('a fault whose function is lost is not known from before', async () => {
  const host = await hostWith(true);
  host.kernel.log += `1,20,20000000,-;${FAULT}\n`;
  host.kernel.behaviour = { logs: `1,99,99000000,-;${FAULT}\n` };
  await assert.rejects(host.poll(), { code: 'kernel-report', message: /in corrupted/ });
});

test('what one livepatch was taken back for is no excuse for the next', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { logs: `1,99,99000000,-;${FAULT}\n` };
  await assert.rejects(host.poll(), { code: 'kernel-report' });
  await publishOne(host.place, 'tuxtape_two');
  await assert.rejects(host.poll(), { code: 'kernel-report' });
});

test('nothing is loaded by a host whose kernel log cannot be read', async () => {
  const host = await hostWith(true);
  host.kernel.kernelLog = (take) => readKmsg(join(host.state, 'gone'), take);
  await assert.rejects(host.poll(), { code: 'kernel-log-unreadable' });
  assert.deepEqual(host.kernel.loads, []);
});

test('a log that cannot be read after the load takes the livepatch back, with the reason; one failed read does not', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { unreadable: 1 };
  assert.equal((await host.poll()).journal.state, 'accepted');
  await publishOne(host.place, 'tuxtape_two');
  host.kernel.behaviours.set('tuxtape_two', { unreadable: 2 });
  host.kernel.behaviour = {};
  await assert.rejects(host.poll(), { code: 'kernel-log-unreadable', message: /taken back: .*the log is gone/ });
  assert.deepEqual(await host.on(), ['tuxtape_one'], 'the accepted one goes over it');
  const { state, failed } = await host.journal();
  assert.equal(state, 'accepted');
  assert.match(failed[0]?.why ?? '', /could not be judged: .*the log is gone/);
  assert.equal(failed.length, 1);
});

test('an agent that was restarted in a soak takes the livepatch back, too, when the log is gone meanwhile', async () => {
  const host = await hostWith(true);
  await host.poll();
  const done = await host.journal();
  await writeFile(join(host.state, 'journal.json'), JSON.stringify({ ...done, state: 'soaking' }));
  host.kernel.kernelLog = (take) => readKmsg(join(host.state, 'gone'), take);
  await assert.rejects(host.pollOffline(), { code: 'kernel-log-unreadable', message: /ENOENT/ });
  assert.deepEqual(await host.kernel.livepatches(), []);
  assert.equal((await host.journal()).state, 'reverted');
});

test('of a journal of the version before what failed is kept; what is loaded is found again and watched', async () => {
  const host = await hostWith(true);
  await host.poll();
  await publishOne(host.place, 'tuxtape_two');
  const { releases } = (await host.poll()).index!;
  const failed = [{ sha256: releases[0]!.sha256, number: 1, why: 'it failed' }];
  const old = { version: 1, state: 'soaking', release: null, bootId: 'boot 1', failed, reportsBefore: 1 };
  const text = JSON.stringify(old);
  await writeFile(join(host.state, 'journal.json'), text);
  host.kernel.log = `1,20,20000000,-;${FAULT}\n${host.kernel.log}`;
  await host.poll();
  const { accepted, failed: kept } = await host.journal();
  assert.deepEqual([accepted.map(({ number }) => number), kept.map(({ number }) => number)], [[2], [1]]);
  assert.equal(host.kernel.loads.length, 2);
  await writeFile(join(host.state, 'journal.json'), text);
  host.kernel.log += `1,99,99000000,-;${FAULT}\n`;
  await assert.rejects(host.poll(), { code: 'kernel-report' });
});

test('a module that the kernel refuses is not tried again; the next release is', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { refuses: true };
  await assert.rejects(host.poll(), { code: 'load-failed' });
  assert.equal((await host.poll()).note, 'every release failed on this host or was recalled');
  host.kernel.behaviour = {};
  await publishOne(host.place, 'tuxtape_two');
  assert.equal((await host.poll()).journal.release?.number, 2);
});

test('a host that went down while loading does not load that release again', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { dies: 'at-load' };
  const journal = journalFile(host.state);
  let cut: Journal | undefined;
  host.kernel.before = () => {
    cut = JSON.parse(readFileSync(join(host.state, 'journal.json'), 'utf8')) as Journal;
  };
  await assert.rejects(host.poll(), PowerCut);
  assert.equal(cut?.state, 'loading', 'the intent was on the disk');
  // The power went before the failure could be written: the journal is as it was put before the load.
  await journal.write(cut);
  host.kernel.before = () => {};
  host.kernel.reboot();
  host.kernel.behaviour = {};
  await assert.rejects(host.pollOffline(), { code: 'quarantined' }, 'also when the archive is away');
  assert.equal((await host.poll()).note, 'every release failed on this host or was recalled');
  assert.equal(host.kernel.loads.length, 1);
});

test('a host that was restarted in an orderly way in the middle of a trial tries again', async () => {
  const host = await hostWith(true);
  await host.poll();
  await journalFile(host.state).write({ ...(await host.journal()), state: 'soaking', accepted: [] });
  host.cleanBoot = await host.kernel.bootId();
  host.kernel.reboot();
  assert.equal((await host.poll()).journal.state, 'accepted');
  assert.equal(host.kernel.loads.length, 2);
});

test('an agent that was restarted in a transition or a soak goes on watching, offline too', async () => {
  const host = await hostWith(true);
  await host.poll();
  for (const state of ['loading', 'transitioning', 'soaking'] as const) {
    await journalFile(host.state).write({ ...(await host.journal()), state, accepted: [] });
    await assert.rejects(host.pollOffline(), { code: 'archive-offline' });
    assert.equal((await host.journal()).state, 'accepted');
  }
  assert.equal(host.kernel.loads.length, 1);
});

test('a livepatch that kills the agent whenever it looks goes off all the same', async () => {
  const host = await hostWith(true);
  await host.poll();
  await journalFile(host.state).write({ ...(await host.journal()), state: 'soaking', accepted: [] });
  const { livepatches } = host.kernel;
  host.kernel.livepatches = async () => {
    if ((await host.on()).length > 0) throw new PowerCut();
    return livepatches();
  };
  host.on = async () => (await livepatches()).filter(({ enabled }) => enabled).map(({ name }) => name);
  for (let i = 0; i < 3; i += 1) await assert.rejects(host.poll(), PowerCut);
  await assert.rejects(host.poll(), { code: 'quarantined', message: /cut off 3 times/ });
  assert.deepEqual(await host.on(), []);
  assert.equal(host.kernel.loads.length, 1);
});

test('an accepted release comes back after a boot, from this host; not before the archive said that it may', async () => {
  const host = await hostWith(true);
  await host.poll();
  host.kernel.reboot();
  await assert.rejects(host.pollOffline(), { code: 'archive-offline' });
  assert.equal(host.kernel.loads.length, 1);
  await host.poll();
  assert.deepEqual(await host.on(), ['tuxtape_one']);
  assert.equal((await host.journal()).purpose, 'restore');
  host.kernel.reboot();
  await recallOne(host.place, 1, 'it is bad');
  await host.poll();
  assert.deepEqual(await host.on(), []);
});

test('a recall is answered by the last accepted release, and bare only where there is none', async () => {
  const host = await hostWith(true);
  await host.poll();
  await publishOne(host.place, 'tuxtape_two');
  await host.poll();
  assert.deepEqual(await host.on(), ['tuxtape_two']);
  await recallOne(host.place, 2, 'it loses packets');
  await assert.rejects(host.poll(), { code: 'recalled', message: /it loses packets; release 1/ });
  assert.deepEqual(await host.on(), ['tuxtape_one']);
  await recallOne(host.place, 1, 'it does, too');
  await assert.rejects(host.poll(), { code: 'recalled', message: /nothing in its place/ });
  assert.deepEqual(await host.on(), []);
  assert.equal((await host.poll()).note, 'every release failed on this host or was recalled');
});

test('each level refuses what it says', async () => {
  const host = await hostWith(true);
  host.level = 'no-new';
  assert.match((await host.poll()).note, /takes none/);
  host.level = 'no-apply';
  await host.poll();
  host.level = 'stop';
  await host.poll();
  assert.equal(host.kernel.loads.length, 0);
  host.level = 'normal';
  await host.poll();
  host.kernel.reboot();
  host.level = 'no-apply';
  await host.poll();
  assert.deepEqual(await host.on(), []);
  host.level = 'no-new';
  await host.poll();
  assert.deepEqual(await host.on(), ['tuxtape_one'], 'what was accepted here is not new');
  await recallOne(host.place, 1, 'it is bad');
  host.level = 'stop';
  await host.poll();
  assert.deepEqual(await host.on(), ['tuxtape_one'], 'the kernel is not touched');
  host.level = 'no-apply';
  await assert.rejects(host.poll(), { code: 'recalled' });
  assert.deepEqual(await host.on(), []);
});

test('what somebody else took off stays off until a person accepts it again', async () => {
  const host = await hostWith(true);
  await host.poll();
  await host.kernel.disable('tuxtape_one');
  host.kernel.pass(5);
  await assert.rejects(host.poll(), { code: 'taken-off' });
  assert.match((await host.poll()).note, /every release failed/);
  assert.equal(host.kernel.loads.length, 1);
  host.request = { word: 'accept', number: 1 };
  await host.poll();
  assert.deepEqual(await host.on(), ['tuxtape_one']);
});

test('a person ends a soak, and takes a livepatch back', async () => {
  const host = await hostWith(true);
  await host.poll();
  await journalFile(host.state).write({ ...(await host.journal()), state: 'soaking', accepted: [] });
  host.request = { word: 'accept', number: null };
  const { steps } = await host.poll();
  assert.deepEqual(
    steps.filter((step) => step.startsWith('soak')),
    [],
    'nobody waits for it any more',
  );
  assert.equal((await host.journal()).accepted.length, 1);
  host.request = { word: 'revert' };
  await assert.rejects(host.poll(), { code: 'quarantined', message: /somebody asked/ });
  assert.deepEqual(await host.on(), []);
});

test('a host that its operator calls ill is given its livepatch back, and a task that hangs counts', async () => {
  const host = await hostWith(true);
  const { before } = host.kernel;
  host.kernel.before = (...what) => {
    before(...what);
    host.health = 'the shop is closed';
  };
  await assert.rejects(host.poll(), { code: 'health-failed', message: /the shop is closed/ });
  assert.deepEqual(await host.on(), []);
  host.health = null;
  await publishOne(host.place, 'tuxtape_two');
  host.kernel.before = before;
  host.kernel.behaviour = { hangs: true };
  await using server = await serveFolder(host.place.directory);
  const limits = { soakSeconds: 120, graceSeconds: 0, transitionSeconds: 60 };
  const { problem } = await host.run(server.url, limits);
  assert.equal(problem?.code, 'task-hung');
  assert.match(problem.message, /78 reader: schedule/);
});

test('a livepatch that does not come off raises an alarm, once, and nothing is loaded over it', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { stalls: true, sticks: true };
  await assert.rejects(host.poll(), { code: 'transition-stalled' });
  assert.match((await host.journal()).alarm ?? '', /does not come off within 60 s; blocked by 77 sleeper/);
  await publishOne(host.place, 'tuxtape_two');
  await assert.rejects(host.poll(), { code: 'alarm' });
  assert.equal(host.kernel.loads.length, 1);
  host.kernel.reboot();
  host.kernel.behaviour = {};
  await host.poll();
  assert.deepEqual(await host.on(), ['tuxtape_two']);
});

test('a damaged journal loads nothing until a person has looked', async () => {
  const host = await hostWith(true);
  await host.poll();
  host.kernel.reboot();
  await writeFile(join(host.state, 'journal.json'), '{');
  await assert.rejects(host.poll(), { code: 'journal-damaged' });
  assert.equal(host.kernel.loads.length, 1);
});

test('an archive that is away changes nothing', async () => {
  const host = await hostWith(true);
  await host.poll();
  const before = await host.journal();
  await assert.rejects(host.pollOffline(), { code: 'archive-offline' });
  const after = await host.journal();
  assert.deepEqual({ ...after, contact: before.contact }, before);
  assert.ok(after.contact.failingSince !== null, 'and it is said since when');
  assert.equal((await host.kernel.livepatches()).length, 1);
});
