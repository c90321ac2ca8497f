/** `tuxtape reboot plan`: what a fleet's own data makes of it. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CHECK_IN_PATH, noFacts, type RebootFacts, type RebootPlan, rebootActions } from '#domain';
import { encodeModuleFacts, encodeProfile, parseModuleFacts } from '#kernel';
import { addBundledKernel } from '#pipeline';
import { putHostModules, putTrial, saveModuleFacts, saveProfile } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { cve, feedOf } from '../../../testkit/feed.ts';
import { gateServer } from '../../../testkit/gate-server.ts';
import { saying, sendAs } from '../../../testkit/host-client.ts';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const NAME = 'sample-server-6.1';
const RUNNING = 'ab'.repeat(20);
const FIXED = 'cd'.repeat(20);
const able: RebootFacts = {
  ...noFacts,
  ...{ hooks: [...rebootActions], stopped: false, rebootsLeft: 1, nextKernel: FIXED, kexecAllowed: true },
  ...{ checkpointable: true, imageRoom: true, pauses: { checkpoint: 1.5, kexec: 4, restore: 0.5 } },
};

async function world() {
  const feed = await feedOf([cve(10_001, { files: ['fs/ksmbd.c'] }), cve(10_002, { files: ['fs/ksmbd.c'] })]);
  const gate = await gateServer();
  const { db } = gate.store;
  const env = { TUXTAPE_DATA: feed.data, DATABASE_URL: gate.databaseUrl };
  const plan = async <T = RebootPlan>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await tuxtape(['--json', 'reboot', 'plan', ...args], env);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as T;
  };
  const { id } = await addBundledKernel(gate.store);
  const parts = profileOfParts({ objects: [compiled('fs/ksmbd.o', 'fs/ksmbd.c', 'ksmbd')] });
  await saveProfile(db, id, encodeProfile(parts));
  const texts = { dep: 'fs/ksmbd.ko:\n', alias: '', softdep: '', builtin: 'fs/ext4.ko\n' };
  await saveModuleFacts(db, id, encodeModuleFacts(parseModuleFacts(texts, '6.1.170', 'x')));
  await db.updateTable('kernel').set({ build_id: RUNNING }).where('id', '=', id).execute();
  const host = await gate.host('web-1');
  await sendAs(host, gate.url, CHECK_IN_PATH, JSON.stringify(saying(host)));
  const facts = join(feed.data, 'facts');
  await mkdir(facts);
  const triage = async (): Promise<void> => {
    for (const args of [
      ['feed', 'sync', '--lore', feed.lore, '--vulns', feed.vulns],
      ['triage', '--kernel', NAME],
    ])
      assert.equal((await tuxtape(args, env)).exitCode, 0);
  };
  /** The same kernel in which one CVE is fixed. */
  const addFixed = async (): Promise<void> => {
    const kernel = await db.selectFrom('kernel').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const json = { config_changes: '[]', patches: '[]', source: null, toolchain: JSON.stringify(kernel.toolchain) };
    await db
      .insertInto('kernel')
      .values({ ...kernel, ...json, id: 'fixed', name: 'fixed', build_id: FIXED })
      .execute();
    const verdicts = await db.selectFrom('verdict').selectAll().where('kernel_id', '=', id).execute();
    for (const row of verdicts) {
      const status = row.cve_id === 'CVE-2026-10001' ? 'fixed' : row.status;
      await db
        .insertInto('verdict')
        .values({ ...row, kernel_id: 'fixed', status, evidence: '[]' })
        .execute();
    }
  };
  return { env, plan, db, id, host, gate, facts, triage, addFixed };
}

