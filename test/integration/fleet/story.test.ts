/**
 * A fleet from enrolment to a halted rollout: agents with keys of their own, a real gate and database, a real archive over HTTP that the
 * controller signs into. The kernels under the agents are models.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RolloutPolicy } from '#domain';
import { systemClock } from '#host';
import { archiveSigner, draftRollout, RolloutController } from '#pipeline';
import { askRollout, hostEvents, needHost, needRollout } from '#store';
import { HttpArchive } from '../../../src/agent/archive-door.ts';
import type { Doors } from '../../../src/agent/doors.ts';
import { checkIn } from '../../../src/agent/fleet/check-in.ts';
import { readContact } from '../../../src/agent/fleet/contact.ts';
import { enrol } from '../../../src/agent/fleet/enrol.ts';
import type { Journal } from '../../../src/agent/journal.ts';
import { journalFile } from '../../../src/agent/journal-file.ts';
import { runOnce } from '../../../src/agent/run.ts';
import { defaults, type Settings } from '../../../src/agent/settings.ts';
import { ModuleStore } from '../../../src/agent/store.ts';
import { BUILD_ID, newArchive, type OneFolder, publishOne } from '../../../testkit/archive.ts';
import { type GateServer, gateServer } from '../../../testkit/gate-server.ts';
import { type Behaviour, jumpingClock, ModelKernel } from '../../../testkit/model-kernel.ts';
import { policyOf } from '../../../testkit/rollout-script.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { type StaticServer, serveFolder } from '../../../testkit/static-server.ts';

const OOPS = '1,99,50100000,-;BUG: kernel NULL pointer dereference, address: 0000000000000000\n';
const MINUTE_MS = 60_000;

/** One host: its disk, its kernel, its identity. */
class FleetHost {
  readonly kernel = new ModelKernel();
  readonly config: string;
  readonly state: string;
  readonly settings: Settings;
  id = '';

  constructor(home: string, ring: string, rack: string) {
    [this.config, this.state] = [join(home, 'config'), join(home, 'state')];
    this.settings = { ...defaults, archive: 'http://archive.example', ring, labels: { rack }, soakSeconds: 30 };
  }

  /** As the timer runs it: one run, and the server is told of every change of state. */
  async poll(site: Site): Promise<Journal> {
    const kernel = Object.assign(Object.create(this.kernel) as ModelKernel, {
      bootId: () => Promise.resolve(`00000000-0000-4000-8000-00000000000${this.kernel.boots}`),
    });
    const clock = { ...jumpingClock(this.kernel), now: () => site.now() };
    const store = new ModuleStore(join(this.state, 'modules'));
    const archive = new HttpArchive({ url: site.server.url, root: site.root, state: this.state, clock }, store);
    const doors: Doors = {
      ...{ kernel, archive, store, journal: journalFile(this.state), clock },
      level: () => Promise.resolve('normal'),
      cleanBoot: () => Promise.resolve(null),
      precheck: () => Promise.resolve([]),
      health: () => Promise.resolve(null),
      me: async () => {
        const { counted } = await readContact(this.state);
        return { id: this.id, ring: this.settings.ring, counted, follows: true };
      },
      requests: { read: () => Promise.resolve(null), done: () => Promise.resolve() },
    };
    const tell = async (journal: Journal): Promise<void> => {
      const said = await checkIn(this, doors, { settings: this.settings, journal, version: 'test' });
      assert.equal(said?.error, null);
    };
    const limits = { soakSeconds: 30, graceSeconds: 0, transitionSeconds: 60 };
    const { journal } = await runOnce({ ...doors, tell }, limits);
    await tell(journal);
    return journal;
  }
}

interface Site {
  readonly gate: GateServer;
  readonly place: OneFolder;
  readonly server: StaticServer;
  readonly root: Buffer;
  readonly canary: FleetHost;
  readonly broad: readonly FleetHost[];
  readonly now: () => Date;
  readonly round: () => Promise<void>;
  readonly rollout: (number: number) => Promise<string>;
}

const policy: Partial<RolloutPolicy> = {
  rings: [
    { name: 'canary', control: 0, steps: [{ percent: 100, soakSeconds: 60 }] },
    { name: 'broad', control: 0, steps: [{ percent: 100, soakSeconds: 60 }] },
  ],
  thresholds: { success: 100, errorHosts: 1, errorPercent: 100, sample: 1, worsePercent: 100 },
  caps: [{ label: 'rack', hosts: 1 }],
  onHalt: 'revert',
};

