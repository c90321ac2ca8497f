/** The audit log is a chain: whatever is changed, taken out, put in or cut off afterwards is seen. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { actVia, addAudit, inTransaction, listAudit, type Store, verifyAudit } from '#store';
import { testStore } from '../../../testkit/database.ts';

const at = new Date('2026-11-25T12:00:00.123Z');
const entry = (subject: string, detail: unknown = { reason: 'because', n: 1.5e21 }) => ({
  ...{ at, actor: 'jane', action: 'test.do', subject, detail },
});

async function logOf(count: number): Promise<Store> {
  const store = await testStore();
  for (let i = 1; i <= count; i += 1) await addAudit(store.db, entry(`subject ${i}`));
  return store;
}

/** As somebody does who owns the database. */
async function tamper(store: Store, statement: ReturnType<typeof sql>): Promise<void> {
  await sql`ALTER TABLE audit DISABLE TRIGGER USER`.execute(store.db);
  await statement.execute(store.db);
  await sql`ALTER TABLE audit ENABLE TRIGGER USER`.execute(store.db);
}

test('rows follow each other, and say who, how, what and why', async () => {
  const store = await logOf(3);
  await inTransaction(store.db, async (tx) => {
    await actVia(tx, 'token 42');
    await addAudit(tx, entry('by a token'));
  });
  await addAudit(store.db, entry('after it'));
  const { rows, head, fault } = await verifyAudit(store.db);
  assert.deepEqual([rows, head?.seq, fault], [5, 5, null]);
  const listed = await listAudit(store.db, { limit: 2 });
  assert.deepEqual(
    listed.map(({ seq, via, actor, reason, subject }) => [seq, via, actor, reason, subject]),
    [
      [5, 'machine', 'jane', 'because', 'after it'],
      [4, 'token 42', 'jane', 'because', 'by a token'],
    ],
  );
  assert.equal((await listAudit(store.db, { limit: 9, before: 3 })).length, 2);
  assert.equal((await listAudit(store.db, { limit: 9, subject: 'after it' })).length, 1);
});

test('whatever text it holds, the program and the database make the same hash', async () => {
  const store = await testStore();
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.json({ maxDepth: 2 }),
      fc.date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
      async (text, json, when) => {
        const actor = text.replace(/[\ud800-\udfff]/g, '');
        await addAudit(store.db, { at: when, actor, action: 'a', subject: actor, detail: { reason: actor, json } });
      },
    ),
    { numRuns: 100 },
  );
  const { rows, fault } = await verifyAudit(store.db);
  assert.deepEqual([rows, fault], [100, null]);
});

test('writers at once make one chain, and what is rolled back leaves no gap', async () => {
  const store = await testStore();
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      inTransaction(store.db, async (tx) => {
        await addAudit(tx, entry(`${i}`));
        if (i % 3 === 0) throw new TypeError('rolled back');
      }).catch((error: unknown) => assert.ok(error instanceof TypeError)),
    ),
  );
  const { rows, fault } = await verifyAudit(store.db);
  assert.deepEqual([rows, fault], [13, null]);
});

test('no statement changes, deletes or forges a row', async () => {
  const store = await logOf(2);
  for (const statement of [
    sql`UPDATE audit SET actor = 'bo'`,
    sql`DELETE FROM audit`,
    sql`TRUNCATE audit`,
    sql`INSERT INTO audit (at, actor, action, subject, detail, via, id) VALUES (now(), 'a', 'a', 'a', '{}', 'a', 1)`,
  ])
    await assert.rejects(statement.execute(store.db));
  // A row that brings its own place gets the one that is next.
  await sql`INSERT INTO audit (at, actor, action, subject, detail, via, seq, previous, hash)
    VALUES (now(), 'a', 'a', 'a', '{}', 'a', 99, 'x', 'y')`.execute(store.db);
  const { rows, fault } = await verifyAudit(store.db);
  assert.deepEqual([rows, fault], [3, null]);
});

