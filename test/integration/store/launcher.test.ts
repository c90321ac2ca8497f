/** Our own PostgreSQL: started with the first user, stopped with the last, whatever was killed in between. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { isRoot } from '#host';
import { openStore } from '#store';
import type { Flavour } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** A process that opens the store, says so, and holds it until it is told to close. */
const HOLDER = `
import { openStore } from '#store';
const [dataDirectory, flavour] = process.argv.slice(1);
const store = await openStore({ dataDirectory, databaseUrl: null, flavour });
process.stdout.write('open\\n');
process.stdin.once('data', async () => { await store.close(); process.exit(0); });
`;

interface Holder {
  close(): Promise<void>;
  kill(): Promise<void>;
}

async function holder(data: string, flavour: Flavour): Promise<Holder> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, data, flavour], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const ended = once(child, 'exit');
  return {
    async close() {
      child.stdin.write('x');
      assert.deepEqual(await ended, [0, null]);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function postmaster(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postgres/cluster/postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  try {
    return pid > 0 && process.kill(pid, 0) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function answers(data: string, flavour: Flavour): Promise<void> {
  const store = await openStore({ dataDirectory: data, databaseUrl: null, flavour });
  const { rows } = await sql<{ one: number }>`SELECT 1 AS one`.execute(store.db);
  assert.deepEqual(rows, [{ one: 1 }]);
  await store.close();
}

for (const flavour of ['embedded', 'system'] satisfies Flavour[]) {
  test(`${flavour}: two processes share one server, and the last one stops it`, async () => {
    const data = await scratch();
    const [first, second] = await Promise.all([holder(data, flavour), holder(data, flavour)]);
    const pid = await postmaster(data);
    assert.ok(pid !== undefined);
    await first.close();
    assert.equal(await postmaster(data), pid, 'one user is left');
    await answers(data, flavour);
    assert.equal(await postmaster(data), pid);
    await second.close();
    assert.equal(await postmaster(data), undefined, 'stopped with the last user');
  });

  test(`${flavour}: a user killed by kill -9 does not keep the server for ever`, async () => {
    const data = await scratch();
    await (await holder(data, flavour)).kill();
    assert.ok((await postmaster(data)) !== undefined, 'nobody was left to stop it');
    assert.equal((await readdir(join(data, 'postgres/users'))).length, 1);
    await answers(data, flavour);
    assert.equal(await postmaster(data), undefined);
    assert.deepEqual(await readdir(join(data, 'postgres/users')), []);
  });

  test(`${flavour}: a server killed by kill -9 is started again, with its data`, async () => {
    const data = await scratch();
    const store = await openStore({ dataDirectory: data, databaseUrl: null, flavour });
    await sql`CREATE TABLE kept AS SELECT 42 AS answer`.execute(store.db);
    process.kill((await postmaster(data))!, 'SIGKILL');
    await store.close();
    const again = await openStore({ dataDirectory: data, databaseUrl: null, flavour });
    assert.deepEqual((await sql`SELECT answer FROM kept`.execute(again.db)).rows, [{ answer: 42 }]);
    await again.close();
  });
}

test('a damaged data directory is left as it is, and said', async () => {
  const data = await scratch();
  await answers(data, 'embedded');
  const version = join(data, 'postgres/cluster/PG_VERSION');
  await writeFile(version, '99\n');
  await assert.rejects(openStore({ dataDirectory: data, databaseUrl: null }), { code: 'postgres-missing' });
  await writeFile(version, '18\n');
  await answers(data, 'embedded');
});

test('the server does not run as root', { skip: isRoot() ? false : 'not root here' }, async () => {
  const data = await scratch();
  const held = await holder(data, 'system');
  const status = await readFile(`/proc/${await postmaster(data)}/status`, 'utf8');
  assert.doesNotMatch(status, /^Uid:\t0\t/m);
  await held.close();
});
