/** Signals, decisions and records meet in one order: each late word re-ranks, and none overwrites a person's. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { type CveId, predictedBand } from '#domain';
import { buildSampleFeed, type SampleCve } from '#feed';
import { type Clock, systemClock } from '#host';
import {
  explained,
  rankDue,
  type SignalOptions,
  type SignalSettings,
  signalDoor,
  syncFeed,
  syncSignals,
} from '#pipeline';
import {
  addDecision,
  auditOf,
  decisionsOf,
  inTransaction,
  listFailures,
  listQuarantine,
  markDue,
  replaceSignals,
  revokeDecision,
  type Store,
  searchCves,
  signalsOf,
} from '#store';
import { testStore } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { epssCsv, fakeFile, fakeNvd, kevCatalog, signalsOff } from '../../../testkit/signal-server.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const VECTOR = 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H';
function cve(number: number, part: Partial<SampleCve> = {}): SampleCve {
  return {
    id: `CVE-2026-${number}`,
    state: 'published',
    title: `ext4: sample ${number}`,
    description: 'A sample was freed.',
    files: ['fs/ext4/sample.c'],
    dyad: [`5.4:${COMMIT}:6.1.171:${COMMIT}`],
    cvss: null,
    ...part,
  };
}

/** A store with these CVEs, a clock that is moved by hand, and syncs of both kinds. */
async function world(cves: readonly SampleCve[]) {
  const store = await testStore();
  const data = await scratch();
  let now = new Date('2026-11-24T00:00:00Z');
  const clock: Clock = { ...systemClock, now: () => now };
  const feed = async (list: readonly SampleCve[]): Promise<void> => {
    const sources = await buildSampleFeed(await scratch(), list);
    await syncFeed({ store, dataDirectory: data, lore: sources.lore, vulns: sources.vulns, clock });
  };
  await feed(cves);
  const door = { ...signalDoor(new AbortController().signal), now: () => now };
  const signals = (settings: Partial<SignalSettings>, more: Partial<SignalOptions> = {}) =>
    syncSignals({ store, dataDirectory: data, settings: { ...signalsOff, ...settings }, clock, door, ...more });
  const at = (iso: string): void => void (now = new Date(iso));
  return { store, clock, feed, signals, at };
}

async function order(store: Store): Promise<string[]> {
  const lines = await searchCves(store.db, { sort: 'priority', limit: 0 });
  return lines.map(({ id, class: standing }) => `${id.slice(9)} ${standing}`);
}

test('a catalog that arrives late puts an old CVE first; what it drops steps back', async () => {
  const { store, signals, at } = await world([cve(1001, { cvss: VECTOR }), cve(1002), cve(1003)]);
  assert.equal((await order(store))[0], '1001 open');
  await using kev = await fakeFile(kevCatalog([{ cve: 'CVE-2026-1002' }, { cve: 'CVE-2026-1003' }]));
  const settings = { kev: { url: kev.url, seconds: 3_600 } };
  await signals(settings);
  assert.deepEqual(new Set((await order(store)).slice(0, 2)), new Set(['1002 exploited', '1003 exploited']));
  kev.content = Buffer.from(kevCatalog([{ cve: 'CVE-2026-1003' }]));
  assert.deepEqual((await signals(settings))[1]?.state, 'not-due');
  at('2026-11-24T02:00:00Z');
  await signals(settings);
  assert.deepEqual(await order(store), ['1003 exploited', '1001 open', '1002 open']);
});

test('a list that lost most of its entries is refused, kept as it was, and told; a person may take it', async () => {
  const cves = [1001, 1002, 1003, 1004].map((number) => cve(number));
  const { store, signals } = await world(cves);
  await using kev = await fakeFile(kevCatalog(cves.map(({ id }) => ({ cve: id }))));
  const settings = { kev: { url: kev.url, seconds: 3_600 } };
  await signals(settings);
  kev.content = Buffer.from(kevCatalog([{ cve: 'CVE-2026-1001' }]));
  const outcomes = await signals(settings, { force: true });
  const failed = outcomes.find(({ source }) => source === 'kev');
  assert.equal(failed?.state === 'failed' && failed.error.code, 'signal-shrunk');
  assert.equal((await order(store)).filter((line) => line.endsWith('exploited')).length, 4);
  assert.deepEqual(
    (await listFailures(store.db)).map(({ source, code }) => [source, code]),
    [['kev', 'signal-shrunk']],
  );
  await signals(settings, { force: true, acceptShrunk: true });
  assert.equal((await order(store)).filter((line) => line.endsWith('exploited')).length, 1);
  assert.deepEqual(await listFailures(store.db), []);
});

