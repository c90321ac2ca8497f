/** People are told: a real PostgreSQL, a real mail server, a real receiver of webhooks. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { hasCode } from '#domain';
import { notify, testChannel } from '#pipeline';
import {
  addRollout,
  claimDelivery,
  inTransaction,
  listChannels,
  openStore,
  putChannel,
  removeChannel,
  removeRule,
} from '#store';
import { databaseUrl } from '../../../testkit/database.ts';
import { notifyPlace, SECRET } from '../../../testkit/notify.ts';
import { policyOf, rolloutOf } from '../../../testkit/rollout-script.ts';
import { scratch } from '../../../testkit/scratch.ts';

const QUIET = { silentBefore: null };

test('a verdict that changes is told by the rules that want it, once', async () => {
  const place = await notifyPlace();
  const { mail, hook, becomes } = place;
  await becomes(1001, 'affected');
  await place.rule('team', { kinds: ['verdict'], states: ['affected'], least: 'high' });
  await place.rule('siem', { states: ['fixed'] });
  await notify({ ...place, ...QUIET });
  assert.deepEqual([mail.mails.length, hook.posts.length], [0, 0], 'what was before the rule is not told');
  await becomes(1002, 'affected', { title: 'a use after free' });
  await becomes(1003, 'affected', { score: 3.1 });
  await becomes(1004, 'fixed');
  const turns = await notify({ ...place, ...QUIET });
  assert.deepEqual(
    turns.map(({ channel, sent, failure }) => [channel, sent, failure]),
    [
      ['siem', 1, null],
      ['team', 1, null],
    ],
  );
  const [first] = mail.mails;
  assert.deepEqual(first!.to, ['security@example.org']);
  assert.match(first!.mail.subject!, /^\[TuxTape test\] CVE-2026-1002 is affected/);
  assert.match(first!.mail.text!, /HIGH {2}CVE-2026-1002 .*a use after free/);
  assert.ok(!first!.mail.text!.includes('CVE-2026-1003'), 'it is not that severe');
  const body = JSON.parse(hook.posts[0]!.body) as { notices: { cve: string; state: string }[] };
  assert.deepEqual(
    body.notices.map(({ cve, state }) => [cve, state]),
    [['CVE-2026-1004', 'fixed']],
  );
  await notify({ ...place, ...QUIET });
  assert.deepEqual([mail.mails.length, hook.posts.length], [1, 1]);
});

test('what was not committed was never so', async () => {
  const place = await notifyPlace();
  await place.rule('team');
  await assert.rejects(
    inTransaction(place.store.db, async (tx) => {
      await sql`UPDATE verdict_change SET after = 'fixed'`.execute(tx);
      await sql`INSERT INTO verdict_change (kernel_id, cve_id, at, before, after)
        VALUES (${place.kernelId}, 'CVE-2026-1000', now(), 'fixed', 'affected')`.execute(tx);
      throw new Error('taken back');
    }),
    /taken back/,
  );
  await notify({ ...place, ...QUIET });
  assert.equal(place.mail.mails.length, 0);
});

test('a webhook is signed over its time and body, and is another one each time it is sent', async () => {
  const place = await notifyPlace();
  await place.rule('siem');
  const { hook, clock } = place;
  await place.becomes(1001, 'affected');
  hook.answer = { status: 503 };
  await notify({ ...place, ...QUIET });
  clock.forward(31);
  hook.answer = { status: 200, body: 'ok' };
  await notify({ ...place, ...QUIET });
  assert.equal(hook.posts.length, 2);
  const [one, two] = hook.posts.map(({ headers, body }) => {
    const timestamp = String(headers['tuxtape-timestamp']);
    const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
    assert.equal(headers['tuxtape-signature'], `v1=${expected}`);
    assert.equal(headers['tuxtape-id'], (JSON.parse(body) as { id: string }).id);
    return { timestamp, id: headers['tuxtape-id'] };
  });
  assert.equal(one!.id, two!.id, 'the same message');
  assert.ok(Number(two!.timestamp) - Number(one!.timestamp) >= 30);
});

test('a channel that fails is shown, waits longer each time, and keeps no other one', async () => {
  const place = await notifyPlace();
  const { store, hook, mail, clock } = place;
  await place.rule('siem');
  await place.rule('team');
  hook.answer = { status: 500 };
  await place.becomes(1001, 'affected');
  await notify({ ...place, ...QUIET });
  assert.equal(mail.mails.length, 1);
  const [siem, team] = await listChannels(store.db);
  assert.deepEqual([siem!.failures, siem!.error?.code, siem!.waiting, siem!.sentAt], [1, 'webhook-failed', 1, null]);
  assert.deepEqual([team!.failures, team!.waiting, team!.sentAt === null], [0, 0, false]);
  await place.becomes(1002, 'affected');
  await notify({ ...place, ...QUIET });
  assert.equal(hook.posts.length, 1, 'it is not asked again before its time');
  clock.forward(31);
  await notify({ ...place, ...QUIET });
  assert.equal(hook.posts.length, 2);
  clock.forward(31);
  await notify({ ...place, ...QUIET });
  assert.equal(hook.posts.length, 2, 'the second wait is longer');
  hook.answer = { status: 204 };
  clock.forward(60);
  await notify({ ...place, ...QUIET });
  assert.equal(hook.posts.length, 4, 'both messages');
  const [after] = await listChannels(store.db);
  assert.deepEqual([after!.failures, after!.error, after!.waiting], [0, null, 0]);
});

test('a message that its receiver does not want keeps no other one, and is given up after a week, which is shown', async () => {
  const place = await notifyPlace();
  const { store, mail, clock } = place;
  await place.rule('team');
  await place.becomes(1001, 'affected');
  mail.refuseWith = 552;
  const [, turn] = await notify({ ...place, ...QUIET });
  assert.equal(turn!.failure?.code, 'mail-refused');
  mail.refuseWith = null;
  await place.becomes(1002, 'affected');
  await notify({ ...place, ...QUIET });
  assert.equal(mail.mails.length, 1);
  assert.match(mail.mails[0]!.mail.subject!, /1002/);
  mail.refuseWith = 552;
  clock.forward(8 * 86_400);
  await notify({ ...place, ...QUIET });
  const [, team] = await listChannels(store.db);
  assert.deepEqual([team!.gaveUp, team!.waiting], [1, 0]);
});

test('a digest gathers for its time and is one message', async () => {
  const place = await notifyPlace();
  const { mail, clock } = place;
  const id = await place.rule('team', { digestMinutes: 60 });
  for (const number of [1001, 1002, 1003]) {
    await place.becomes(number, 'affected');
    await notify({ ...place, ...QUIET });
    clock.forward(600);
  }
  assert.equal(mail.mails.length, 0);
  await removeRule(place.store.db, id, 'test', clock.now());
  clock.forward(1_801);
  await notify({ ...place, ...QUIET });
  assert.equal(mail.mails.length, 1, 'what a rule gathered is sent although the rule is gone');
  for (const number of [1001, 1002, 1003]) assert.ok(mail.mails[0]!.mail.text!.includes(`CVE-2026-${number}`));
});

test('nothing is lost and nothing sent twice: two senders at once, a sender that dies, another process', async () => {
  const url = await databaseUrl();
  const store = await openStore({ dataDirectory: tmpdir(), databaseUrl: url });
  const place = await notifyPlace(store);
  const { hook, clock } = place;
  await place.rule('siem', { states: ['affected'] });
  const other = await openStore({ dataDirectory: tmpdir(), databaseUrl: url });
  for (let number = 2000; number < 2020; number += 1) {
    await place.becomes(number, 'affected');
    await Promise.all([store, other].map((one) => notify({ ...place, store: one, ...QUIET })));
  }
  const told = (): string[] =>
    hook.posts.flatMap(({ body }) =>
      (JSON.parse(body) as { notices: { cve: string }[] }).notices.map(({ cve }) => cve),
    );
  assert.deepEqual(
    told().toSorted(),
    Array.from({ length: 20 }, (_, i) => `CVE-2026-${2000 + i}`),
  );
  assert.equal(new Set(hook.posts.map(({ headers }) => headers['tuxtape-id'])).size, hook.posts.length);
  // One takes a message up and dies; the process is gone, too.
  hook.answer = { status: 500 };
  await place.becomes(2100, 'affected');
  await notify({ ...place, ...QUIET });
  const [last] = hook.posts.slice(-1);
  clock.forward(31);
  assert.ok((await claimDelivery(store.db, 'siem', clock.now())) !== undefined);
  await store.close();
  hook.answer = { status: 204 };
  await notify({ ...place, store: other, ...QUIET });
  assert.equal(hook.posts.at(-1), last, 'it may still be sent by whoever took it');
  clock.forward(121);
  await notify({ ...place, store: other, ...QUIET });
  assert.equal(hook.posts.at(-1)!.headers['tuxtape-id'], last!.headers['tuxtape-id']);
  await other.close();
});

test('hostile text makes no header, no markup, no mention and no second line', async () => {
  const place = await notifyPlace();
  const { store, mail, hook, clock } = place;
  const file = join(await scratch(), 'slack.url');
  await writeFile(file, `${hook.url}/slack/secret-part\n`);
  await putChannel(store.db, { name: 'chat', kind: 'slack', target: [], secretFile: file }, 'test', clock.now());
  await place.rule('team');
  await place.rule('chat');
  const title =
    'x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script> ``` <!channel> @here <https://evil.example|ok> \u202Egnp.exe ![](https://evil.example/p)';
  await place.becomes(1001, 'affected', { title });
  await notify({ ...place, ...QUIET });
  const [one] = mail.mails;
  assert.deepEqual([one!.to, one!.mail.bcc, one!.mail.html], [['security@example.org'], undefined, undefined]);
  assert.ok(one!.mail.text!.split('\n').every((line) => !line.startsWith('Bcc')));
  assert.ok(!/\u202E/.test(one!.mail.text!));
  const { text } = JSON.parse(hook.posts[0]!.body) as { text: string };
  assert.equal(text.match(/```/g)!.length, 2, 'the fence is ours');
  assert.ok(!/[<>]|@(?!\u200b)|\u202E/.test(text));
  assert.ok(text.endsWith('\n```'));
  assert.equal(hook.posts[0]!.headers['tuxtape-id'], undefined);
});

test('the password goes only where it is wanted, over what is encrypted or on this machine; a certificate nobody knows is not taken', async () => {
  const place = await notifyPlace();
  const { mailServer } = await import('../../../testkit/mail-server.ts');
  const login = { user: 'tuxtape', pass: 'correct horse' };
  const server = await mailServer({ login });
  const passwordFile = join(await scratch(), 'mail.password');
  await writeFile(passwordFile, `${login.pass}\n`);
  const mail = { ...place.settings.mail!, port: server.port, user: login.user, passwordFile };
  await testChannel({ ...place, settings: { ...place.settings, mail } }, 'team', 'id-1');
  assert.equal(server.mails.length, 1);
  assert.match(server.mails[0]!.mail.text!, /a test/);
  await writeFile(passwordFile, 'wrong');
  const wrong = testChannel({ ...place, settings: { ...place.settings, mail } }, 'team', 'id-2');
  await assert.rejects(wrong, (e) => hasCode(e, 'mail-failed'));
  const unknown = await mailServer({ tls: true });
  const strict = { ...place.settings.mail!, port: unknown.port, security: 'starttls' as const };
  const untrusted = testChannel({ ...place, settings: { ...place.settings, mail: strict } }, 'team', 'id-3');
  await assert.rejects(untrusted, (e) => hasCode(e, 'mail-failed'));
  assert.equal(unknown.mails.length, 0);
  await removeChannel(place.store.db, 'team', 'test', place.clock.now());
  await assert.rejects(testChannel(place, 'team', 'id-4'), (e) => hasCode(e, 'not-found'));
});

test('a rollout that stops is told, with why, as what is critical', async () => {
  const place = await notifyPlace();
  const { store, hook } = place;
  await place.rule('siem', { kinds: ['rollout'], states: ['halted'], least: 'critical' });
  const { release, floors } = rolloutOf();
  const at = new Date();
  const id = await addRollout(store.db, { release, policy: policyOf({}), floors, by: 'ann', at });
  for (const [i, kind] of (['open', 'pause', 'halt'] as const).entries())
    await sql`INSERT INTO rollout_event (rollout_id, seq, at, revision, kind, what, why, evidence)
      VALUES (${id}, ${i + 1}, now(), 1, ${kind}, 'it stops', 'three hosts oopsed', '[]')`.execute(store.db);
  await notify({ ...place, ...QUIET });
  const told = hook.posts.map(({ body }) => JSON.parse(body) as { notices: { kind: string; state: string }[] });
  assert.deepEqual(
    told.flatMap(({ notices }) => notices.map(({ kind, state }) => [kind, state])),
    [['rollout', 'halted']],
  );
  assert.match(hook.posts[0]!.body, /three hosts oopsed/);
});
