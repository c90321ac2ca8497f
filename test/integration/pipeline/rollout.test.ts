/** The controller over a real PostgreSQL and a folder of files: kills, a restored backup, two controllers, a stop. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { hasCode, parseRolloutFile, type RolloutCommand, type RolloutFile, turn } from '#domain';
import type { Clock } from '#host';
import { folderSigner, RolloutController, type RolloutSigner, stopPublished, TAKEOVER_MS } from '#pipeline';
import { addRollout, askRollout, needRollout, openStore, rolloutEvents, type Store } from '#store';
import { databaseUrl } from '../../../testkit/database.ts';
import { type HostWord, SpokenHosts } from '../../../testkit/rollout-hosts.ts';
import { buildIdOf, policyOf, rolloutOf } from '../../../testkit/rollout-script.ts';
import { scratch } from '../../../testkit/scratch.ts';

const { release, floors } = rolloutOf();
const MINUTE = 60_000;

/** A clock that a test sets. */
class HandClock implements Clock {
  ms = 1_000;
  wall = Date.parse('2026-03-02T12:00:00Z');
  now = (): Date => new Date(this.wall);
  monotonicMs = (): number => this.ms;
  sleep = (): Promise<void> => Promise.resolve();
}

function wordOf(name: string, part: Partial<HostWord> = {}): HostWord {
  return { name, buildId: buildIdOf(0), ...part };
}

function at(state: NonNullable<HostWord['state']>): Partial<HostWord> {
  return { state, release };
}

interface Site {
  readonly url: string;
  readonly store: Store;
  readonly folder: string;
  readonly signer: RolloutSigner;
  readonly clock: HandClock;
  readonly id: string;
  readonly hosts: SpokenHosts;
  readonly controller: RolloutController;
  ask(command: object): Promise<void>;
  file(): Promise<RolloutFile | undefined>;
}

async function site(
  t: { after(body: () => Promise<void>): void },
  policy: object = {},
  names: readonly string[] = ['h1', 'h2', 'h3', 'h4'],
): Promise<Site> {
  const url = await databaseUrl();
  const folder = await scratch();
  const store = await openStore({ dataDirectory: folder, databaseUrl: url });
  t.after(() => store.close());
  const clock = new HandClock();
  const signer = folderSigner(folder);
  const id = await addRollout(store.db, { release, policy: policyOf(policy), floors, by: 'ann', at: clock.now() });
  const hosts = new SpokenHosts(store.db);
  await hosts.say(names.map((host) => wordOf(host)));
  const ask = (command: object): Promise<void> =>
    askRollout(store.db, { rollout: id, by: 'ann', reason: 'test', ...command } as RolloutCommand, clock.now());
  const file = async (): Promise<RolloutFile | undefined> => parseRolloutFile((await signer.published())[0] ?? '');
  const controller = new RolloutController({ store, signer, clock });
  return { url, store, folder, signer, clock, id, hosts, controller, ask, file };
}

async function rounds({ controller, clock }: Site, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    clock.ms += MINUTE;
    clock.wall += MINUTE;
    assert.equal((await controller.tick()).did, 'round');
  }
}

async function phase({ store, id }: Pick<Site, 'store' | 'id'>): Promise<string> {
  return (await needRollout(store.db, id)).state.phase;
}

function goes({ hosts }: Site, file: RolloutFile | undefined, host: string): boolean {
  const who = {
    id: hosts.ids.get(host)!,
    ring: 'canary',
    counted: 1,
    seenSerial: 0,
    knownMs: Infinity,
    failed: [],
    now: new Date(0),
  };
  return file !== undefined && turn(who, file, release, floors).go;
}

test('from draft to done: what is stored is what is published, and a plan alone changes nothing', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  const plan = await place.controller.plan();
  assert.deepEqual([plan.steps[0]?.what, plan.files.length], ['starts', 1]);
  assert.deepEqual([await phase(place), await place.file()], ['draft', undefined]);
  await rounds(place, 1);
  assert.equal(goes(place, await place.file(), 'h1'), true);
  await place.hosts.say(['h1', 'h2', 'h3', 'h4'].map((host) => wordOf(host, at('accepted'))));
  await rounds(place, 3);
  assert.equal(await phase(place), 'done');
  const kinds = (await rolloutEvents(place.store.db, place.id, 10)).map((event) => event.do);
  assert.deepEqual(kinds, ['finish', 'open', 'command']);
});