async function site(): Promise<Site> {
  const home = await scratch();
  const gate = await gateServer();
  let passed = 0;
  const now = (): Date => new Date(Date.now() + passed);
  const clock = { ...systemClock, now, monotonicMs: () => systemClock.monotonicMs() + passed };
  const place = await newArchive(home, { ...systemClock, now });
  const server = await serveFolder(place.directory);
  const controller = new RolloutController({ store: gate.store, signer: archiveSigner(place), clock });
  const token = await gate.token('web', 3);
  const make = async (name: string, ring: string, rack: string): Promise<FleetHost> => {
    const host = new FleetHost(join(home, name), ring, rack);
    host.id = (await enrol({ config: host.config, server: gate.url, token, name })).id;
    return host;
  };
  const canary = await make('canary-1', 'canary', 'r1');
  const broad = [await make('web-1', 'broad', 'r2'), await make('web-2', 'broad', 'r2')];
  const rollout = async (number: number): Promise<string> => {
    const asked = { store: gate.store, archive: place.directory, kernel: BUILD_ID, number, by: 'ann', clock };
    const floors = { leastSoakSeconds: 0, largestShare: 10_000 };
    const { id } = await draftRollout({ ...asked, policy: policyOf(policy), floors });
    await askRollout(gate.store.db, { rollout: id, do: 'start', by: 'ann', reason: 'test' }, now());
    return id;
  };
  const round = async (): Promise<void> => {
    passed += MINUTE_MS;
    assert.equal((await controller.tick()).did, 'round');
  };
  const root = await readFile(join(place.directory, 'root.json'));
  return { gate, place, server, root, canary, broad, now, round, rollout };
}

async function on(host: FleetHost): Promise<string[]> {
  return host.kernel.shown().flatMap(({ name, enabled }) => (enabled ? [name] : []));
}

test('the canary first, then one host of a rack at a time; the fleet is seen on its way', async (t) => {
  const here = await site();
  t.after(() => here.server[Symbol.asyncDispose]());
  const { gate, canary, broad } = here;
  for (const host of [canary, ...broad]) await host.poll(here);
  await publishOne(here.place, 'tuxtape_one');
  const id = await here.rollout(1);
  for (const host of [canary, ...broad]) await host.poll(here);
  await here.round();
  for (const host of [canary, ...broad]) await host.poll(here);
  // Whoever was not counted with its labels asks once more: the answer of its check-in says that it is.
  for (const host of [canary, ...broad]) await host.poll(here);
  assert.deepEqual(await on(canary), ['tuxtape_one']);
  assert.deepEqual(await Promise.all(broad.map(on)), [[], []], 'the second ring waits for the first');
  assert.equal((await needHost(gate.store.db, canary.id)).state, 'accepted');
  for (let i = 0; i < 12 && (await needRollout(gate.store.db, id)).state.phase !== 'done'; i += 1) {
    await here.round();
    for (const host of broad) {
      const before = (await Promise.all(broad.map(on))).flat().length;
      await host.poll(here);
      const after = (await Promise.all(broad.map(on))).flat().length;
      assert.ok(after - before <= 1);
    }
    await canary.poll(here);
  }
  assert.deepEqual(await Promise.all(broad.map(on)), [['tuxtape_one'], ['tuxtape_one']]);
  assert.equal((await needRollout(gate.store.db, id)).state.phase, 'done');
  const kinds = (await hostEvents(gate.store.db, broad[0]!.id, 50)).map(({ detail }) => (detail as { to?: string }).to);
  assert.ok(kinds.includes('loading') && kinds.includes('soaking') && kinds.includes('accepted'), kinds.join(' '));
});

test('a canary whose kernel complains takes it back, and nobody else gets it', async (t) => {
  const here = await site();
  t.after(() => here.server[Symbol.asyncDispose]());
  const { gate, canary, broad } = here;
  const bad: Behaviour = { logs: OOPS };
  canary.kernel.behaviours.set('tuxtape_bad', bad);
  for (const host of [canary, ...broad]) await host.poll(here);
  await publishOne(here.place, 'tuxtape_bad');
  const id = await here.rollout(1);
  for (const host of [canary, ...broad]) await host.poll(here);
  await here.round();
  for (let i = 0; i < 2; i += 1) for (const host of [canary, ...broad]) await host.poll(here);
  assert.equal((await needHost(gate.store.db, canary.id)).state, 'reverted');
  assert.deepEqual(await on(canary), []);
  for (let i = 0; i < 6; i += 1) {
    await here.round();
    for (const host of [canary, ...broad]) await host.poll(here);
  }
  const { phase, stop } = (await needRollout(gate.store.db, id)).state;
  assert.deepEqual([phase, stop?.code], ['halted', 'error-hosts']);
  assert.deepEqual(await Promise.all(broad.map(on)), [[], []]);
  assert.equal(canary.kernel.loads.length, 1, 'it is not loaded twice');
});
