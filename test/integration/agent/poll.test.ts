/** The agent's state machine against a real archive over HTTP; what loads is a model, for this machine's kernel is not ours. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ArchivePlace, subscribeKernel } from '#archive';
import { readKmsg } from '../../../src/agent/kmsg.ts';
import { poll } from '../../../src/agent/poll.ts';
import { type Journal, readJournal } from '../../../src/agent/state.ts';
import { BUILD_ID, newArchive, publishOne, RELEASE } from '../../../testkit/archive.ts';
import { jumpingClock, ModelKernel, PowerCut } from '../../../testkit/model-kernel.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { serveFolder } from '../../../testkit/static-server.ts';

class Host {
  readonly kernel = new ModelKernel('tuxtape_one');
  readonly place: ArchivePlace;
  readonly state: string;

  constructor(home: string, place: ArchivePlace) {
    this.place = place;
    this.state = join(home, 'state');
  }

  async poll(): ReturnType<typeof poll> {
    const root = await readFile(join(this.place.directory, 'root.json'));
    await using server = await serveFolder(this.place.directory);
    const options = {
      url: server.url,
      root,
      state: this.state,
      soakMs: 10_000,
      kernel: this.kernel,
      clock: jumpingClock(),
    };
    return await poll(options, () => {});
  }

  /** The archive is away. */
  async pollOffline(): ReturnType<typeof poll> {
    const root = await readFile(join(this.place.directory, 'root.json'));
    const options = {
      url: 'http://127.0.0.1:1',
      root,
      state: this.state,
      soakMs: 0,
      kernel: this.kernel,
      clock: jumpingClock(),
    };
    return await poll(options, () => {});
  }

  async journal(): Promise<Journal> {
    return readJournal(this.state, await this.kernel.bootId());
  }
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
  assert.equal((await host.poll()).state, 'accepted');
  assert.equal((await host.poll()).note, 'the newest release is loaded');
  assert.equal(host.kernel.loads.length, 1);
});

test('a subscribed kernel without a release has nothing to do; one that is not subscribed is unknown', async () => {
  const host = await hostWith(false);
  assert.equal((await host.poll()).state, 'idle');
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
  assert.equal((await host.poll()).note, 'every release failed on this host');
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
  assert.equal((await host.poll()).state, 'accepted');
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
  assert.equal((await host.poll()).state, 'accepted');
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
  host.kernel.name = 'tuxtape_two';
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
  assert.equal((await host.poll()).state, 'accepted');
  await publishOne(host.place, 'tuxtape_two');
  host.kernel.name = 'tuxtape_two';
  host.kernel.behaviour = { unreadable: 2 };
  await assert.rejects(host.poll(), { code: 'kernel-log-unreadable', message: /taken back: .*the log is gone/ });
  assert.deepEqual(await host.kernel.livepatches(), []);
  const { state, failed } = await host.journal();
  assert.equal(state, 'reverted');
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

test('a journal of the version before, in a soak, is read and the host is judged by the load', async () => {
  const host = await hostWith(true);
  await host.poll();
  const { baseline: _, ...old } = await host.journal();
  const text = JSON.stringify({ ...old, state: 'soaking', reportsBefore: 1 });
  await writeFile(join(host.state, 'journal.json'), text);
  host.kernel.log = `1,20,20000000,-;${FAULT}\n${host.kernel.log}`;
  assert.equal((await host.pollOffline()).state, 'accepted');
  await writeFile(join(host.state, 'journal.json'), text);
  host.kernel.log += `1,99,99000000,-;${FAULT}\n`;
  await assert.rejects(host.pollOffline(), { code: 'kernel-report' });
});

test('a module that the kernel refuses is not tried again; the next release is', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { refuses: true };
  await assert.rejects(host.poll(), { code: 'load-failed' });
  assert.equal((await host.poll()).note, 'every release failed on this host');
  host.kernel.behaviour = {};
  await publishOne(host.place, 'tuxtape_two');
  host.kernel.name = 'tuxtape_two';
  assert.equal((await host.poll()).release?.number, 2);
});

test('a host that went down while loading does not load that release again', async () => {
  const host = await hostWith(true);
  host.kernel.behaviour = { dies: true };
  await assert.rejects(host.poll(), PowerCut);
  // The power went before the failure could be written: the journal is as it was put before the load.
  const cut = await host.journal();
  await writeFile(join(host.state, 'journal.json'), JSON.stringify({ ...cut, state: 'loading', failed: [] }));
  host.kernel.reboot();
  host.kernel.behaviour = {};
  await assert.rejects(host.pollOffline(), { code: 'quarantined' }, 'also when the archive is away');
  assert.equal((await host.poll()).note, 'every release failed on this host');
  assert.equal(host.kernel.loads.length, 1);
});

test('an agent that was restarted in a transition goes on watching, offline too', async () => {
  const host = await hostWith(true);
  await host.poll();
  const done = await host.journal();
  await writeFile(join(host.state, 'journal.json'), JSON.stringify({ ...done, state: 'transitioning' }));
  assert.equal((await host.pollOffline()).state, 'accepted');
  assert.equal(host.kernel.loads.length, 1);
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
  assert.deepEqual(await host.journal(), before);
  assert.equal((await host.kernel.livepatches()).length, 1);
});