test('one source that fails stops no other, and keeps what it had', async () => {
  const { store, signals } = await world([cve(1001)]);
  await using kev = await fakeFile(kevCatalog([{ cve: 'CVE-2026-1001' }]));
  await using epss = await fakeFile(epssCsv(['CVE-2026-1001,0.01,0.5']));
  const settings = { kev: { url: kev.url, seconds: 1 }, epss: { url: epss.url, seconds: 1 } };
  await signals(settings);
  for (const serving of ['cut', 'error-page', 'loop', 503] as const) {
    kev.serving = serving;
    epss.content = Buffer.from(epssCsv([`CVE-2026-1001,0.${String(serving).length + 10},0.5`]));
    const outcomes = await signals(settings, { force: true });
    const states = outcomes.map(({ source, state }) => `${source} ${state}`);
    assert.ok(states.includes('kev failed') && states.includes('epss read'), `${serving}: ${states.join()}`);
    const known = (await signalsOf(store.db, ['CVE-2026-1001'])).get('CVE-2026-1001') ?? [];
    assert.deepEqual(
      known.map(({ value }) => value.source),
      ['epss', 'kev'],
      String(serving),
    );
  }
});

test('a score that comes late takes the place of the prediction', async () => {
  const { store, clock, feed } = await world([cve(1001)]);
  const before = (await explained(store.db, ['CVE-2026-1001'], clock.now()))[0]!;
  assert.equal(before.priority.origin, 'predicted');
  assert.ok(before.priority.terms[1]?.sentence.includes(predictedBand(before.predicted).replace('-', ' ')));
  await feed([cve(1001, { cvss: VECTOR })]);
  const after = (await explained(store.db, ['CVE-2026-1001'], clock.now()))[0]!;
  assert.equal(after.priority.origin, 'scored');
  assert.match(after.priority.terms[1]?.sentence ?? '', /^The CNA says 7\.8/);
  const [line] = await searchCves(store.db, { sort: 'priority', limit: 1 });
  assert.deepEqual([line?.origin, line?.weight], ['scored', after.priority.weight]);
});

const DECISION = { score: null, mitigation: null, until: null, untilPatched: false, reason: 'because', author: 'ann' };

test('what a person decided survives every sync, ends on its day, and is written down', async () => {
  const { store, clock, feed, at } = await world([cve(1001, { cvss: VECTOR }), cve(1002)]);
  const id: CveId = 'CVE-2026-1001';
  const until = new Date('2026-12-01T00:00:00Z');
  await addDecision(store.db, { ...DECISION, cve: id, kind: 'accept', until }, clock.now());
  const set = await addDecision(
    store.db,
    { ...DECISION, cve: 'CVE-2026-1002', kind: 'severity', score: 9 },
    clock.now(),
  );
  await rankDue({ store, clock });
  assert.deepEqual(await order(store), ['1002 open', '1001 accepted']);
  await feed([cve(1001, { cvss: VECTOR, title: 'another' }), cve(1002, { cvss: VECTOR })]);
  assert.deepEqual(await order(store), ['1002 open', '1001 accepted']);
  assert.equal((await explained(store.db, ['CVE-2026-1002'], clock.now()))[0]?.priority.terms[1]?.value, 9);
  at('2026-12-01T00:00:00Z');
  assert.equal(await rankDue({ store, clock }), 1, 'the end of the acceptance alone makes it due');
  assert.deepEqual(await order(store), ['1002 open', '1001 open']);
  await revokeDecision(store.db, set.id, 'bob', clock.now());
  assert.equal((await decisionsOf(store.db, 'all')).get('CVE-2026-1002')?.[0]?.revoked?.by, 'bob');
  assert.deepEqual(
    (await auditOf(store.db, 'CVE-2026-1002')).map(({ actor, action }) => `${actor} ${action}`),
    ['ann decision.severity', 'bob decision.revoke'],
  );
});

test('a hostile date is set aside, and stops neither its list nor another', async () => {
  const { store, signals } = await world([cve(1001), cve(1002)]);
  const entries = [{ cve: 'CVE-2026-1001', added: '0000-01-01' }, { cve: 'CVE-2026-1002' }];
  await using kev = await fakeFile(kevCatalog(entries));
  const outcomes = await signals({ kev: { url: kev.url, seconds: 1 } });
  assert.deepEqual(
    outcomes.filter(({ state }) => state === 'read'),
    [{ source: 'kev', state: 'read', signals: 1, changed: 1, quarantined: 1 }],
  );
  assert.equal((await order(store))[0], '1002 exploited');
  kev.content = Buffer.from(kevCatalog([{ cve: 'CVE-2026-1002', added: 'yesterday' }, { cve: 'CVE-2026-1001' }]));
  await signals({ kev: { url: kev.url, seconds: 1 } }, { force: true });
  const exploited = (await order(store)).filter((line) => line.endsWith(' exploited'));
  assert.equal(exploited.length, 2, 'a row that cannot be read any more clears nothing');
});

