import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, runSandboxed } from '#host';

test('a sandboxed program writes only to its mounts, has no network and sees none of our environment', {
  skip: findProgram('bwrap') ? false : 'bubblewrap is not installed',
}, async (t) => {
  const tree = await mkdtemp(join(tmpdir(), 'tuxtape-sandbox-'));
  t.after(() => rm(tree, { recursive: true }));
  const sandbox = { root: null, mounts: [{ from: tree, to: '/mnt/linux', writable: true }], cwd: '/mnt/linux' };
  const script =
    'echo hello > out; touch /etc/x 2>/dev/null && echo wrote-etc; grep -c : /proc/net/dev; env | grep -c SECRET_OF_TEST; true';
  const { stdout } = await runSandboxed(sandbox, 'sh', ['-c', script]);
  assert.equal(await readFile(join(tree, 'out'), 'utf8'), 'hello\n');
  assert.equal(stdout, '1\n0\n', 'only the loopback interface, no variable of ours');
});
