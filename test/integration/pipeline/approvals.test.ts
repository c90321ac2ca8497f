/** People say yes to a livepatch in signed files: what binds them, what voids them, and what is published without. */
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { showArchive } from '#archive';
import { sha256 } from '#host';
import { keyIdOf, makeKeyFile, publicPem, readPrivateKey, sealStatement } from '#livepatch';
import { checkGate, GATE_FILE, keepGate, livepatchApprovals, publish } from '#pipeline';
import {
  addHold,
  addReviewer,
  addVersion,
  auditOf,
  ensurePatch,
  needLivepatch,
  removeHold,
  removeReviewer,
} from '#store';
import {
  addProvable,
  approve,
  GRAVE,
  newReviewer,
  type ReviewSetting,
  reviewSetting,
} from '../../../testkit/approvals.ts';
import { bundle, newArchive } from '../../../testkit/archive.ts';

function stateOf(setting: ReviewSetting) {
  return livepatchApprovals(setting, setting.livepatch.id);
}

async function publisher(setting: ReviewSetting) {
  const { store, dataDirectory, livepatch, home } = setting;
  const place = await newArchive(home);
  const options = { store, dataDirectory, place, livepatch: livepatch.id, by: 'rel', withoutApproval: null };
  return {
    place,
    go: async (withoutApproval: string | null = null) => (await publish({ ...options, withoutApproval })).result,
  };
}

test('nothing is published before somebody who did not make it said yes; then it is, with what was signed', async () => {
  const setting = await reviewSetting();
  const { place, go } = await publisher(setting);
  await assert.rejects(go(), { code: 'approval-missing', message: /0 of 1.*1 more approval/ });
  assert.deepEqual((await showArchive(place.directory)).kernels, []);
  const { state } = await approve(setting, await newReviewer(setting, 'jane'));
  assert.deepEqual([state.counted, state.enough, state.missing], [1, true, []]);
  const release = await go();
  assert.deepEqual(release.approval, { needed: 1, reviewers: ['jane'] });
  const { kernels } = await showArchive(place.directory);
  assert.deepEqual(kernels[0]?.releases[0]?.approval, release.approval);
  const actions = (await auditOf(setting.store.db, 'one')).map(({ actor, action }) => `${actor} ${action}`);
  assert.deepEqual(actions, ['jane livepatch.approve', 'rel livepatch.publish']);
});

test('a grave finding needs two people who each name it', async () => {
  const setting = await reviewSetting({ findings: [GRAVE, { ...GRAVE, code: 'wide-header', level: 'note' }] });
  const { go } = await publisher(setting);
  const [jane, omar] = [await newReviewer(setting, 'jane'), await newReviewer(setting, 'omar')];
  await assert.rejects(approve(setting, jane), { code: 'approval-unaccepted', message: /layout-may-change/ });
  await assert.rejects(approve(setting, jane, [GRAVE.code, 'typo']), { code: 'approval-invalid' });
  await approve(setting, jane, [GRAVE.code]);
  await assert.rejects(go(), { code: 'approval-missing', message: /1 of 2.*layout-may-change/ });
  await approve(setting, jane, [GRAVE.code, 'wide-header']);
  assert.equal((await stateOf(setting)).state.counted, 1, 'the same person again');
  await approve(setting, omar, [GRAVE.code]);
  assert.deepEqual((await go()).approval, { needed: 2, reviewers: ['jane', 'omar'] });
});

test('authors, strangers and wrong keys approve nothing', async () => {
  const setting = await reviewSetting({ authors: ['autopilot', 'Jane Doe', 'omar'] });
  const jane = await newReviewer(setting, 'jane', { aliases: ['jane doe'] });
  for (const key of [jane, await newReviewer(setting, 'omar')])
    await assert.rejects(approve(setting, key), { code: 'approval-own' });
  const stranger = join(setting.home, 'stranger.pem');
  await makeKeyFile(stranger, null);
  await assert.rejects(approve(setting, stranger), { code: 'reviewer-unknown' });
  await assert.rejects(approve(setting, join(setting.home, 'none.pem')), { code: 'file-missing' });
  await writeFile(join(setting.home, 'bad.pem'), 'no key');
  await assert.rejects(approve(setting, join(setting.home, 'bad.pem')), { code: 'key-invalid' });
  assert.deepEqual((await stateOf(setting)).approvals, []);
});

test('a livepatch that did not pass, or was not proved, is approved by nobody', async () => {
  const failed = await reviewSetting({}, { passed: false });
  await assert.rejects(approve(failed, await newReviewer(failed, 'jane')), { code: 'not-proved' });
  await assert.rejects((await publisher(failed)).go('in a hurry'), { code: 'gate-missing' });
  const { livepatch } = await addProvable(failed, failed.livepatch.kernelId, 'two');
  const two = { ...failed, livepatch };
  await assert.rejects(stateOf(two), { code: 'not-proved' });
  await assert.rejects((await publisher({ ...two, home: join(failed.home, 'x') })).go(), { code: 'gate-missing' });
});