test('unknown exposure is said; then each CVE with what closes it, and only what is known to be possible is proposed', async () => {
  const { env, plan, db, id, facts, triage, addFixed } = await world();
  const early = await plan('web-1');
  assert.match(early.unknownExposure ?? '', /was not triaged/);
  await triage();
  const open = await plan('web-1');
  assert.deepEqual([open.unknownExposure, open.open.length, open.proposal], [null, 2, null]);
  await addFixed();
  for (const name of ['CVE-2026-10001', 'CVE-2026-10002'] as const)
    await putTrial(db, id, {
      cve: name,
      key: 'k',
      reason: { code: 'layout-may-change', why: 'w', remedy: 'r' },
      triedAt: new Date(),
    });
  const nothingKnown = await plan('web-1', '--to', 'fixed');
  assert.equal(nothingKnown.proposal, null, 'the host said nothing of itself');
  assert.deepEqual(
    nothingKnown.open.map(({ onlyBy }) => onlyBy),
    ['kernel', null],
  );
  await writeFile(join(facts, 'web-1.json'), JSON.stringify(able));
  const ready = await plan('web-1', '--to', 'fixed', '--facts', join(facts, 'web-1.json'));
  assert.deepEqual(ready.proposal?.way?.actions, ['checkpoint', 'kexec', 'restore']);
  assert.deepEqual([ready.proposal?.way?.pauseSeconds, ready.proposal?.onlySo], [6, ['CVE-2026-10001']]);
  const all = await plan<
    { host: string; open: number; proposal: { way: string; pauseSeconds: number; closes: number; onlySo: number } }[]
  >('--kernel', NAME, '--to', 'fixed', '--facts', facts);
  const { host, open: count, proposal: short } = all[0]!;
  assert.deepEqual([all.length, host, count], [1, 'web-1', 2]);
  assert.deepEqual([short.way, short.pauseSeconds, short.closes, short.onlySo], ['checkpoint+kexec', 6, 1, 1]);
  const text = await tuxtape(['reboot', 'plan', 'web-1', '--to', 'fixed', '--facts', facts], env);
  assert.match(
    text.stdout,
    /proposed +checkpoint, kexec, restore: closes 1 CVEs; expected pause: 6 s; loses connections/,
  );

  // Once a person has decided on a mitigation, and the host is known not to have the module loaded, it is cheaper and closes more.
  const mitigate = ['cve', 'mitigate', 'CVE-2026-10001', '--blocklist', 'ksmbd', '--until-patched', '--reason', 'x'];
  const decided = await tuxtape(mitigate, env);
  assert.equal(decided.exitCode, 0, decided.stderr);
  const unsure = await plan('web-1', '--to', 'fixed', '--facts', facts);
  assert.equal(unsure.proposal?.way?.name, 'checkpoint+kexec', 'nobody said which modules are loaded');
  const list = {
    host: 'web-1',
    at: new Date(),
    modules: new Set<string>(),
    blocked: new Set<string>(),
    blacklisted: new Set<string>(),
  };
  await putHostModules(db, id, [list]);
  const mitigated = await plan('web-1', '--to', 'fixed', '--facts', facts);
  assert.deepEqual([mitigated.proposal?.way, mitigated.proposal?.closes], [null, ['CVE-2026-10001']]);
});

test('hosts that cannot be believed, and facts that cannot, make no plan', async () => {
  const { env, plan, host, gate, facts, triage } = await world();
  await triage();
  await writeFile(join(facts, 'web-1.json'), '{"interruptible": "yes"}');
  const wrong = await tuxtape(['--json', 'reboot', 'plan', 'web-1', '--facts', facts], env);
  assert.equal(wrong.exitCode === 0, false);
  assert.match(wrong.stderr, /facts-unreadable/);
  const other = await sendAs(
    host,
    gate.url,
    CHECK_IN_PATH,
    JSON.stringify({
      ...saying(host),
      bootId: crypto.randomUUID(),
      kernel: { buildId: 'ef'.repeat(20), release: '6.1', arch: 'x86_64' },
    }),
  );
  assert.equal(other.status, 200);
  assert.match((await plan('web-1')).unknownExposure ?? '', /no kernel here has its build-id/);
  const loaded = { state: 'accepted' as const, release: 3, sha256: 'ee'.repeat(32), alarm: null };
  await sendAs(
    host,
    gate.url,
    CHECK_IN_PATH,
    JSON.stringify(saying({ ...host, bootId: crypto.randomUUID() }, { livepatch: loaded })),
  );
  assert.match((await plan('web-1')).unknownExposure ?? '', /livepatch that it has loaded is not known/);
  await gate.store.db
    .updateTable('host')
    .set({ seen_at: new Date(Date.now() - 3_600_000) })
    .execute();
  assert.match((await plan('web-1')).unknownExposure ?? '', /silent/);
});
