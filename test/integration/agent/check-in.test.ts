/** An agent that enrols and checks in at a real gate with a real database; the kernel under it is a model. */
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#host';
import { fleetReports, needHost } from '#store';
import type { Doors } from '../../../src/agent/doors.ts';
import { checkIn } from '../../../src/agent/fleet/check-in.ts';
import { enrol } from '../../../src/agent/fleet/enrol.ts';
import { emptyJournal, type Journal } from '../../../src/agent/journal.ts';
import { defaults, type Settings } from '../../../src/agent/settings.ts';
import { BUILD_ID } from '../../../testkit/archive.ts';
import { type GateServer, gateServer } from '../../../testkit/gate-server.ts';
import { ModelKernel } from '../../../testkit/model-kernel.ts';
import { scratch } from '../../../testkit/scratch.ts';

const settings: Settings = { archive: 'http://archive.example', ...defaults, ring: 'canary', labels: { rack: 'r7' } };
const WARNING = [
  '4,900,60000000,-;------------[ cut here ]------------\n',
  '4,901,60000001,-;WARNING: CPU: 0 PID: 7 at fs/x.c:1 fixed_read+0x1/0x2\n',
  '4,902,60000002,-;---[ end trace 0000000000000000 ]---\n',
].join('');

class Agent {
  readonly kernel = new ModelKernel();
  readonly config: string;
  readonly state: string;
  journal: Journal = emptyJournal('boot 1');

  constructor(home: string) {
    [this.config, this.state] = [join(home, 'config'), join(home, 'state')];
  }

  say() {
    const kernel = Object.assign(Object.create(this.kernel) as ModelKernel, {
      bootId: () => Promise.resolve(`00000000-0000-4000-8000-00000000000${this.kernel.boots}`),
    });
    const doors = { kernel, clock: systemClock, level: () => Promise.resolve('normal') } as unknown as Doors;
    return checkIn(this, doors, { settings, journal: this.journal, version: 'test' });
  }
}

async function enrolled(): Promise<{ gate: GateServer; agent: Agent; id: string }> {
  const gate = await gateServer();
  const agent = new Agent(await scratch());
  const { id } = await enrol({ config: agent.config, server: gate.url, token: await gate.token(), name: 'web-1' });
  return { gate, agent, id };
}

test('an agent enrols once, tells how it stands, and its modules and reports only when they are news', async () => {
  const { gate, agent, id } = await enrolled();
  assert.equal((await stat(join(agent.config, 'host.key'))).mode & 0o777, 0o600);
  const first = await agent.say();
  assert.deepEqual([first?.failingSince, first?.error], [null, null]);
  agent.journal = { ...agent.journal, state: 'accepted' };
  agent.kernel.log += WARNING;
  await agent.say();
  await agent.say();
  const row = await needHost(gate.store.db, id);
  assert.deepEqual([row.name, row.state, row.buildId, row.ring], ['web-1', 'accepted', BUILD_ID, 'canary']);
  assert.deepEqual([row.labels, row.flags], [{ rack: 'r7' }, []]);
  const [report] = await fleetReports(gate.store.db, 5);
  assert.deepEqual([report?.kind, report?.count, report?.blamed], ['warning', 1, false]);
  const again = await enrol({ config: agent.config, server: gate.url, token: await gate.token(), name: 'x' }).catch(
    (error: unknown) => error,
  );
  assert.match(String(again), /did not take this host/, 'a host has one identity: the key is known already');
});

test('a server that is away, or refuses, is said with its time and never keeps the agent up', async () => {
  const { gate, agent } = await enrolled();
  await agent.say();
  await writeFile(
    join(agent.config, 'host.json'),
    JSON.stringify({ server: 'http://127.0.0.1:1', id: '00000000-0000-4000-8000-000000000000', group: 'web' }),
  );
  const away = await agent.say();
  assert.ok(away?.failingSince !== null && away?.last !== null);
  const still = await agent.say();
  assert.equal(still?.failingSince, away?.failingSince, 'since when, not when last');
  await writeFile(
    join(agent.config, 'host.json'),
    JSON.stringify({ server: gate.url, id: '00000000-0000-4000-8000-000000000000', group: 'web' }),
  );
  assert.match((await agent.say())?.error ?? '', /401/);
});

test('a host that lost its state goes on above what it said; one without an identity says nothing', async () => {
  const { gate, agent, id } = await enrolled();
  await agent.say();
  await writeFile(join(agent.state, 'server.json'), 'garbage');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const after = await agent.say();
  assert.equal(after?.failingSince, null);
  assert.deepEqual((await needHost(gate.store.db, id)).flags, []);
  assert.equal(await new Agent(await scratch()).say(), null);
});

test('a token that is good for nothing leaves no identity; http is for this machine only', async () => {
  const gate = await gateServer();
  const agent = new Agent(await scratch());
  const used = await gate.token('web', 1, -1);
  await assert.rejects(enrol({ config: agent.config, server: gate.url, token: used }), { code: 'enrolment-refused' });
  await assert.rejects(stat(join(agent.config, 'host.json')), { code: 'ENOENT' });
  await assert.rejects(enrol({ config: agent.config, server: 'http://192.0.2.1', token: used }), {
    code: 'server-insecure',
  });
});