test('what nobody foresaw in one source is its failure, and stops no other', async () => {
  const { store, signals } = await world([cve(1001)]);
  await using kev = await fakeFile(kevCatalog([{ cve: 'CVE-2026-1001' }]));
  await using epss = await fakeFile(epssCsv(['CVE-2026-1001,0.5,0.9']));
  const door = { ...signalDoor(new AbortController().signal), get: surprising };
  async function surprising(url: string, maxBytes: number): Promise<Buffer> {
    if (url === kev.url) throw new RangeError('Invalid string length');
    return signalDoor(new AbortController().signal).get(url, maxBytes);
  }
  const sources = { kev: { url: kev.url, seconds: 1 }, epss: { url: epss.url, seconds: 1 } };
  const outcomes = await signals(sources, { door });
  assert.deepEqual(
    outcomes.filter(({ state }) => state !== 'not-configured').map(({ source, state }) => `${source} ${state}`),
    ['kev failed', 'epss read'],
  );
  assert.deepEqual(
    (await listFailures(store.db)).map(({ source, code }) => [source, code]),
    [['kev', 'source-unexpected']],
  );
});

test("being told to stop is nobody's failure", async () => {
  const { store, signals } = await world([cve(1001)]);
  await using kev = await fakeFile(kevCatalog([{ cve: 'CVE-2026-1001' }]));
  const stopped = signalDoor(AbortSignal.abort());
  const reading = signals({ kev: { url: kev.url, seconds: 1 } }, { door: stopped });
  await assert.rejects(reading, { name: 'AbortError' });
  assert.deepEqual(await listFailures(store.db), []);
});

test('an item that was set aside is released when it can be read', async () => {
  const { store, signals } = await world([cve(1001)]);
  const item = { id: 'CVE-2026-1001', modified: '2026-11-01T10:00:00.000' };
  await using nvd = await fakeNvd([{ ...item, vector: 'CVSS:3.1/AV:X' }]);
  const read = () => signals({ nvd: { url: nvd.url, key: null, seconds: 1 } }, { force: true });
  const aside = async () => (await listQuarantine(store.db)).map(({ source, item: name }) => `${source} ${name}`);
  await read();
  assert.deepEqual(await aside(), ['nvd CVE-2026-1001']);
  nvd.cves = [{ ...item, vector: VECTOR, modified: '2026-11-23T23:30:00.000' }];
  await read();
  assert.deepEqual(await aside(), []);
});

test('a mark that comes while others are ranked is not lost', async () => {
  const { store, clock } = await world([cve(1001)]);
  const id: CveId = 'CVE-2026-1001';
  for (let round = 0; round < 10; round += 1) {
    const value = { source: 'kev', added: '2026-10-01', due: null, ransomware: false, name: `n${round}` } as const;
    const at = clock.now();
    const told = round % 2 === 0 ? [{ cve: id, at: null, value }] : [];
    await markDue(store.db, [id]);
    const word = inTransaction(store.db, async (tx) => {
      await markDue(tx, await replaceSignals(tx, 'kev', told, { whole: true, at }));
    });
    await Promise.all([rankDue({ store, clock }), word, rankDue({ store, clock })]);
    await rankDue({ store, clock });
    assert.deepEqual(await order(store), [round % 2 === 0 ? '1001 exploited' : '1001 open']);
  }
});

test('nobody rewrites the audit log', async () => {
  const { store, clock } = await world([cve(1001)]);
  await addDecision(store.db, { ...DECISION, cve: 'CVE-2026-1001', kind: 'note' }, clock.now());
  for (const statement of [sql`UPDATE audit SET actor = 'x'`, sql`DELETE FROM audit`, sql`TRUNCATE audit`])
    await assert.rejects(statement.execute(store.db), /only ever added to/);
  assert.equal((await auditOf(store.db, 'CVE-2026-1001')).length, 1);
});

test('exploits that are unpacked in a folder count as public exploits', async () => {
  const { store, signals } = await world([cve(1001), cve(1002, { cvss: VECTOR })]);
  const directory = await scratch();
  const { mkdir, writeFile } = await import('node:fs/promises');
  await mkdir(join(directory, 'CVE-2026-1001_mitigation'), { recursive: true });
  await writeFile(
    join(directory, 'CVE-2026-1001_mitigation/metadata.json'),
    JSON.stringify({
      vulnerability: { cve: 'CVE-2026-1001', requirements: { capabilities: ['CAP_NET_ADMIN'], user_namespaces: true } },
      exploits: {},
    }),
  );
  await signals({ exploits: { directory, list: null, seconds: 1 } });
  assert.deepEqual(await order(store), ['1001 public-exploit', '1002 open']);
});
