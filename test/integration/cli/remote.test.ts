/** Reading from a server: the same CVEs as on its machine, and no token for whoever listens on the way. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { newToken } from '#identity';
import { listKernels, searchCves } from '#store';
import { tuxtape } from '../../../testkit/cli.ts';
import { everywhere, newAccount, tokenHeaders } from '../../../testkit/identity.ts';
import { HOSTILE, listeningServer } from '../../../testkit/sample-server.ts';
import { scratch } from '../../../testkit/scratch.ts';

test('CVEs and kernels are read from a server with a token', { timeout: 200_000 }, async () => {
  const { url, store, kernel } = await listeningServer();
  const folder = await scratch();
  const viewer = await newAccount(store, [everywhere('viewer')]);
  const { authorization } = await tokenHeaders(store, viewer, viewer.grants);
  const file = join(folder, 'token');
  await writeFile(file, `${authorization!.slice(7)}\n`);
  const run = (...args: string[]) =>
    tuxtape(args, { TUXTAPE_DATA: join(folder, 'none'), DATABASE_URL: 'postgresql://127.0.0.1:1/none' });
  const remote = ['--server', url, '--token-file', file];
  const all = await run('--json', 'cve', 'list', '--limit', '0', ...remote);
  assert.equal(all.exitCode, 0, all.stderr);
  assert.deepEqual(
    (JSON.parse(all.stdout) as { id: string }[]).map(({ id }) => id),
    (await searchCves(store.db, { sort: 'priority', limit: 0 })).map(({ id }) => id),
  );
  assert.match(all.stderr, /SAMPLE DATA[\s\S]*NOT READ YET: kev/);
  const found = await run('cve', 'search', 'owned', '--file', 'net/core/', ...remote);
  assert.match(found.stdout, /CVE-2026-66666/);
  const shown = await run('cve', 'show', HOSTILE.id, ...remote);
  assert.match(shown.stdout, /^CVE-2026-66666 .*[\s\S]*Why it stands where it stands/);
  assert.match((await run('kernel', 'list', ...remote)).stdout, new RegExp(kernel));
  const one = JSON.parse((await run('--json', 'kernel', 'show', kernel, ...remote)).stdout) as { id: string };
  assert.equal(one.id, (await listKernels(store.db))[0]?.id);
  await writeFile(join(folder, 'forged'), newToken());
  for (const [args, exit, code] of [
    [['cve', 'show', 'CVE-2099-1234', ...remote], 65, 'server-refused'],
    [['kernel', 'list', '--server', url], 65, 'token-refused'],
    [['kernel', 'list', '--server', url, '--token-file', join(folder, 'forged')], 65, 'token-refused'],
    [['kernel', 'list', '--server', 'http://192.0.2.1', '--token-file', file], 65, 'server-insecure'],
    [['kernel', 'list', '--token-file', file], 65, 'server-insecure'],
    [['cve', 'list', '--affects', '6.1.1', ...remote], 65, 'not-remote'],
    [['kernel', 'list', '--server', 'http://127.0.0.1:1', '--token-file', file], 68, 'http-failed'],
  ] as const) {
    const { exitCode, stderr, stdout } = await run(...args);
    assert.deepEqual(
      [exitCode, stderr.includes(`[${code}]`), stdout],
      [exit, true, ''],
      `${args.join(' ')}: ${stderr}`,
    );
    assert.ok(!stderr.includes(authorization!.slice(7)));
  }
});
