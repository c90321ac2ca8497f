/** The drill of docs/operations/backup.md, as an operator does it: with our own PostgreSQL, killed, and the command line. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openStore } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';

test('back up, kill the database, restore into a new data directory, and go on', async () => {
  const home = join(tmpdir(), `tuxtape-drill-${process.pid}`);
  after(() => rm(home, { recursive: true, force: true }));
  const [first, second, file] = [join(home, 'first'), join(home, 'second'), join(home, 'tuxtape.backup')];
  const secret = join(home, 'pass');
  const opened = await openStore({ dataDirectory: first, databaseUrl: null });
  await writeFile(secret, 'correct horse battery staple\n');
  const run = (data: string, ...args: string[]) => tuxtape(['--json', '--data', data, ...args]);
  const answer = await run(first, 'notify', 'channel', 'add', 'team', '--mail', 'security@example.org');
  assert.equal(answer.exitCode, 0, answer.stderr);
  const made = await run(first, 'backup', file, '--with-keys', '--passphrase-file', secret);
  assert.equal(made.exitCode, 0, made.stderr);
  const pid = Number((await readFile(join(first, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  await opened.close().catch(() => undefined);
  const checked = await run(second, 'restore', file, '--check', '--passphrase-file', secret);
  assert.equal((JSON.parse(checked.stdout) as { good: boolean }).good, true);
  assert.match((await run(second, 'restore', file)).stderr, /"passphrase-wanted"/);
  const restored = await run(second, 'restore', file, '--passphrase-file', secret);
  assert.equal(restored.exitCode, 0, restored.stderr);
  assert.ok((JSON.parse(restored.stdout) as { epoch: number }).epoch > 0);
  const status = JSON.parse((await run(second, 'notify', 'status')).stdout) as { name: string }[];
  assert.deepEqual(
    status.map(({ name }) => name),
    ['team'],
  );
  assert.match((await run(second, 'restore', file, '--passphrase-file', secret)).stderr, /"database-not-empty"/);
});