test('the failure that is one too many closes the file in the very round that reads it', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  await place.hosts.say([wordOf('h1', at('reverted')), wordOf('h2', at('quarantined'))]);
  await rounds(place, 1);
  assert.equal(await phase(place), 'halted');
  const file = await place.file();
  assert.equal(file?.rollouts[0]?.state, 'halted');
  assert.equal(goes(place, file, 'h3'), false);
});

test('killed between store and archive: the next round publishes what was stored', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  const dying = new RolloutController({
    ...{ store: place.store, clock: place.clock },
    signer: { ...place.signer, publish: () => Promise.reject(new TypeError('killed')) },
  });
  await place.ask({ do: 'halt' });
  await assert.rejects(dying.roundBetween(), /killed/);
  assert.deepEqual([await phase(place), (await place.file())?.rollouts[0]?.state], ['halted', 'open']);
  await rounds(place, 1);
  assert.equal((await place.file())?.rollouts[0]?.state, 'halted');
});

test('a backup of before a stop is restored: nobody is driven past it, and the serial only rises', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  await place.ask({ do: 'resume', failures: 0, inconclusive: true });
  // A copy of the database by PostgreSQL itself, which takes no copy of one that is in use.
  const backup = await copyOf(place);
  await place.ask({ do: 'halt' });
  await rounds(place, 1);
  const before = (await place.file())!;
  const restored = await openStore({ dataDirectory: place.folder, databaseUrl: backup });
  t.after(() => restored.close());
  assert.equal(await phase({ store: restored, id: place.id }), 'running');
  const late = { ...place, store: restored, controller: new RolloutController({ ...place, store: restored }) };
  await rounds(late, 1);
  assert.equal(await phase(late), 'halted');
  const after = (await place.file())!;
  assert.ok(after.serial > before.serial);
  assert.equal(after.rollouts[0]!.state, 'halted');
  await rounds(late, 3);
  assert.equal(goes(place, await place.file(), 'h3'), false);
  const events = await rolloutEvents(restored.db, place.id, 10);
  assert.ok(events.some((event) => event.do === 'fence'));
  // The other store, which still runs, finds its word overtaken, and stops, too.
  await rounds(place, 1);
  assert.notEqual(await phase(place), 'running');
});

