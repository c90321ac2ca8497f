/** Rollouts in a real PostgreSQL: what is kept, what is fenced, and what a restored backup may do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { draftState, hasCode, type PlanStep, type Rollout } from '#domain';
import {
  addRollout,
  askRollout,
  auditOf,
  needRollout,
  type RolloutRound,
  type RolloutSight,
  readRolloutSight,
  rolloutEvents,
  type Store,
  storeRolloutRound,
} from '#store';
import { testStore } from '../../../testkit/database.ts';
import { type HostWord, SpokenHosts } from '../../../testkit/rollout-hosts.ts';
import { buildIdOf, rolloutOf } from '../../../testkit/rollout-script.ts';

const AT = new Date('2026-03-02T12:00:00Z');
const { release, policy, floors } = rolloutOf();
const word: HostWord = { name: 'h1', buildId: buildIdOf(0), labels: { rack: 'a' } };

async function drafted(): Promise<{ store: Store; id: string }> {
  const store = await testStore();
  return { store, id: await addRollout(store.db, { release, policy, floors, by: 'ann', at: AT }) };
}

function stepOf(rollout: string, kind: PlanStep['do']): PlanStep {
  return { rollout, do: kind, what: 'does', why: "'; DROP TABLE rollout; --\0", evidence: ['h1 said so'] };
}

function round(sight: RolloutSight, part: Partial<RolloutRound> = {}): RolloutRound {
  return {
    at: AT,
    holder: 'one',
    serial: sight.serial,
    steps: [],
    rollouts: sight.rollouts,
    files: [],
    taken: [],
    ...part,
  };
}

function running(rollouts: readonly Rollout[]): Rollout[] {
  return rollouts.map((one) => ({ ...one, state: { ...one.state, phase: 'running' as const, share: 5_000 } }));
}

test('a rollout is read back as it was made; a release has one that is not recalled', async () => {
  const { store, id } = await drafted();
  const row = await needRollout(store.db, id.slice(0, 8));
  assert.deepEqual(
    [row.id, row.release, row.policy, row.floors, row.state],
    [id, release, policy, floors, draftState()],
  );
  const again = addRollout(store.db, { release, policy, floors, by: 'bob', at: AT });
  await assert.rejects(again, (error) => hasCode(error, 'already-there'));
  await assert.rejects(needRollout(store.db, 'nothing'), (error) => hasCode(error, 'not-found'));
  assert.deepEqual(
    (await auditOf(store.db, id)).map(({ action }) => action),
    ['rollout.add'],
  );
});

test('a round is stored whole: state, events, commands, files, and who was counted', async () => {
  const { store, id } = await drafted();
  await new SpokenHosts(store.db).say([word]);
  await askRollout(store.db, { rollout: id, do: 'start', by: 'ann', reason: 'go' }, AT);
  const sight = await readRolloutSight(store);
  assert.deepEqual(
    sight.commands.map(({ command }) => command.do),
    ['start'],
  );
  const file = { buildId: buildIdOf(0), serial: 1, content: '{}' };
  const steps = [stepOf(id, 'command'), stepOf(id, 'wait'), stepOf(id, 'halt')];
  const taken = sight.commands.map((one) => one.id);
  const done = round(sight, { serial: 1, steps, rollouts: running(sight.rollouts), files: [file], taken });
  assert.equal(await storeRolloutRound(store.db, sight, done), 1);
  const after = await readRolloutSight(store);
  assert.deepEqual([after.revision, after.serial, after.commands, after.files], [1, 1, [], [file]]);
  assert.equal(after.rollouts[0]!.state.share, 5_000);
  assert.equal(after.hosts[0]!.counted, 1);
  const events = await rolloutEvents(store.db, id, 10);
  assert.deepEqual(
    events.map(({ seq, do: kind }) => [seq, kind]),
    [
      [2, 'halt'],
      [1, 'command'],
    ],
  );
  assert.ok((await auditOf(store.db, id)).some(({ action }) => action === 'rollout.halt'));
});

test('of two controllers that saw the same only one stores, and of the other there is nothing', async () => {
  const { store, id } = await drafted();
  const [one, two] = [await readRolloutSight(store), await readRolloutSight(store)];
  const rounds = [one, two].map((sight) =>
    storeRolloutRound(
      store.db,
      sight,
      round(sight, { serial: 1, steps: [stepOf(id, 'halt')], rollouts: running(sight.rollouts) }),
    ),
  );
  const ends = await Promise.allSettled(rounds);
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  const lost = ends.find((end) => end.status === 'rejected');
  assert.ok(hasCode(lost?.reason, 'rollout-fenced'));
  assert.equal((await rolloutEvents(store.db, id, 10)).length, 1);
});

test('a serial never falls, whatever a round says', async () => {
  const { store } = await drafted();
  const first = await readRolloutSight(store);
  await storeRolloutRound(store.db, first, round(first, { serial: 7 }));
  const second = await readRolloutSight(store);
  const back = storeRolloutRound(store.db, second, round(second, { serial: 6 }));
  await assert.rejects(back, (error) => hasCode(error, 'rollout-fenced'));
  assert.equal((await readRolloutSight(store)).serial, 7);
});

test('events are only added: the database itself refuses anything else', async () => {
  const { store, id } = await drafted();
  const sight = await readRolloutSight(store);
  await storeRolloutRound(store.db, sight, round(sight, { steps: [stepOf(id, 'halt')] }));
  for (const statement of [
    sql`UPDATE rollout_event SET why = 'x'`,
    sql`DELETE FROM rollout_event`,
    sql`TRUNCATE rollout_event`,
  ])
    await assert.rejects(statement.execute(store.db), /only added/);
  assert.equal((await rolloutEvents(store.db, id, 10)).length, 1);
});

test('a host that moved, or that forgot what it had, is counted anew; one that only goes on is not', async () => {
  const { store } = await drafted();
  const hosts = new SpokenHosts(store.db);
  const counted = async (part: Partial<HostWord>): Promise<number | null> =>
    (await hosts.say([{ ...word, ...part }])).get('h1')!;
  const count = async (): Promise<void> => {
    const sight = await readRolloutSight(store);
    const file = { buildId: buildIdOf(0), serial: sight.serial + 1, content: '{}' };
    await storeRolloutRound(store.db, sight, round(sight, { serial: sight.serial + 1, files: [file] }));
  };
  assert.equal(await counted({}), null);
  await count();
  assert.equal(await counted({}), 1);
  assert.equal(await counted({ state: 'loading', release }), 1);
  assert.equal(await counted({ state: 'accepted', release }), 1);
  assert.equal(await counted({}), null);
  await count();
  assert.equal(await counted({ labels: { rack: 'b' } }), null);
  await count();
  assert.equal(await counted({ labels: { rack: 'b' }, ring: null }), null);
  await count();
  assert.equal(await counted({ labels: { rack: 'b' }, ring: null, buildId: buildIdOf(1) }), null);
});

test('a host that spoke while a round was thinking is not counted by that round', async () => {
  const { store } = await drafted();
  const hosts = new SpokenHosts(store.db);
  await hosts.say([word]);
  const sight = await readRolloutSight(store);
  await hosts.say([{ ...word, labels: { rack: 'b' } }]);
  const file = { buildId: buildIdOf(0), serial: 1, content: '{}' };
  await storeRolloutRound(store.db, sight, round(sight, { serial: 1, files: [file] }));
  assert.equal((await readRolloutSight(store)).hosts[0]!.counted, null);
});

test('a host is seen as it says it is: where it stands, what its kernel reported since, and whether it lets anything start', async () => {
  const { store } = await drafted();
  const hosts = new SpokenHosts(store.db);
  const report = { key: 'BUG:a', kind: 'bug', severity: 'error', title: 'a', blamed: false, at: AT.toISOString() };
  await hosts.say([
    { ...word, name: 'a', state: 'soaking', release, reports: [{ ...report, release: 1 }] },
    { ...word, name: 'b', state: 'transitioning', release, alarm: 'the transition does not end' },
    { ...word, name: 'c', state: 'transitioning', release },
    { ...word, name: 'd', level: 'no-new', reports: [{ ...report, release: null }] },
    { ...word, name: 'e', state: 'unknown' },
    { ...word, name: 'f', state: 'downloaded', release },
  ]);
  await store.query('UPDATE host SET decommissioned_at = now() WHERE name = $1', ['c']);
  await store.query("UPDATE host SET flags = '{clock,cloned}' WHERE name = $1", ['f']);
  const seen = new Map((await readRolloutSight(store)).hosts.map((host) => [host.id, host]));
  const views = [...hosts.ids].map(([name, id]) => {
    const host = seen.get(id);
    return host === undefined
      ? [name]
      : [name, host.current?.standing, host.reports.length, host.health, host.refuses, host.doubted];
  });
  assert.deepEqual(views, [
    ['a', 'soaking', 1, 'bad', false, false],
    ['b', 'stalled', 0, 'bad', false, false],
    ['c'],
    ['d', undefined, 0, 'bad', true, false],
    ['e', undefined, 0, 'unknown', false, false],
    ['f', undefined, 0, 'good', false, true],
  ]);
});
