/** From the alert to the first patched host: the times that the real steps leave in a real database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import {
  type CveId,
  type GateRecord,
  type LivepatchRecipe,
  responseFigures,
  responseOf,
  responseStages,
} from '#domain';
import { addAudit, addLivepatch, responseTimes, setGate } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { gateServer } from '../../../testkit/gate-server.ts';
import { checkIn, saying } from '../../../testkit/host-client.ts';
import { notifyPlace } from '../../../testkit/notify.ts';

const OTHER = 'cd'.repeat(20);

function recipe(cves: readonly CveId[]): LivepatchRecipe {
  const known = { fit: { how: 'exact' }, findings: [], answers: [], authors: ['autopilot'] };
  return { cves, ...known } as unknown as LivepatchRecipe;
}

test('every stage has the time at which it was first reached; what was not written down is unknown', async () => {
  const gate = await gateServer();
  const { store, kernelId, becomes } = await notifyPlace(gate.store);
  const { db } = store;
  const { rows } = await sql<{ build_id: string }>`SELECT build_id FROM kernel WHERE id = ${kernelId}`.execute(db);
  const buildId = rows[0]!.build_id;
  const [done, open] = [await becomes(1001, 'affected'), await becomes(1002, 'affected')];
  const start = Date.now();
  const hour = (n: number): Date => new Date(start + n * 3_600_000);
  await sql`UPDATE kernel SET added_at = ${hour(-100)}`.execute(db);
  await sql`UPDATE cve SET announced_at = ${hour(-2)} WHERE id IN (${done}, ${open})`.execute(db);
  await sql`UPDATE cve SET announced_at = ${hour(-200)} WHERE id = 'CVE-2026-1000'`.execute(db);
  const livepatch = async (id: string, cves: CveId[], built: number, passed: boolean): Promise<void> => {
    const row = { id, kernelId, moduleName: id, moduleSha256: 'a'.repeat(64), directory: '/x', recipe: recipe(cves) };
    await addLivepatch(db, { ...row, builtAt: hour(built) });
    const startedAt = hour(built + 1).toISOString();
    await setGate(db, id, { version: 2, passed, startedAt, seconds: 3_600 } as unknown as GateRecord);
  };
  const audit = (n: number, actor: string, action: string, subject: string, detail: object = {}): Promise<void> =>
    addAudit(db, { at: hour(n), actor, action, subject, detail });
  await livepatch('failed', [done], 1, false);
  await livepatch('good', [done], 2, true);
  await livepatch('later', [done, open], 20, true);
  await audit(6, 'ann', 'livepatch.approve', 'good');
  await audit(7, 'bob', 'livepatch.approve', 'good');
  await audit(8, 'eve', 'livepatch.publish', 'good', { buildId, number: 3 });
  const found = async (cve: CveId) => (await responseTimes(db, { cve }))[0]!;
  assert.equal((await found(done)).times.accepted, null);
  // Release 3 of another kernel is another release; then the host boots into ours.
  const accepted = { state: 'accepted', release: 3, sha256: null, alarm: null } as const;
  const [one, two] = [await gate.host('one'), await gate.host('two')];
  const on = (id: string) => ({ buildId: id, release: '6.1', arch: 'x86_64' });
  await checkIn(one, gate.url, saying(one, { kernel: on(OTHER), livepatch: accepted }));
  assert.equal((await found(done)).times.accepted, null);
  await checkIn(two, gate.url, saying(two, { kernel: on(buildId), livepatch: accepted }));
  const { times, backlog } = await found(done);
  assert.equal(backlog, false);
  const hours = responseStages.map((stage) => Math.round((times[stage]!.getTime() - start) / 360_000) / 10 + 0);
  assert.deepEqual(hours, [-2, 0, 0, 1, 4, 6, 8, 0]);
  assert.deepEqual(responseOf(times).disordered, ['accepted'], 'the gate has a real clock, the rest of this test not');
  const waiting = await found(open);
  assert.deepEqual(
    responseStages.filter((stage) => waiting.times[stage] === null),
    ['approved', 'released', 'accepted'],
  );
  assert.equal(responseOf(waiting.times).totalSeconds, null);
  const all = await responseTimes(db, { kernelId });
  assert.equal(all.length, 3);
  assert.deepEqual([responseFigures(all).backlog, responseFigures(all).counted], [1, 2]);
  assert.equal((await responseTimes(db, { since: hour(-3) })).length, 2);
  const env = { DATABASE_URL: gate.databaseUrl };
  const csv = await tuxtape(['report', 'times', '--csv', '--cve', open], env);
  const [head, line] = csv.stdout.trim().split('\n');
  assert.match(
    head!,
    /^cve,kernel,backlog,published,read,verdict,built,proved,approved,released,accepted,total_seconds,disordered/,
  );
  assert.match(line!, /^CVE-2026-1002,[^,]+,no,.*Z,,,,,$/m);
  const words = await tuxtape(['report', 'times'], env);
  assert.match(words.stdout, /CVE-2026-1002 .* proved +unknown/);
});