async function copyOf({ url, folder, store }: Site): Promise<string> {
  const name = `copy_${process.pid}_${Date.now()}`;
  const [, database] = /\/([^/?]+)\?/.exec(url)!;
  const admin = await openStore({ dataDirectory: folder, databaseUrl: url.replace(`/${database}?`, '/tuxtape?') });
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${database} AND pid <> pg_backend_pid()`.execute(
    admin.db,
  );
  await sql`CREATE DATABASE ${sql.id(name)} TEMPLATE ${sql.id(database!)}`.execute(admin.db);
  await admin.close();
  // Lost connections are replaced.
  await store.query('SELECT 1').catch(() => undefined);
  return url.replace(`/${database}?`, `/${name}?`);
}

test('a rollout that the restored store never knew is closed', async (t) => {
  const place = await site(t);
  const stranger = buildIdOf(1);
  const entry = {
    ...{ id: 'lost', number: 1, sha256: 'ab'.repeat(32), state: 'open', onHalt: 'finish', counted: false },
    ...{ soakSeconds: 0, startWithinSeconds: 60, windows: [], rings: [{ name: 'canary', open: [[0, 5]] }] },
  };
  const file = { version: 1, buildId: stranger, serial: 40, rollouts: [entry] } as unknown as RolloutFile;
  await place.signer.publish(file, JSON.stringify(file));
  await rounds(place, 1);
  const files = (await place.signer.published()).map((text) => parseRolloutFile(text)!);
  const closed = files.find(({ buildId }) => buildId === stranger)!;
  assert.deepEqual([closed.serial, closed.rollouts], [41, []]);
});

test('two controllers: one plans, the other stands by, takes over when it is gone, and time is never counted twice', async (t) => {
  const place = await site(t, { rings: [{ name: 'canary', steps: [{ percent: 100, soakSeconds: 600 }] }] });
  const other = new RolloutController(place);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  await place.hosts.say(['h1', 'h2', 'h3', 'h4'].map((host) => wordOf(host, at('accepted'))));
  for (let i = 0; i < 5; i += 1) {
    await rounds(place, 1);
    assert.equal((await other.tick()).did, 'standby');
  }
  const { soakedMs } = (await needRollout(place.store.db, place.id)).state;
  assert.equal(soakedMs, 4 * MINUTE);
  place.clock.ms += TAKEOVER_MS;
  assert.equal((await other.tick()).did, 'round');
  // What nobody watched is no soak.
  assert.equal((await needRollout(place.store.db, place.id)).state.soakedMs, soakedMs);
  assert.equal((await place.controller.tick()).did, 'standby');
});

test('rounds at once: a command is taken once, and each ends with the newest word', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  const controllers = Array.from({ length: 4 }, () => new RolloutController(place));
  await Promise.all(controllers.map((controller) => controller.roundBetween()));
  const starts = (await rolloutEvents(place.store.db, place.id, 50)).filter(({ what }) => what === 'starts');
  assert.equal(starts.length, 1);
});

test('silence is measured by a clock that only goes forward', async (t) => {
  const place = await site(t, { deadManSeconds: 900, silentSeconds: 600 });
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  await place.hosts.say(['h1', 'h2', 'h3', 'h4'].map((host) => wordOf(host, at('soaking'))));
  // Ten years on, by the wall: nothing happened to anybody.
  place.clock.wall += 10 * 365 * 86_400_000;
  await rounds(place, 1);
  assert.deepEqual([await phase(place), (await needRollout(place.store.db, place.id)).state.failures], ['running', []]);
  await rounds(place, 16);
  assert.equal(await phase(place), 'halted');
  assert.ok((await needRollout(place.store.db, place.id)).state.failures.every(({ kind }) => kind === 'dead'));
});

test('caps hold across kernels: a rack is a rack, whichever kernel its hosts run', async (t) => {
  const place = await site(t, { caps: [{ label: 'rack', hosts: 1 }] }, []);
  const second = { buildId: buildIdOf(1), number: 1, sha256: 'ef'.repeat(32) };
  const policy = policyOf({ caps: [{ label: 'rack', hosts: 1 }] });
  const other = await addRollout(place.store.db, { release: second, policy, floors, by: 'ann', at: new Date() });
  const labels = { rack: 'a' };
  await place.hosts.say([wordOf('h1', { labels }), wordOf('k1', { labels, buildId: buildIdOf(1) })]);
  await place.ask({ do: 'start' });
  await askRollout(place.store.db, { rollout: other, do: 'start', by: 'ann', reason: 'test' }, new Date());
  await rounds(place, 2);
  const files = (await place.signer.published()).map((text) => parseRolloutFile(text)!);
  const mayStart = ['h1', 'k1'].filter((host) => {
    const of = host === 'h1' ? release : second;
    const file = files.find(({ buildId }) => buildId === of.buildId)!;
    const who = {
      id: place.hosts.ids.get(host)!,
      ring: 'canary',
      counted: 0,
      seenSerial: 0,
      knownMs: Infinity,
      failed: [],
      now: new Date(0),
    };
    return turn(who, file, of, floors).go;
  });
  assert.equal(mayStart.length, 1);
});

test('what cannot be read in the archive stops everything, and is left as it is', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  const [name] = (await readdir(join(place.folder, 'rollout'))).filter((one) => one.endsWith('.json'));
  await writeFile(join(place.folder, 'rollout', name!), '{"version":1');
  await place.ask({ do: 'pause' });
  place.clock.ms += MINUTE;
  await assert.rejects(place.controller.tick(), (error) => hasCode(error, 'file-unreadable'));
  assert.equal(await phase(place), 'running');
});

test('the signer refuses to go back', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  const file = (await place.file())!;
  const [text] = await place.signer.published();
  await place.signer.publish(file, text!);
  const older = { ...file, rollouts: [] };
  const back = place.signer.publish(older, `${JSON.stringify(older)}\n`);
  await assert.rejects(back, (error) => hasCode(error, 'file-outdated'));
  assert.deepEqual(await place.file(), file);
});

test('a stop needs no database, and the controller takes it over', async (t) => {
  const place = await site(t);
  await place.ask({ do: 'start' });
  await rounds(place, 1);
  const [file] = await stopPublished(place.signer);
  assert.deepEqual(await place.file(), file);
  assert.equal(goes(place, file, 'h1'), false);
  await rounds(place, 1);
  assert.equal(await phase(place), 'halted');
  assert.ok((await place.file())!.serial > file!.serial);
  await rounds(place, 2);
  assert.equal((await place.file())!.rollouts[0]!.state, 'halted');
  assert.equal((await needRollout(place.store.db, place.id)).state.stop?.code, 'restored');
});