test('what was changed after the proof is refused by its code, and is not published even without approval', async () => {
  const json = (value: unknown): string => JSON.stringify(value);
  const changes: readonly [
    string,
    string,
    (setting: ReviewSetting, at: (name: string) => string) => Promise<unknown>,
  ][] = [
    ['patch', 'gate-refused', (_, at) => writeFile(at('change.patch'), 'other')],
    ['module', 'gate-refused', (_, at) => writeFile(at('module.ko'), 'other')],
    ['recipe', 'gate-refused', (_, at) => writeFile(at('recipe.json'), '{}')],
    ['missing module', 'file-missing', (_, at) => rm(at('module.ko'))],
    ['record gone', 'gate-unsigned', (_, at) => rm(at(GATE_FILE))],
    ['record damaged', 'attestation-unreadable', (_, at) => writeFile(at(GATE_FILE), '{')],
    ['key not ours', 'attestation-refused', ({ store }) => sql`update gate_key set key_id = 'x'`.execute(store.db)],
    [
      'findings taken out of the store',
      'gate-refused',
      ({ store }) => sql`update livepatch set recipe = recipe || '{"findings": []}'`.execute(store.db),
    ],
    [
      'verdict of the store',
      'gate-refused',
      ({ store }) => sql`update livepatch set gate = gate || '{"machine": "another"}'`.execute(store.db),
    ],
    [
      'record of another key',
      'attestation-refused',
      async (_, at) => {
        const forged = await makeKeyFile(at('forger.pem'), null);
        const { payload } = JSON.parse(await readFile(at(GATE_FILE), 'utf8')) as { payload: string };
        const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as unknown;
        await writeFile(at(GATE_FILE), sealStatement(statement, forged));
      },
    ],
    [
      'payload under the old signature',
      'attestation-refused',
      async (_, at) => {
        const envelope = JSON.parse(await readFile(at(GATE_FILE), 'utf8')) as { payload: string };
        const text = Buffer.from(envelope.payload, 'base64').toString().replace('"seconds":1', '"seconds":2');
        await writeFile(at(GATE_FILE), json({ ...envelope, payload: Buffer.from(text).toString('base64') }));
      },
    ],
  ];
  const setting = await reviewSetting({ findings: [GRAVE] });
  const { store, livepatch } = setting;
  const jane = await newReviewer(setting, 'jane');
  await approve(setting, jane, [GRAVE.code]);
  const { go, place } = await publisher(setting);
  const key = await sql<{ key_id: string }>`select key_id from gate_key`.execute(store.db);
  const names = ['module.ko', 'change.patch', 'recipe.json', GATE_FILE];
  const whole = await Promise.all(names.map((name) => readFile(join(livepatch.directory, name))));
  for (const [what, code, change] of changes) {
    await change(setting, (name) => join(livepatch.directory, name));
    const row = await needLivepatch(store.db, livepatch.id);
    assert.equal(await checkGate(store, row).then((found) => found?.state === 'bad' && found.code), code, what);
    await assert.rejects(approve(setting, jane, [GRAVE.code]), { code }, what);
    await assert.rejects(go('in a hurry'), { code }, what);
    for (const [i, name] of names.entries()) await writeFile(join(livepatch.directory, name), whole[i]!);
    await sql`update gate_key set key_id = ${key.rows[0]!.key_id}`.execute(store.db);
    await sql`update livepatch set recipe = ${json(livepatch.recipe)}::jsonb, gate = ${json(livepatch.gate)}::jsonb`.execute(
      store.db,
    );
    assert.equal((await stateOf(setting)).state.counted, 1, `put back: ${what}`);
  }
  assert.deepEqual((await showArchive(place.directory)).kernels, []);
});

