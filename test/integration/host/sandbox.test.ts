import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#domain';
import { findProgram, type ProgramError, run, runSandboxed } from '#host';

const skip = findProgram('bwrap') ? false : 'bubblewrap is not installed';
const NOWHERE = { root: null, mounts: [], cwd: '/tmp' };

test('a sandboxed program writes only to its mounts, has no network and sees none of our environment', {
  skip,
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

/** Runs a script that must be stopped for what it uses. Returns what was too much. */
async function stopped(script: string, family: { memoryBytes: number; processes: number }): Promise<string> {
  const error = await runSandboxed(NOWHERE, 'sh', ['-c', script], { family, timeoutMs: 30_000 }).catch(
    (caught: unknown) => caught,
  );
  assert.ok(hasCode(error, 'over-limit'), String(error));
  return (error as ProgramError).message;
}

test('a sandboxed program of the host sees its programs, and no home, key or setting of it', { skip }, async (t) => {
  const home = await mkdtemp(join(homedir(), '.tuxtape-sandbox-'));
  t.after(() => rm(home, { recursive: true }));
  await writeFile(join(home, 'key.pem'), 'SECRET');
  const look = `cat ${join(home, 'key.pem')} ${import.meta.filename} /etc/shadow /etc/hostname /proc/1/environ 2>/dev/null; ls / /etc`;
  const { stdout } = await runSandboxed(NOWHERE, 'sh', ['-c', `${look}; true`]);
  assert.doesNotMatch(stdout, /SECRET|import |root:|^(?:root|home|var|srv)$|shadow/m);
  assert.match(stdout, /^usr$/m);
});

test('a sandboxed program that starts processes without end is stopped, and all of them with it', {
  skip,
}, async () => {
  const mark = `sleep 98${process.pid}`;
  const family = { memoryBytes: 2 ** 32, processes: 40 };
  assert.match(await stopped(`while :; do ${mark} & sleep 0.01; done`, family), /processes/);
  const { stdout } = await run('sh', ['-c', 'ps -eo args']);
  assert.ok(!stdout.includes(mark), 'nothing is left of it');
});

test('a sandboxed family that holds too much memory is stopped', { skip }, async () => {
  const script = 'for i in 1 2 3 4; do perl -e \'my $x = "x" x (60 << 20); sleep 20\' & done; wait';
  assert.match(await stopped(script, { memoryBytes: 150 << 20, processes: 40 }), /memory/);
});

test('a sandboxed program cannot write a file that is larger than its bound', { skip }, async () => {
  const limits = { fileBytes: 1 << 20 };
  const write = runSandboxed(NOWHERE, 'sh', ['-c', 'head -c 2000000 /dev/zero >/tmp/big'], { limits });
  await assert.rejects(
    write,
    (error) => hasCode(error, 'program-failed') && /size limit|too large/i.test(String(error)),
  );
});