test('one row that is tampered with is found, whatever of it was changed', async () => {
  const changes: Record<string, ReturnType<typeof sql>> = {
    actor: sql`actor = 'bo'`,
    via: sql`via = 'session'`,
    time: sql`at = at + interval '1 microsecond'`,
    action: sql`action = 'test.undo'`,
    subject: sql`subject = 'other'`,
    reason: sql`reason = ''`,
    detail: sql`detail = '{"reason": "because", "n": 2}'`,
    hash: sql`hash = repeat('0', 64)`,
    previous: sql`previous = repeat('0', 64)`,
    'text moved between fields': sql`actor = 'janem', via = 'achine'`,
  };
  for (const [what, change] of Object.entries(changes)) {
    const store = await logOf(5);
    await tamper(store, sql`UPDATE audit SET ${change} WHERE seq = 3`);
    const { rows, head, fault } = await verifyAudit(store.db);
    assert.deepEqual([rows, head?.seq, fault?.seq], [2, 2, 3], what);
    await store.close();
  }
});

test('a row that is taken out, put in or moved is found; a log that is made anew or cut off, by a row that was seen', async () => {
  const store = await logOf(6);
  const { head } = await verifyAudit(store.db);
  const seen = (await listAudit(store.db, { limit: 9 })).find(({ seq }) => seq === 4)!;
  await tamper(store, sql`DELETE FROM audit WHERE seq = 6`);
  assert.equal((await verifyAudit(store.db)).fault, null, 'by itself the end of a log does not say what came after it');
  assert.equal((await verifyAudit(store.db, [head!])).fault?.seq, 6);
  // With everything after it hashed again, as its owner can.
  await tamper(store, sql`UPDATE audit SET actor = 'bo' WHERE seq = 4`);
  await tamper(store, sql`UPDATE audit AS line SET hash = audit_hash(line) WHERE seq = 4`);
  await tamper(store, sql`UPDATE audit SET previous = (SELECT hash FROM audit WHERE seq = 4) WHERE seq = 5`);
  await tamper(store, sql`UPDATE audit AS line SET hash = audit_hash(line) WHERE seq = 5`);
  assert.equal((await verifyAudit(store.db)).fault, null);
  const { fault } = await verifyAudit(store.db, [seen]);
  assert.deepEqual([fault?.seq, /made anew/.test(fault?.what ?? '')], [4, true]);
  await tamper(store, sql`DELETE FROM audit WHERE seq = 2`);
  assert.equal((await verifyAudit(store.db)).fault?.seq, 2);
});

test('a log from before the chain joins it in its order', async () => {
  const store = await testStore();
  const text = readFileSync(join(import.meta.dirname, '../../../src/store/migrations/0019_audit_chain.sql'), 'utf8');
  await sql`
    DROP TABLE audit CASCADE`.execute(store.db);
  await sql`DROP FUNCTION audit_chain`.execute(store.db);
  await sql`CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL,
    actor text NOT NULL, action text NOT NULL, subject text NOT NULL, detail jsonb NOT NULL)`.execute(store.db);
  await sql`CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()`.execute(store.db);
  for (let i = 0; i < 3; i += 1)
    await sql`INSERT INTO audit (at, actor, action, subject, detail)
      VALUES (now(), 'jane', 'old', ${`${i}`}, '{"reason": "then"}')`.execute(store.db);
  await sql.raw(text).execute(store.db);
  await addAudit(store.db, entry('new'));
  assert.deepEqual((await verifyAudit(store.db)).fault, null);
  assert.deepEqual(
    (await listAudit(store.db, { limit: 9 })).map(({ subject, reason }) => [subject, reason]),
    [
      ['new', 'because'],
      ['2', 'then'],
      ['1', 'then'],
      ['0', 'then'],
    ],
  );
  await assert.rejects(sql`UPDATE audit SET actor = 'bo'`.execute(store.db), 'it is append-only again');
});