test('an approval holds for what it names alone: one of another livepatch, of the proof before, or damaged is void', async () => {
  const setting = await reviewSetting();
  const { store, dataDirectory, livepatch } = setting;
  const jane = await newReviewer(setting, 'jane');
  await approve(setting, jane);
  const made = await addProvable(setting, livepatch.kernelId, 'two');
  const two = { ...setting, livepatch: await keepGate(store, dataDirectory, made.livepatch, made.gate) };
  const file = join(livepatch.directory, 'approvals/jane.dsse.json');
  const folder = join(two.livepatch.directory, 'approvals');
  await mkdir(folder);
  await copyFile(file, join(folder, 'jane.dsse.json'));
  await writeFile(join(folder, 'junk.dsse.json'), '{}');
  await writeFile(join(folder, 'large.dsse.json'), Buffer.alloc(300 << 10));
  const { approvals, state } = await stateOf(two);
  assert.equal(state.counted, 0);
  assert.match(approvals[0]?.why ?? '', /it is of another .*change\.patch.*gate\.dsse\.json/);
  assert.match(approvals[1]?.why ?? '', /no DSSE envelope/);
  assert.match(approvals[2]?.why ?? '', /at most/);

  await copyFile(file, join(livepatch.directory, 'approvals/again.dsse.json'));
  assert.deepEqual(
    (await stateOf(setting)).approvals.map(({ why }) => why),
    [null, 'this person approved already'],
  );

  await keepGate(store, dataDirectory, livepatch, { ...livepatch.gate!, seconds: 9 });
  const again = await stateOf(setting);
  assert.equal(again.state.counted, 0, 'it was proved anew');
  assert.match(again.approvals[0]?.why ?? '', /it is of another gate\.dsse\.json/);
  await rm(join(livepatch.directory, 'approvals/again.dsse.json'));
  assert.equal((await approve(setting, jane)).state.counted, 1);
});

test('who is no reviewer any more did not approve, nor does the same name with another key', async () => {
  const setting = await reviewSetting();
  const { db } = setting.store;
  const jane = await newReviewer(setting, 'jane');
  await approve(setting, jane);
  await removeReviewer(db, 'jane', 'admin', new Date());
  assert.match((await stateOf(setting)).approvals[0]?.why ?? '', /not that of a reviewer/);
  await newReviewer(setting, 'jane');
  assert.equal((await stateOf(setting)).state.counted, 0);
  const key = await readPrivateKey(jane);
  const who = { aliases: [], keyId: keyIdOf(key), publicKey: publicPem(key), addedBy: 'admin', addedAt: new Date() };
  await addReviewer(db, { ...who, name: 'omar' });
  assert.match((await stateOf(setting)).approvals[0]?.why ?? '', /it names "jane", and the key is of omar/);
  await assert.rejects(addReviewer(db, { ...who, name: 'third' }), { code: 'already-there', where: 'omar' });
  const alias = { ...who, keyId: 'y', name: 'jane2', aliases: ['OMAR <o@site>'] };
  await assert.rejects(addReviewer(db, alias), { code: 'already-there', where: 'omar' });
  await assert.rejects(addReviewer(db, { ...who, keyId: 'x', name: 'omar' }), { code: 'already-there', where: 'omar' });
  await assert.rejects(removeReviewer(db, 'nobody', 'admin', new Date()), { code: 'not-found' });
});

test('an edit of the patch voids what was approved before, and a build of the edit is another livepatch', async () => {
  const text = bundle('tuxtape_one').patch.toString();
  const first = { sha256: sha256(text), base: null, text, reviewKey: 'r', author: 'me', note: 'n' };
  const setting = await reviewSetting({ versions: [{ patch: 'CVE-2026-10001', sha256: first.sha256 }] });
  const { store, livepatch } = setting;
  const named = {
    kernelId: livepatch.kernelId,
    name: 'CVE-2026-10001',
    cves: ['CVE-2026-10001'] as const,
    commits: [],
  };
  const patch = await ensurePatch(store.db, named, new Date());
  await addVersion(store.db, patch, { ...first, origin: { kind: 'fixes', commits: [] } }, new Date());
  const jane = await newReviewer(setting, 'jane');
  assert.equal((await approve(setting, jane)).state.enough, true);
  const next = { ...first, sha256: sha256('edited'), base: first.sha256, text: 'edited', author: 'omar' };
  await addVersion(store.db, patch, { ...next, origin: { kind: 'edit' } }, new Date());
  const { state, approvals, edited } = await stateOf(setting);
  assert.deepEqual([state.counted, state.enough], [0, false]);
  assert.match(edited ?? '', /was edited: version 2/);
  assert.match(approvals[0]?.why ?? '', /was edited: version 2/);
  await assert.rejects(approve(setting, jane), { code: 'patch-edited' });
  await assert.rejects((await publisher(setting)).go(), { code: 'approval-missing', message: /was edited: version 2/ });
});

test('a fix that was opened and not touched is no edit; one that was edited after the build is', async () => {
  const setting = await reviewSetting();
  const { store, livepatch } = setting;
  const named = {
    kernelId: livepatch.kernelId,
    name: 'CVE-2026-10001',
    cves: ['CVE-2026-10001'] as const,
    commits: [],
  };
  const patch = await ensurePatch(store.db, named, new Date());
  const one = { sha256: sha256('a'), base: null, text: 'a', reviewKey: 'r', author: 'me', note: 'n' };
  await addVersion(store.db, patch, { ...one, origin: { kind: 'fixes', commits: [] } }, new Date());
  assert.equal((await stateOf(setting)).edited, null);
  const two = { ...one, sha256: sha256('b'), base: one.sha256, text: 'b' };
  await addVersion(store.db, patch, { ...two, origin: { kind: 'edit' } }, new Date());
  assert.notEqual((await stateOf(setting)).edited, null);
});

