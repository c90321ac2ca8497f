import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { CveRecord } from '#domain';
import {
  type CveRow,
  countCves,
  databaseState,
  getCursor,
  getCve,
  inTransaction,
  listQuarantine,
  openStore,
  quarantine,
  release,
  searchCves,
  setCursor,
  upsertCves,
} from '#store';
import { databaseUrl, type Flavour, testStore } from '../../../testkit/database.ts';

function row(id: CveRecord['id'], part: Partial<CveRecord> = {}, score: number | null = null): CveRow {
  const record: CveRecord = {
    id,
    state: 'published',
    source: 'record',
    title: `title of ${id}`,
    description: '',
    files: ['net/core/sample.c'],
    ranges: [{ introduced: null, fixed: { version: '6.1.171', commit: null } }],
    cvssVector: null,
    references: [],
    rationale: null,
    vulnerableCommits: [],
    ...part,
  };
  return { record, score, oid: `oid ${id}` };
}

for (const flavour of ['embedded', 'system'] satisfies Flavour[]) {
  test(`${flavour}: a CVE is read back as it was stored, and replaced as a whole`, async () => {
    const { db } = await testStore(flavour);
    await upsertCves(db, [
      row('CVE-2026-10001', {}, 9.8),
      row('CVE-2026-9999'),
      row('CVE-2025-20000', { state: 'rejected' }),
    ]);
    assert.deepEqual(await getCve(db, 'CVE-2026-10001'), row('CVE-2026-10001', {}, 9.8));
    await upsertCves(db, [row('CVE-2026-10001', { files: ['a.c', 'b.c'], ranges: [] })]);
    assert.deepEqual(await getCve(db, 'CVE-2026-10001'), row('CVE-2026-10001', { files: ['a.c', 'b.c'], ranges: [] }));
    assert.deepEqual(await countCves(db), { published: 2, rejected: 1, scored: 0 });
    const newestFirst = (await searchCves(db, { limit: 0, sort: 'newest' })).map(({ id }) => id);
    assert.deepEqual(newestFirst, ['CVE-2026-10001', 'CVE-2026-9999', 'CVE-2025-20000']);
  });

  test(`${flavour}: text that PostgreSQL cannot hold, or that looks like SQL, does no harm`, async () => {
    const { db } = await testStore(flavour);
    const title = `'; DROP TABLE cve; -- \u{1f427} \\ " $1`;
    await upsertCves(db, [row('CVE-2026-10001', { title, description: 'a\0b', files: ['x"\\,{}.c', ''] })]);
    const stored = await getCve(db, 'CVE-2026-10001');
    assert.equal(stored?.record.title, title);
    assert.deepEqual(stored.record.files, ['x"\\,{}.c', '']);
    assert.ok(!stored.record.description.includes('\0'));
  });

  test(`${flavour}: a transaction that fails leaves nothing`, async () => {
    const { db } = await testStore(flavour);
    const failing = inTransaction(db, async (tx) => {
      await upsertCves(tx, [row('CVE-2026-10001')]);
      await setCursor(tx, 'vulns', 'abc');
      await sql`SELECT 1 / 0`.execute(tx);
    });
    await assert.rejects(failing);
    assert.equal(await getCve(db, 'CVE-2026-10001'), undefined);
    assert.equal(await getCursor(db, 'vulns'), null);
  });

  test(`${flavour}: what is set aside stays until it is read`, async () => {
    const { db } = await testStore(flavour);
    const item = { source: 'vulns', item: 'published/CVE-2026-10001', code: 'record-unreadable', reason: 'not JSON' };
    await quarantine(db, [item]);
    await quarantine(db, [{ ...item, reason: 'again' }]);
    assert.deepEqual(await listQuarantine(db), [{ ...item, reason: 'again' }]);
    await release(db, 'vulns', [item.item]);
    assert.deepEqual(await listQuarantine(db), []);
  });
}

test('a database of a later TuxTape, or made by an edited migration, is left alone', async () => {
  const url = await databaseUrl();
  const store = await openStore({ dataDirectory: '/', databaseUrl: url });
  await sql`UPDATE schema_migration SET sha256 = 'other' WHERE version = 1`.execute(store.db);
  await assert.rejects(openStore({ dataDirectory: '/', databaseUrl: url }), { code: 'migration-changed' });
  await sql`DELETE FROM schema_migration`.execute(store.db);
  await sql`INSERT INTO schema_migration (version, name, sha256) VALUES (9999, 'later', 'x')`.execute(store.db);
  await assert.rejects(openStore({ dataDirectory: '/', databaseUrl: url }), { code: 'database-newer' });
  await store.close();
});

test('a server that does not answer is an error that names it, without its password', async () => {
  const url = 'postgresql://me:secret@127.0.0.1:1/none';
  await assert.rejects(
    openStore({ dataDirectory: '/', databaseUrl: url }),
    (error: Error & { code: string; where: string }) => {
      assert.equal(error.code, 'database-unreachable');
      assert.equal(error.where, '127.0.0.1:1/none');
      assert.ok(!`${error.message} ${error.stack}`.includes('secret'));
      return true;
    },
  );
});

test('the state of the database names its migrations', async () => {
  const { db } = await testStore();
  const state = await databaseState(db);
  assert.ok(state.bytes > 0);
  assert.ok(state.migrations.length > 0 && state.migrations.every(({ appliedAt }) => appliedAt instanceof Date));
});
