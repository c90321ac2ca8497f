/** The drill: fill, back up, kill, restore elsewhere, compare every table. Real PostgreSQL on both sides. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { hasCode } from '#domain';
import { sha256, systemClock } from '#host';
import { addBundledKernel, backup, checkBackup, restore } from '#pipeline';
import { auditOf, installation, openStore, SEEDED_TABLES, type Store, setPolicy, withSnapshot } from '#store';
import { databaseUrl } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';

const PASS = 'correct horse battery staple';
const HOSTILE = 'tab\there\nline \\N \\. \\x41 "quote" \u{1F980}\u202E \r\n,;';

/** An installation with something in it that COPY, paths and sequences could get wrong. */
async function filled(store: Store, data: string): Promise<void> {
  const kernel = await addBundledKernel(store);
  const policy = { leastWeight: 5, exploitedAlways: true, quiet: null, gather: 1, answers: true, fixes: HOSTILE };
  await setPolicy(store.db, kernel.id, { policy, author: HOSTILE, setAt: new Date('2026-11-25T01:02:03.456Z') });
  const directory = join(data, 'livepatches/lp-1');
  await mkdir(join(directory, 'approvals'), { recursive: true });
  const module = Buffer.from([0, 1, 2, 255, 10, 13]);
  await writeFile(join(directory, 'module.ko'), module);
  await writeFile(join(directory, 'approvals/ann.dsse.json'), '{}');
  await mkdir(join(data, 'keys'), { recursive: true, mode: 0o700 });
  await writeFile(join(data, 'keys/gate.pem'), 'a private key', { mode: 0o600 });
  await sql`INSERT INTO livepatch (id, kernel_id, module_name, module_sha256, directory, recipe, built_at)
    VALUES ('lp-1', ${kernel.id}, 'm', ${sha256(module)}, ${directory}, '{"cves": []}', '0044-03-15 BC')`.execute(
    store.db,
  );
  await sql`INSERT INTO enrolment (id, token_sha256, group_name, uses_left, expires_at, made_by, made_at)
    VALUES ('e', 'x', 'web', 1, 'infinity', ${HOSTILE}, '-infinity')`.execute(store.db);
  await sql`INSERT INTO host (id, name, group_name, public_key, enrolment_id, enrolled_at, labels, flags)
    SELECT gen_random_uuid(), 'h' || n, 'web', decode(md5(n::text), 'hex'), 'e', now(), '{"a": "\\u00e9"}', ARRAY['cloned', NULL, 'a,b"{}']
    FROM generate_series(1, 3000) n`.execute(store.db);
  await sql`INSERT INTO host_event (host_id, at, kind, detail) SELECT id, now(), 'boot', '{}' FROM host`.execute(
    store.db,
  );
  await sql`DELETE FROM host_event WHERE id > 2900`.execute(store.db);
  await sql`INSERT INTO cve (id, state, source, title, description, files, ranges, refs, oid, score)
    SELECT 'CVE-2026-' || (1000 + n), 'published', 'record', ${HOSTILE}, repeat('x', n % 5000), ARRAY[${HOSTILE}], '[]', '{}', 'o', 7.7999997
    FROM generate_series(1, 500) n`.execute(store.db);
}

/** Every row of every table, as text, in a stable order. */
async function contents(store: Store): Promise<Map<string, string>> {
  return withSnapshot(store, async (snapshot) => {
    const all = new Map<string, string>();
    for (const table of snapshot.tables) {
      const chunks: Buffer[] = [];
      for await (const chunk of snapshot.rows(table)) chunks.push(chunk);
      all.set(table.name, Buffer.concat(chunks).toString('utf8').split('\n').toSorted().join('\n'));
    }
    return all;
  });
}

async function made(part: { encrypted?: boolean; withKeys?: boolean } = {}) {
  const [data, folder, url] = [await scratch(), await scratch(), await databaseUrl('system')];
  const store = await openStore({ dataDirectory: data, databaseUrl: url });
  await filled(store, data);
  const file = join(folder, 'tuxtape.backup');
  const options = {
    ...{ store, dataDirectory: data, file, program: 'test', by: 'ann', clock: systemClock },
    ...{ passphrase: part.encrypted === true ? PASS : null, withKeys: part.withKeys === true },
  };
  return { store, data, file, options, result: await backup(options) };
}

const common = { passphrase: null, by: 'bob', clock: systemClock };

