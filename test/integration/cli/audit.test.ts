/** The audit log on the command line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openStore } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';

test('the log is listed and verified; a changed entry and a cut end are refused with 76', {
  timeout: 120_000,
}, async () => {
  const env = { TUXTAPE_DATA: await scratch(), DATABASE_URL: await databaseUrl() };
  const run = (...args: string[]) => tuxtape(args, env);
  assert.match((await run('audit', 'verify')).stdout, /empty/);
  await run('user', 'add', 'jane', '--no-password', '--role', 'viewer', '--by', 'bo');
  await run('user', 'disable', 'jane', '--by', 'bo');
  const { stdout } = await run('audit', 'list', '--actor', 'bo');
  assert.match(stdout, /2 +\S+ +bo +machine +account\.disable +jane[\s\S]*1 +\S+ +bo +machine +account\.add +jane/);
  const good = await run('audit', 'verify');
  const mark = /mark {2}(\S+)/.exec(good.stdout)?.[1] ?? '';
  assert.match(mark, /^2:[0-9a-f]{64}$/);
  assert.equal((await run('audit', 'verify', '--mark', mark)).exitCode, 0);
  assert.equal((await run('audit', 'verify', '--mark', 'x')).exitCode, 64);
  const store = await openStore({ dataDirectory: '', databaseUrl: env.DATABASE_URL });
  await sql`ALTER TABLE audit DISABLE TRIGGER USER`.execute(store.db);
  await sql`DELETE FROM audit WHERE seq = 2`.execute(store.db);
  assert.equal((await run('audit', 'verify')).exitCode, 0);
  const cut = await run('audit', 'verify', '--mark', mark);
  assert.equal(cut.exitCode, 76);
  await sql`UPDATE audit SET actor = 'mallory'`.execute(store.db);
  await store.close();
  const changed = await run('audit', 'verify');
  assert.equal(changed.exitCode, 76);
  assert.match(changed.stderr, /audit-broken/);
});
