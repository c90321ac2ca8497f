/** Whose turn it is, through whole runs of the agent: rollout files, floors, halts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutFile } from '#domain';
import { BUILD_ID } from '../../../testkit/archive.ts';
import { ModelHost } from '../../../testkit/model-host.ts';
import { idWithin, rolloutFile } from '../../../testkit/rollout-words.ts';

/** A host that is past the time after boot, and its first release. */
function hostWithOne() {
  const host = new ModelHost();
  const release = host.publish('tuxtape_1');
  return { host, release };
}

test('without a rollout the newest release is loaded; with one, only in its ring and its turn', async () => {
  const { host, release } = hostWithOne();
  host.rollout = rolloutFile(BUILD_ID, [release], { serial: 1 });
  host.me = { ...host.me, ring: 'last' };
  assert.match((await host.run())!.note, /no ring "last"/);
  assert.equal(host.kernel.loads.length, 0);
  host.me = { ...host.me, ring: 'default' };
  await host.run();
  assert.equal(host.journal().state, 'accepted');
  const free = hostWithOne().host;
  await free.run();
  assert.equal(free.journal().state, 'accepted');
});

test('a host of a server does not race a rollout that is not there yet', async () => {
  const { host, release } = hostWithOne();
  host.me = { ...host.me, follows: true };
  assert.match((await host.run())!.note, /nothing is rolled out yet/);
  assert.equal(host.kernel.loads.length, 0);
  host.rollout = rolloutFile(BUILD_ID, [release], { serial: 1 });
  await host.run();
  assert.equal(host.journal().state, 'accepted');
});

test('a newer release that nobody rolls out waits, and what was accepted stays', async () => {
  const { host, release } = hostWithOne();
  host.rollout = rolloutFile(BUILD_ID, [release], { serial: 1 });
  await host.run();
  const second = host.publish('tuxtape_2');
  assert.match((await host.run())!.note, /not this host's turn/);
  assert.equal(host.journal().release?.number, 1);
  host.rollout = rolloutFile(BUILD_ID, [release, second], { serial: 2 });
  await host.run();
  assert.deepEqual([host.journal().state, host.journal().release?.number], ['accepted', 2]);
});

test('a file that is gone, older or unreadable starts nothing: a host remembers the serial over boots', async () => {
  const { host, release } = hostWithOne();
  const halted = rolloutFile(BUILD_ID, [release], { serial: 7, state: 'halted' });
  host.rollout = halted;
  await host.run();
  host.reboot(true);
  for (const said of [null, 'unreadable', rolloutFile(BUILD_ID, [release], { serial: 6 })] as const) {
    host.rollout = said;
    assert.match((await host.run())!.note, /not this host's turn/);
  }
  assert.equal(host.kernel.loads.length, 0);
  host.rollout = rolloutFile(BUILD_ID, [release], { serial: 8 });
  await host.run();
  assert.equal(host.journal().state, 'accepted');
});

test('nobody hurries a host below the signed floors: its time counts by its own clock, boots together', async () => {
  for (const part of [null, 'open'] as const) {
    const { host, release } = hostWithOne();
    host.floors = { leastSoakSeconds: 1_000, largestSharePercent: 10 };
    host.me = { ...host.me, id: idWithin(release.sha256, 20, 30) };
    host.rollout = part === null ? null : rolloutFile(BUILD_ID, [release], { serial: 1 });
    assert.match((await host.run())!.note, /floors allow it 2000 s from now/);
    host.kernel.pass(1_500);
    assert.match((await host.run())!.note, /floors allow it \d+ s from now/);
    host.reboot(true);
    assert.match((await host.run())!.note, /floors allow it 500 s from now/, 'time between boots does not count');
    host.kernel.pass(600);
    const before = host.kernel.seconds;
    await host.run();
    assert.equal(host.journal().state, 'accepted');
    assert.ok(host.kernel.seconds - before >= 1_000, 'it was watched as long as was signed');
  }
});

test('a halt that calls back takes a load off that is not accepted; one that does not leaves it', async () => {
  for (const onHalt of ['revert', 'finish'] as const) {
    const { host, release } = hostWithOne();
    host.limits = { ...host.limits, soakSeconds: 3_000 };
    const file = rolloutFile(BUILD_ID, [release], { serial: 1 });
    const halted: RolloutFile = {
      ...file,
      serial: 2,
      rollouts: file.rollouts.map((one) => ({ ...one, state: 'halted', onHalt })),
    };
    host.rollout = file;
    const loaded = host.kernel.before;
    host.kernel.before = (what, name) => {
      loaded(what, name);
      if (what === 'load') host.rollout = halted;
    };
    const result = await host.run();
    const expected = onHalt === 'revert' ? 'reverted' : 'accepted';
    assert.equal(host.journal().state, expected);
    assert.equal(result!.problem?.code ?? null, onHalt === 'revert' ? 'rollout-halted' : null);
  }
});