test('a backup of the system PostgreSQL comes back in an embedded one, elsewhere, row for row', async () => {
  const { store, data, file, result } = await made({ encrypted: true, withKeys: true });
  const before = await contents(store);
  const old = await installation(store.db);
  await store.close();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const text = await readFile(file);
  assert.ok(!text.includes('a private key') && !text.includes('CVE-2026'), 'it is encrypted');
  // The embedded server runs as another user, who has to get there.
  const target = join(tmpdir(), `tuxtape-restored-${process.pid}`, 'new/place');
  after(() => rm(join(target, '../..'), { recursive: true, force: true }));
  const done = await restore({
    ...{ ...common, passphrase: PASS, file, dataDirectory: target, databaseUrl: null, flavour: 'embedded' },
  });
  assert.equal(done.manifest.at, result.manifest.at);
  const again = await openStore({ dataDirectory: target, databaseUrl: null, flavour: 'embedded' });
  const there = await contents(again);
  assert.deepEqual([...there.keys()].toSorted(), [...before.keys()].toSorted());
  for (const [name, rows] of before) {
    if (['installation', 'audit'].includes(name)) continue;
    const moved = ['livepatch', 'kernel'].includes(name) ? rows.replaceAll(data, target) : rows;
    assert.equal(there.get(name), moved, name);
  }
  assert.ok(before.get('host')!.split('\n').length > 3_000, 'it was not empty');
  const now = await installation(again.db);
  assert.equal(now.id, old.id);
  assert.ok(now.epoch > old.epoch && now.restoredAt !== null);
  assert.deepEqual(
    (await auditOf(again.db, old.id)).map(({ actor, action }) => `${actor} ${action}`),
    ['bob backup.restore'],
  );
  const { rows } = await sql<{ id: string }>`INSERT INTO host_event (host_id, at, kind, detail)
    SELECT id, now(), 'boot', '{}' FROM host LIMIT 1 RETURNING id`.execute(again.db);
  assert.equal(Number(rows[0]!.id), 3_001, 'a number that was handed out does not come again, though its row is gone');
  await assert.rejects(sql`DELETE FROM audit`.execute(again.db), /only ever added/, 'triggers are on again');
  const folder = join(target, 'livepatches/lp-1');
  assert.deepEqual(await readFile(join(folder, 'module.ko')), await readFile(join(data, 'livepatches/lp-1/module.ko')));
  assert.ok((await stat(join(folder, 'approvals/ann.dsse.json'))).isFile());
  assert.equal((await stat(join(target, 'keys/gate.pem'))).mode & 0o777, 0o600);
  assert.deepEqual(
    (await readdir(target)).filter((name) => name.startsWith('.')),
    [],
  );
  await again.close();
});

test('embedded to external, without keys: they are named, and not in it', async () => {
  const { store, file, result } = await made();
  assert.deepEqual(result.manifest.keys, { included: false, names: ['keys/gate.pem'] });
  assert.ok(!result.manifest.entries.some(({ name }) => name.startsWith('keys')));
  const [target, url] = [await scratch(), await databaseUrl('embedded')];
  await restore({ ...common, file, dataDirectory: target, databaseUrl: url });
  const again = await openStore({ dataDirectory: target, databaseUrl: url });
  assert.equal((await contents(again)).get('host'), (await contents(store)).get('host'));
  assert.deepEqual(await readdir(target), ['livepatches']);
  await assert.rejects(backup({ ...(await made()).options, withKeys: true }), (e) => hasCode(e, 'passphrase-wanted'));
  await again.close();
  await store.close();
});

test('the epoch only rises: an old backup that is restored again is another installation than before', async () => {
  const { store, file } = await made();
  await store.close();
  const epochs: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    const clock = { ...systemClock, now: () => new Date(Date.now() + i * 5_000) };
    const url = await databaseUrl('system');
    epochs.push((await restore({ ...common, clock, file, dataDirectory: await scratch(), databaseUrl: url })).epoch);
  }
  assert.ok(epochs[1]! > epochs[0]!);
  const url = await databaseUrl('system');
  const again = await openStore({ dataDirectory: await scratch(), databaseUrl: url });
  await assert.rejects(sql`UPDATE installation SET epoch = epoch - 1`.execute(again.db), /only rises/);
  await assert.rejects(sql`DELETE FROM installation`.execute(again.db), /only rises/);
  await again.close();
});