test('its provenance is published with it, and none of another module is', async () => {
  const setting = await reviewSetting();
  const { livepatch } = setting;
  await approve(setting, await newReviewer(setting, 'jane'));
  const file = join(livepatch.directory, 'provenance.json');
  const { place, go } = await publisher(setting);
  for (const content of ['{', '{}', JSON.stringify({ subject: [{ digest: { sha256: sha256('other') } }] })]) {
    await writeFile(file, content);
    await assert.rejects(go(), { code: 'gate-refused' }, content);
  }
  const statement = JSON.stringify({ subject: [{ name: 'x.ko', digest: { sha256: livepatch.moduleSha256 } }] });
  await writeFile(file, statement);
  const { number, buildId } = await go();
  const folder = join(place.directory, 'targets/livepatches', buildId, String(number));
  const [name] = (await readdir(folder)).filter((one) => one.endsWith('.provenance.json'));
  assert.equal(await readFile(join(folder, name!), 'utf8'), statement);
});

test('a fix that was taken back voids what has it, until it is let in again', async () => {
  const setting = await reviewSetting();
  const { store, livepatch } = setting;
  const jane = await newReviewer(setting, 'jane');
  assert.equal((await approve(setting, jane)).state.counted, 1);
  const [cve] = livepatch.recipe.cves;
  await addHold(store.db, livepatch.kernelId, { cve: cve!, reason: 'it stalls', author: 'ops', heldAt: new Date() });
  assert.equal((await stateOf(setting)).state.counted, 0);
  await assert.rejects((await publisher(setting)).go(), { code: 'approval-missing', message: /taken back: it stalls/ });
  await assert.rejects(removeHold(store.db, livepatch.kernelId, 'CVE-2026-99999', 'ops', new Date()), {
    code: 'not-found',
  });
  await removeHold(store.db, livepatch.kernelId, cve!, 'ops', new Date());
  assert.equal((await stateOf(setting)).state.counted, 1);
});

test('without approval it goes out with a reason, which the release and the audit keep', async () => {
  const setting = await reviewSetting({ findings: [GRAVE] });
  const { place, go } = await publisher(setting);
  await assert.rejects(go('  '), { code: 'approval-invalid' });
  const approval = { without: 'exploited now, nobody is awake', by: 'rel' };
  assert.deepEqual((await go(approval.without)).approval, approval);
  assert.deepEqual((await showArchive(place.directory)).kernels[0]?.releases[0]?.approval, approval);
  const entries = await auditOf(setting.store.db, 'one');
  assert.deepEqual(
    entries.map(({ action }) => action).toSorted(),
    ['livepatch.publish-without-approval', 'livepatch.without-approval'],
    'before, and after',
  );
});

test('records of a key that was lost are believed; a key that others can read is not used', async () => {
  const setting = await reviewSetting();
  const { store, livepatch, dataDirectory } = setting;
  await rm(join(dataDirectory, 'keys/gate.pem'));
  assert.equal((await checkGate(store, livepatch))?.state, 'good');
  const jane = await newReviewer(setting, 'jane');
  await chmod(jane, 0o640);
  await assert.rejects(approve(setting, jane), { code: 'key-exposed' });
  await chmod(jane, 0o600);
  assert.equal((await approve(setting, jane)).state.counted, 1);
});

test('the key of gate records is made once, for its owner alone; keys are never overwritten, and open by their passphrase', async () => {
  const setting = await reviewSetting();
  const path = join(setting.dataDirectory, 'keys/gate.pem');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const before = await readFile(path, 'utf8');
  await keepGate(setting.store, setting.dataDirectory, setting.livepatch, setting.livepatch.gate!);
  assert.equal(await readFile(path, 'utf8'), before);
  const locked = join(setting.home, 'locked.pem');
  const key = await makeKeyFile(locked, 'open sesame');
  assert.match(await readFile(locked, 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/);
  assert.equal((await stat(locked)).mode & 0o777, 0o600);
  await assert.rejects(makeKeyFile(locked, null), { code: 'key-exists' });
  await assert.rejects(readPrivateKey(locked), { code: 'key-locked' });
  await assert.rejects(readPrivateKey(locked, 'wrong'), { code: 'key-locked' });
  assert.equal(keyIdOf(await readPrivateKey(locked, 'open sesame')), keyIdOf(key));
});
