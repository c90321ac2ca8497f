/** What hosts do and do not say is told: real hosts at a real gate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentAfterMs } from '#domain';
import { notify } from '#pipeline';
import { gateServer, INTERVAL_SECONDS } from '../../../testkit/gate-server.ts';
import { checkIn, saying } from '../../../testkit/host-client.ts';
import { notifyPlace } from '../../../testkit/notify.ts';

interface Told {
  readonly kind: string;
  readonly state: string;
  readonly count: number;
  readonly subjects: readonly string[];
  readonly severity: string;
}

test('a cloned host, a blamed livepatch, a host that took a release back and hosts that fell silent are told', async () => {
  const gate = await gateServer();
  const place = await notifyPlace(gate.store);
  await place.rule('siem');
  const patience = silentAfterMs(INTERVAL_SECONDS);
  const turn = async (): Promise<Told[]> => {
    const before = place.hook.posts.length;
    const silentBefore = new Date(place.clock.now().getTime() - patience);
    await notify({ ...place, silentBefore });
    return place.hook.posts.slice(before).flatMap(({ body }) => (JSON.parse(body) as { notices: Told[] }).notices);
  };
  const [one, two] = [await gate.host('web-1'), await gate.host('web-2')];
  await checkIn(one, gate.url);
  await checkIn(two, gate.url);
  assert.deepEqual(await turn(), [], 'a healthy host is no news');
  const report = {
    ...{ key: 'k1', kind: 'oops', severity: 'error', title: 'NULL pointer <b>', blamed: true, release: 3 },
    at: new Date().toISOString(),
  };
  await checkIn(one, gate.url, saying(one, { reports: [{ ...report, key: 'k2', blamed: false }, report] }));
  await checkIn(two, gate.url, saying(two, { reports: [report] }));
  const [blamed, ...noOther] = await turn();
  assert.deepEqual([blamed!.kind, blamed!.state, blamed!.count, blamed!.severity], ['report', 'oops', 2, 'critical']);
  assert.deepEqual([blamed!.subjects.toSorted(), noOther], [['web-1', 'web-2'], []]);
  const livepatch = { state: 'reverted', release: 3, sha256: null, alarm: null } as const;
  await checkIn(one, gate.url, saying(one, { livepatch }));
  const clone = { ...one, seq: one.seq - 1 };
  await checkIn(clone, gate.url, saying(clone, { bootId: '11111111-1111-4111-8111-111111111111' }));
  const said = (await turn()).map(({ kind, state, subjects }) => [kind, state, subjects.join()].join(' '));
  assert.deepEqual(said.toSorted(), ['host cloned web-1', 'host reverted web-1']);
  place.clock.forward(patience / 1000 + 1);
  const silent = await turn();
  assert.deepEqual([silent.length, silent[0]!.state, silent[0]!.count], [1, 'silent', 2]);
  assert.deepEqual(await turn(), [], 'once');
  place.clock.forward(-patience / 1000);
  const [back, ...others] = await turn();
  assert.deepEqual([back!.state, back!.count, others], ['heard-again', 2, []]);
});