test('a backup is of one moment, whatever is written meanwhile', async () => {
  const [data, url] = [await scratch(), await databaseUrl('system')];
  const store = await openStore({ dataDirectory: data, databaseUrl: url });
  await filled(store, data);
  const ending = new AbortController();
  const writing = (async () => {
    for (let n = 0; !ending.signal.aborted; n += 1)
      await store.db.transaction().execute(async (tx) => {
        const { rows } = await sql<{
          id: string;
        }>`INSERT INTO host (id, name, group_name, public_key, enrolment_id, enrolled_at)
          VALUES (gen_random_uuid(), 'late', 'web', decode(md5('late' || ${n}), 'hex'), 'e', now()) RETURNING id`.execute(
          tx,
        );
        await sql`INSERT INTO host_event (host_id, at, kind, detail) VALUES (${rows[0]!.id}, now(), 'late', '{}')`.execute(
          tx,
        );
      });
  })();
  const file = join(await scratch(), 'b');
  await backup({ ...common, store, dataDirectory: data, file, withKeys: false, program: 'test' });
  ending.abort();
  await writing;
  const target = await databaseUrl('system');
  await restore({ ...common, file, dataDirectory: await scratch(), databaseUrl: target });
  const again = await openStore({ dataDirectory: data, databaseUrl: target });
  const { rows } = await sql<{ hosts: number; events: number }>`SELECT
    (SELECT count(*) FROM host WHERE name = 'late') AS hosts, (SELECT count(*) FROM host_event WHERE kind = 'late') AS events`.execute(
    again.db,
  );
  assert.equal(rows[0]!.hosts, rows[0]!.events);
  await again.close();
  await store.close();
});

test('what is not whole, not empty, newer or wrongly opened is refused, and nothing is written', async () => {
  const { store, data, file, options } = await made();
  const secret = await made({ encrypted: true });
  await secret.store.close();
  const bytes = await readFile(file);
  const bad = join(await scratch(), 'bad');
  const refused = async (code: string, part: Partial<Parameters<typeof restore>[0]> = {}): Promise<void> => {
    const [target, url] = [await scratch(), await databaseUrl('system')];
    const given = { ...common, file: bad, dataDirectory: target, databaseUrl: url, ...part };
    await assert.rejects(restore(given), (error) => hasCode(error, code), code);
    assert.deepEqual(await readdir(target), [], code);
    const left = await openStore({ dataDirectory: target, databaseUrl: url });
    assert.equal((await contents(left)).get('host')!.trim(), '', code);
    await left.close();
  };
  for (const at of [3, 60, Math.floor(bytes.length / 2), bytes.length - 1]) {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1;
    await writeFile(bad, copy);
    await refused('backup-damaged');
  }
  for (const cut of [0, 10, bytes.length - 1]) {
    await writeFile(bad, bytes.subarray(0, cut));
    await refused('backup-damaged');
  }
  await writeFile(bad, Buffer.concat([bytes, Buffer.from('x')]));
  await refused('backup-damaged');
  await writeFile(bad, bytes.toString('latin1').replace('"version":1', '"version":2'), 'latin1');
  await refused('backup-version');
  await copyFile(secret.file, bad);
  await refused('passphrase-wanted');
  await refused('passphrase-wrong', { passphrase: 'not the passphrase' });
  await assert.rejects(checkBackup(join(data, 'nothing'), null), (e) => hasCode(e, 'file-missing'));
  // A database that is in use or has rows; a folder with files.
  await assert.rejects(restore({ ...common, file, dataDirectory: data, databaseUrl: null, flavour: 'system' }), (e) =>
    hasCode(e, 'folder-not-empty'),
  );
  const full = await databaseUrl('system');
  const other = await openStore({ dataDirectory: data, databaseUrl: full });
  await other.db.selectFrom('host').select('id').execute();
  const into = { ...common, file, databaseUrl: full };
  await assert.rejects(restore({ ...into, dataDirectory: await scratch() }), (e) => hasCode(e, 'database-in-use'));
  await addBundledKernel(other);
  const before = await contents(other);
  await other.close();
  const target = await scratch();
  await assert.rejects(restore({ ...into, dataDirectory: target }), (e) => hasCode(e, 'database-not-empty'));
  assert.deepEqual(await readdir(target), []);
  const still = await openStore({ dataDirectory: data, databaseUrl: full });
  assert.deepEqual(await contents(still), before);
  await still.close();
  // A later TuxTape's.
  await sql`INSERT INTO schema_migration (version, name, sha256) VALUES (9999, '9999_later', ${'0'.repeat(64)})`.execute(
    store.db,
  );
  await backup({ ...options, file: bad });
  await refused('backup-newer');
  // A module that is not the one in the database.
  await writeFile(join(data, 'livepatches/lp-1/module.ko'), 'another');
  const earlier = await readFile(bad);
  await assert.rejects(backup({ ...options, file: bad }), (e) => hasCode(e, 'livepatch-changed'));
  assert.deepEqual(await readFile(bad), earlier, 'the earlier backup stands');
  await store.close();
});

test('a fresh database has rows only where a restore puts others in their place', async () => {
  const store = await openStore({ dataDirectory: await scratch(), databaseUrl: await databaseUrl('system') });
  const seeded = [...(await contents(store))].filter(([, rows]) => rows.trim() !== '').map(([name]) => name);
  assert.deepEqual(new Set(seeded), new Set(SEEDED_TABLES), 'a migration that makes rows is named in SEEDED_TABLES');
  await store.close();
});
