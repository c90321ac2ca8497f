/** Hosts that enrol and check in over real HTTP, with keys of their own, into a real PostgreSQL. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkInAnswerSchema, enrolAnswerSchema, MAX_CHECK_IN_BYTES } from '#contract';
import { systemClock } from '#host';
import { checkInBatches } from '#pipeline';
import {
  addKernel,
  callingHosts,
  decommissionHost,
  fleetReports,
  hostEvents,
  hostModulesOf,
  listEnrolments,
  needHost,
  revokeEnrolment,
  storeCheckIns,
} from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { gateServer, INTERVAL_SECONDS } from '../../../testkit/gate-server.ts';
import { checkIn, enrolWith, newHost, post, saying, sendAs, type TestHost } from '../../../testkit/host-client.ts';

const BUILD_ID = 'ab'.repeat(20);

test('a machine becomes a host by a token and is known by its key; what it says is written down, changes are told', async () => {
  const { url, store, host } = await gateServer();
  const one = await host('web-1');
  const before = await needHost(store.db, one.id);
  assert.deepEqual([before.group, before.seenAt, before.state], ['web', null, 'unknown'], 'nothing is known of it yet');
  const first = await checkIn(one, url);
  assert.equal(first.status, 200);
  const answer = checkInAnswerSchema.parse(first.body);
  assert.deepEqual([answer.intervalSeconds, answer.counted, answer.wantsModules], [INTERVAL_SECONDS, null, true]);
  const livepatch = { state: 'soaking', release: 7, sha256: 'c'.repeat(64), alarm: null } as const;
  await checkIn(one, url, saying(one, { livepatch }));
  await checkIn(one, url, saying(one, { livepatch }));
  const row = await needHost(store.db, 'web-1');
  assert.deepEqual([row.state, row.stateRelease, row.buildId, row.ring], ['soaking', 7, BUILD_ID, 'canary']);
  assert.deepEqual([row.labels, row.flags, row.archiveError], [{ rack: 'r1' }, [], null]);
  const events = await hostEvents(store.db, one.id, 10);
  assert.deepEqual(events.map(({ kind }) => kind).toSorted(), ['boot', 'kernel', 'state', 'state']);
});

test('one use is one machine; the same key again is the same host; what is over, revoked or wrong opens nothing', async () => {
  const { url, store, token } = await gateServer();
  const good = await token('db', 1);
  const [one, two] = [newHost(), newHost()];
  const made = enrolAnswerSchema.parse((await enrolWith(one, url, good, 'db-1')).body);
  const again: TestHost = { ...one, id: '-' };
  assert.equal((await enrolWith(again, url, good, 'db-1')).body['id'], made.id, 'the answer was lost');
  assert.equal((await enrolWith(two, url, good, 'db-2')).status, 401, 'it is used up');
  const over = await token('db', 1, -1);
  assert.equal((await enrolWith(two, url, over, 'db-2')).status, 401);
  const many = await token('db', 2);
  const stolen = await sendAs(
    two,
    url,
    '/api/v1/hosts/enrol',
    JSON.stringify({ token: many, publicKey: one.publicKey, name: 'db-2' }),
  );
  assert.equal(stolen.status, 401, 'a key is only taken from who has its private half');
  const racing = await Promise.all([newHost(), newHost(), newHost()].map((host) => enrolWith(host, url, many, 'db-x')));
  assert.equal(racing.filter(({ status }) => status === 200).length, 2);
  const revoked = await token('db', 5);
  await revokeEnrolment(store.db, (await listEnrolments(store.db))[0]!.id, 'test', new Date());
  assert.equal((await enrolWith(two, url, revoked, 'db-2')).status, 401);
  assert.equal((await enrolWith(two, url, await token('db', 1), '../etc')).status, 401);
});

test('what is not signed by just this host for just this request changes nothing', async () => {
  const { url, store, host } = await gateServer();
  const [one, two] = [await host('a'), await host('b')];
  await checkIn(one, url);
  const before = await needHost(store.db, one.id);
  const thief: TestHost = { ...two, id: one.id };
  assert.equal((await checkIn(thief, url, saying({ ...two, seq: 50 }))).status, 401);
  const said = Buffer.from(JSON.stringify(saying(one)));
  assert.equal((await post(`${url}/api/v1/hosts/check-in`, said, '')).status, 401);
  assert.equal(
    (await post(`${url}/api/v1/hosts/check-in`, said, `TuxTape-Host ${one.id} ${'A'.repeat(86)}`)).status,
    401,
  );
  const elsewhere = await sendAs(one, url, '/api/v1/hosts/enrol', said.toString());
  assert.equal(elsewhere.status, 401);
  assert.equal(
    (
      await sendAs(
        { ...one, id: '00000000-0000-4000-8000-000000000000' },
        url,
        '/api/v1/hosts/check-in',
        said.toString(),
      )
    ).status,
    401,
  );
  assert.deepEqual(await needHost(store.db, one.id), before);
});

test('hostile words are refused whole, and so is more of them than a check-in has', async () => {
  const { url, store, host } = await gateServer();
  const one = await host('a');
  const bodies: unknown[] = [
    {},
    [],
    { ...saying(one), seq: 0 },
    { ...saying(one), seq: 2 ** 53 },
    { ...saying(one), modules: ['../../x'] },
    { ...saying(one), labels: { 'A b': '' } },
    { ...saying(one), extra: true },
    { ...saying(one), livepatch: { state: 'root', release: null, sha256: null, alarm: null } },
  ];
  for (const body of bodies) {
    const { status } = await sendAs(one, url, '/api/v1/hosts/check-in', JSON.stringify(body));
    assert.equal(status, 400, JSON.stringify(body));
  }
  for (const text of ['', '{', '"x"', '\0', '{"seq":1,"seq":2}'])
    assert.equal((await sendAs(one, url, '/api/v1/hosts/check-in', text)).status, 400, text);
  const long = await sendAs(one, url, '/api/v1/hosts/check-in', 'x'.repeat(MAX_CHECK_IN_BYTES + 1));
  assert.equal(long.status, 413);
  assert.equal((await sendAs(one, url, '/api/v1/status', '{}')).status, 404);
  assert.equal((await needHost(store.db, one.id)).seenAt, null);
  assert.equal((await checkIn(one, url)).status, 200);
});

test('the same check-in twice is one; an old number with other words is a second machine with the key', async () => {
  const { url, store, host } = await gateServer();
  const one = await host('a');
  const said = saying(one);
  assert.equal((await checkIn(one, url, said)).status, 200);
  assert.equal((await checkIn(one, url, said)).status, 200, 'its answer was lost');
  assert.deepEqual((await needHost(store.db, one.id)).flags, []);
  const twin = await checkIn(one, url, { ...said, uptimeSeconds: 4_711 });
  assert.deepEqual([twin.status, twin.body['code']], [409, 'replayed']);
  const row = await needHost(store.db, one.id);
  assert.deepEqual([row.flags, row.uptimeSeconds], [['cloned'], said.uptimeSeconds]);
  assert.match(JSON.stringify(await hostEvents(store.db, one.id, 1)), /with other words/);
});

test('boots that take turns are two machines; within a boot neither kernel nor time goes back', async () => {
  const { url, store, host } = await gateServer();
  const [first, second] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  const one = await host('a');
  for (const bootId of [first, second]) await checkIn(one, url, saying(one, { bootId, uptimeSeconds: 5 }));
  assert.deepEqual((await needHost(store.db, one.id)).flags, [], 'a reboot is none');
  await checkIn(one, url, saying(one, { bootId: first }));
  assert.deepEqual((await needHost(store.db, one.id)).flags, ['cloned']);
  const two = await host('b');
  await checkIn(two, url);
  await checkIn(two, url, saying(two, { kernel: { buildId: 'cd'.repeat(20), release: '6.1.170', arch: 'x86_64' } }));
  assert.deepEqual((await needHost(store.db, two.id)).flags, ['lying']);
  const three = await host('c');
  await checkIn(three, url, saying(three, { at: '1970-01-01T00:00:00Z' }));
  assert.deepEqual((await needHost(store.db, three.id)).flags, ['clock']);
  await checkIn(three, url);
  assert.deepEqual((await needHost(store.db, three.id)).flags, [], 'its clock is right again');
});

test('a host that checks in too often is refused and marked, and no other is', async () => {
  const { url, store, host } = await gateServer({ mostPerMinute: 3 });
  const [one, two] = [await host('a'), await host('b')];
  const statuses = [];
  for (let i = 0; i < 5; i += 1) statuses.push((await checkIn(one, url)).status);
  // The count may begin anew within the test: a minute is a minute of the clock.
  assert.ok(statuses.includes(200));
  if (!statuses.includes(429)) for (let i = 0; i < 4; i += 1) statuses.push((await checkIn(one, url)).status);
  assert.ok(statuses.includes(429), statuses.join(' '));
  assert.deepEqual((await needHost(store.db, one.id)).flags, ['flooding']);
  assert.equal((await checkIn(two, url)).status, 200);
});

test('modules count for the kernel that the host runs; reports of the same trouble are one; a host that is gone says nothing', async () => {
  const { url, store, host } = await gateServer();
  await addKernel(store.db, {
    ...{
      id: 'k1',
      name: 'web',
      buildId: BUILD_ID,
      release: '6.1.170',
      version: '6.1.170',
      arch: 'x86_64',
      state: 'built',
    },
    ...{ treeDirectory: '', configSha256: '0'.repeat(64), bundled: false },
    toolchain: { root: null, compiler: 'gcc', make: 'make', packages: {} } as never,
  });
  const [one, two] = [await host('a'), await host('b')];
  const key = createHash('sha256').update('x').digest('hex');
  const report = {
    key,
    kind: 'warning',
    severity: 'warning',
    title: 'WARNING in x',
    blamed: true,
    release: 3,
    at: 'now',
  };
  await checkIn(one, url, saying(one, { modules: ['ext4', 'nf_tables'], reports: [report] }));
  const answer = await checkIn(one, url, saying(one, { reports: [report] }));
  assert.equal(answer.body['wantsModules'], false);
  await checkIn(two, url, saying(two, { reports: [report] }));
  const [list] = await hostModulesOf(store.db, 'k1');
  assert.deepEqual([list?.host, [...(list?.modules ?? [])]], ['a', ['ext4', 'nf_tables']]);
  const [found] = await fleetReports(store.db, 5);
  assert.deepEqual([found?.hosts, found?.count, found?.blamed], [2, 3, true]);
  await decommissionHost(store.db, 'b', 'test', new Date());
  assert.equal((await checkIn(two, url)).status, 410);
});

test('whoever names one host again and again, unproved, takes the room of no other', async () => {
  const { store } = await gateServer();
  const batches = checkInBatches({ store, clock: systemClock, intervalSeconds: INTERVAL_SECONDS, mostPerMinute: 10 });
  const junk = (host: string) => batches.take({ host, signature: Buffer.alloc(64), body: Buffer.from('{}') });
  const same = randomUUID();
  const answers = await Promise.all([...Array.from({ length: 100 }, () => junk(same)), junk(randomUUID())]);
  assert.equal(answers.filter((answer) => answer === null).length, 84);
  assert.deepEqual(answers.at(-1)?.ok, false, 'the other was looked at');
});

test('of two words of a host the one that came too late leaves nothing', async () => {
  const { url, store, host } = await gateServer();
  const one = await host('web-9');
  await checkIn(one, url);
  const [stale] = (await callingHosts(store.db, [one.id])).values();
  const report = {
    key: 'late',
    kind: 'oops',
    severity: 'high',
    title: 'too late',
    blamed: false,
    release: null,
  } as const;
  const said = { ...saying(one, { reports: [{ ...report, at: '2026-03-02T12:00:00Z' }] }), seq: stale!.seq };
  const late = {
    host: stale!,
    said,
    bodySha256: '0'.repeat(64),
    flags: [],
    events: [{ kind: 'state', detail: 'late' }],
  };
  const before = await hostEvents(store.db, one.id, 50);
  assert.equal((await storeCheckIns(store.db, [late], [], new Date())).size, 0);
  assert.deepEqual(await hostEvents(store.db, one.id, 50), before);
  assert.ok(!(await fleetReports(store.db, 50)).some(({ key }) => key === 'late'));
});

test('many hosts at once, each answered once it is stored', async () => {
  const { url, store, token } = await gateServer();
  const shared = await token('web', 300);
  const hosts = Array.from({ length: 300 }, newHost);
  await Promise.all(hosts.map((host, i) => enrolWith(host, url, shared, `n-${i}`)));
  const answers = await Promise.all(
    hosts.map(async (host) => {
      const { status } = await checkIn(host, url);
      const { seenAt } = await needHost(store.db, host.id);
      return [status, seenAt !== null];
    }),
  );
  assert.ok(answers.every(([status, isStored]) => status === 200 && isStored === true));
});

test('people see the fleet, and what nobody knows of it', async () => {
  const { url, databaseUrl, host } = await gateServer();
  const env = { DATABASE_URL: databaseUrl, TUXTAPE_GATE_INTERVAL: '60' };
  const one = await host('web-1');
  await host('web-2');
  await checkIn(one, url);
  const list = await tuxtape(['host', 'list'], env);
  assert.match(list.stdout, /web-1 +web +canary +6\.1\.170 +idle/);
  assert.match(list.stdout, /web-2 +web +unknown +unknown +never/);
  assert.match((await tuxtape(['host', 'list', '--silent'], env)).stdout, /web-2/);
  assert.doesNotMatch((await tuxtape(['host', 'list', '--silent'], env)).stdout, /web-1/);
  assert.match((await tuxtape(['host', 'summary'], env)).stdout, /web +2 +1 +2[\s\S]*exposure unknown/);
  assert.match((await tuxtape(['host', 'show', 'web-1'], env)).stdout, /archive +read and believed/);
  assert.match((await tuxtape(['host', 'show', 'web-2'], env)).stdout, /archive +unknown/);
  const made = await tuxtape(['host', 'token', '--group', 'web', '--uses', '2'], env);
  assert.match(made.stdout, /tth_/);
  assert.match((await tuxtape(['host', 'tokens'], env)).stdout, /web +2 +until/);
  assert.equal((await tuxtape(['host', 'decommission', 'web-1'], env)).exitCode, 0);
  assert.doesNotMatch((await tuxtape(['host', 'list'], env)).stdout, /web-1/);
});
