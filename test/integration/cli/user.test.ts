/** Accounts and tokens on the command line. */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addBundledKernel } from '#pipeline';
import { openStore } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';

const PASSWORD = 'correct horse battery';

async function place() {
  const folder = await scratch();
  const env = { TUXTAPE_DATA: folder, DATABASE_URL: await databaseUrl() };
  const file = join(folder, 'password');
  await writeFile(file, `${PASSWORD}\n`);
  const run = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await tuxtape(['--json', ...args], env);
    const parsed = (exitCode === 0 ? JSON.parse(stdout) : JSON.parse(stderr)) as unknown;
    return { exitCode, value: parsed as never, stderr };
  };
  return { run, file, env };
}

type Listed = {
  name: string;
  grants: { role: string; scope: { kind: string; id?: string } }[];
  disabledAt: string | null;
}[];

test('the first administrator is made here; the password is no argument and appears nowhere', {
  timeout: 120_000,
}, async () => {
  const { run, file, env } = await place();
  const added = await tuxtape(['user', 'add', 'jane', '--role', 'admin', '--password-file', file], env);
  assert.equal(added.exitCode, 0, added.stderr);
  assert.match(added.stderr, /ask for a login/);
  assert.match(added.stdout, /jane +jane +admin +password/);
  const store = await openStore({ dataDirectory: '', databaseUrl: env.DATABASE_URL });
  const rows = JSON.stringify([
    await store.db.selectFrom('account').selectAll().execute(),
    await store.db.selectFrom('audit').selectAll().execute(),
  ]);
  assert.ok(rows.includes('$argon2id$') && !rows.includes(PASSWORD));
  const kernel = await addBundledKernel(store);
  await store.close();
  const granted = await run('user', 'grant', 'jane', `author@kernel:${kernel.name}`);
  assert.deepEqual((granted.value as Listed)[0]?.grants, [
    { role: 'admin', scope: { kind: 'all' } },
    { role: 'author', scope: { kind: 'kernel', id: kernel.id } },
  ]);
  const revoked = await run('user', 'revoke', 'jane', 'admin');
  assert.equal((revoked.value as Listed)[0]?.grants.length, 1);
  const none = await tuxtape(['user', 'add', 'bo'], env);
  assert.match(none.stderr, /no-terminal/, 'without a terminal nothing is asked, and nobody is added');
  for (const [args, code] of [
    [['user', 'add', 'Jane', '--password-file', file], 'name-invalid'],
    [['user', 'add', 'jane', '--password-file', file], 'already-there'],
    [['user', 'add', 'bo', '--no-password', '--role', 'root'], 'role-invalid'],
    [['user', 'add', 'bo', '--no-password', '--role', 'author@kernel:none'], 'role-invalid'],
    [['user', 'revoke', 'jane', 'admin'], 'not-found'],
    [['user', 'password', 'bo', '--password-file', file], 'not-found'],
  ] as const) {
    const { exitCode, value } = await run(...args);
    assert.deepEqual([exitCode, (value as { error: { code: string } }).error.code], [65, code], args.join(' '));
  }
  assert.equal(((await run('user', 'list')).value as Listed).length, 1);
  const disabled = (await run('user', 'disable', 'jane')).value as Listed;
  assert.notEqual(disabled[0]?.disabledAt, null);
});

test('a token carries no more than its account, is written where only its maker reads, and is taken back', {
  timeout: 120_000,
}, async () => {
  const { run, env } = await place();
  await run('user', 'add', 'metrics', '--no-password', '--role', 'viewer');
  const output = join(env.TUXTAPE_DATA, 'token');
  const refused = await run('token', 'make', 'x', '--user', 'metrics', '--role', 'admin');
  assert.equal((refused.value as { error: { code: string } }).error.code, 'role-invalid');
  const made = await run('token', 'make', 'grafana', '--user', 'metrics', '--days', '90', '--output', output);
  const { id } = made.value as { id: string };
  assert.match(await readFile(output, 'utf8'), /^ttx_[\w-]{43}\n$/);
  assert.equal((await stat(output)).mode & 0o777, 0o600);
  assert.ok(!JSON.stringify(made.value).includes('ttx_'));
  const listed = (await run('token', 'revoke', id)).value as { id: string; revokedAt: string | null }[];
  assert.ok(listed[0]?.id === id && listed[0].revokedAt !== null);
  const twice = await run('token', 'revoke', id);
  assert.equal((twice.value as { error: { code: string } }).error.code, 'not-found');
});

test('the secret of one-time codes is shown once, and can be taken away', { timeout: 120_000 }, async () => {
  const { run, file } = await place();
  await run('user', 'add', 'jane', '--password-file', file);
  const { secret, uri } = (await run('user', 'totp', 'jane')).value as { secret: string; uri: string };
  assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.ok(uri.includes(secret));
  const [listed] = (await run('user', 'list')).value as { hasTotp: boolean }[];
  assert.equal(listed?.hasTotp, true);
  assert.equal(((await run('user', 'totp', 'jane', '--off')).value as { secret: null }).secret, null);
});
