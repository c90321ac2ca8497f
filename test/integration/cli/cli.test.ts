/** The command line as people and scripts meet it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { plainEnvironment } from '#host';
import { tuxtape } from '../../../testkit/cli.ts';
import { databaseUrl } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { SAMPLE_FIX, tinyKernel } from '../../../testkit/tiny-kernel.ts';

const TUXTAPE = join(import.meta.dirname, '../../../bin/tuxtape');

interface ErrorReport {
  readonly error: { readonly code: string; readonly what: string; readonly where?: string; readonly remedy?: string };
}

/** A data directory with a database of its own. */
async function place(): Promise<Record<string, string>> {
  return { TUXTAPE_DATA: await scratch(), DATABASE_URL: await databaseUrl() };
}

test('help says what there is, with examples and exit codes', async () => {
  const reference = await readFile(join(import.meta.dirname, '../../../docs/reference/cli.md'), 'utf8');
  const { stdout, exitCode } = await tuxtape(['--help']);
  assert.equal(exitCode, 0);
  for (const word of [
    'feed',
    'cve',
    'kernel',
    'triage',
    'livepatch',
    'klog',
    'archive',
    'up',
    'config',
    'Exit codes',
  ]) {
    assert.match(stdout, new RegExp(`\\b${word}\\b`));
  }
  for (const command of [
    'feed sync',
    'cve list',
    'kernel add',
    'triage',
    'livepatch build',
    'livepatch lint',
    'livepatch approve',
    'reviewer make',
    'klog parse',
    'klog explain',
    'archive init',
    'archive keys make',
    'archive root propose',
    'archive recall',
    'archive export',
    'up',
  ]) {
    const help = await tuxtape([...command.split(' '), '--help']);
    assert.equal(help.exitCode, 0);
    assert.ok(reference.includes(`tuxtape ${command}`), `docs/reference/cli.md lacks ${command}`);
    assert.match(help.stdout, /Examples?:\n {2}(?:sudo )?tuxtape /, command);
  }
});

test('whoever reads the output may go away: no defect is told, and words that nobody reads stop nothing', async () => {
  const env = await place();
  const child = spawn(TUXTAPE, ['config', 'show'], { env: { ...process.env, ...env } });
  child.stdout.destroy();
  const [words, [code]] = await Promise.all([textOf(child.stderr), once(child, 'exit')]);
  assert.equal(code, 141);
  assert.equal(words, '');
  const deaf = spawn(TUXTAPE, ['triage', '--version', '6.1'], { env: { ...process.env, ...env } });
  deaf.stderr.destroy();
  const [result, [end]] = await Promise.all([textOf(deaf.stdout), once(deaf, 'exit')]);
  assert.equal(end, 0);
  assert.match(result, /by ranges only/);
});

test('wrong usage ends with 64 and touches nothing', async () => {
  const env = await place();
  for (const args of [
    ['nonsense'],
    ['feed', 'sink'],
    ['cve', 'list', '--limit', 'x'],
    ['triage'],
    ['livepatch', 'build'],
  ]) {
    const { exitCode, stderr } = await tuxtape(args, env);
    assert.equal(exitCode, 64, `${args.join(' ')}: ${stderr}`);
  }
  assert.deepEqual(await readdir(env['TUXTAPE_DATA']!), []);
});

test('an unknown configuration key is refused with the nearest one; a wrong value with its line', async () => {
  const env = await place();
  const file = join(env['TUXTAPE_DATA']!, 'tuxtape.toml');
  await writeFile(file, '[feed]\nintervall = 60\n');
  const unknown = await tuxtape(['config', 'show'], env);
  assert.equal(unknown.exitCode, 65);
  assert.match(unknown.stderr, /feed\.intervall[\s\S]*feed\.interval\b/);
  await writeFile(file, '[feed]\ninterval = "soon"\n');
  assert.match((await tuxtape(['config', 'show'], env)).stderr, /feed\.interval/);
  await writeFile(file, '[feed]\ninterval = 60\n');
  const { stdout } = await tuxtape(['--json', 'config', 'show'], { ...env, TUXTAPE_LOG_LEVEL: 'debug' });
  const rows = JSON.parse(stdout) as { key: string; value: unknown; source: string }[];
  const of = (key: string): string => {
    const row = rows.find((one) => one.key === key)!;
    return `${String(row.value)} from ${row.source}`;
  };
  assert.match(of('feed.interval'), /^60 from .*tuxtape\.toml/);
  assert.match(of('log.level'), /^debug from .*TUXTAPE_LOG_LEVEL/);
  assert.match(of('server.port'), /from default/);
  assert.ok(!stdout.includes(':-@'), 'no password is printed');
});

test('an error says what, where and what to do; as JSON it has the same parts', async () => {
  const env = await place();
  const text = await tuxtape(['cve', 'show', 'CVE-2026-99999'], env);
  assert.equal(text.exitCode, 65);
  assert.match(text.stderr, /^tuxtape: .* \[not-found\]\n {2}where: .*\n {2}do: {4}/m);
  assert.equal(text.stdout, '');
  const json = await tuxtape(['--json', 'cve', 'show', 'CVE-2026-99999'], env);
  const { error } = JSON.parse(json.stderr) as ErrorReport;
  assert.equal(error.code, 'not-found');
  assert.ok(error.remedy !== undefined && error.where !== undefined);
});

test('every kind of bad input has its code and its exit code', async () => {
  const env = await place();
  const home = await scratch();
  const { source, config } = await tinyKernel(home);
  const cases: [string[], string, number][] = [
    [['feed', 'sync', '--lore', home, '--vulns', home], 'feed-not-an-archive', 65],
    [['feed', 'sync', '--lore', 'http://127.0.0.1:1/x', '--vulns', home], 'feed-unreachable', 68],
    [['kernel', 'add', 'a', '--source', home, '--config', config], 'source-not-a-kernel', 65],
    [['kernel', 'add', 'a', '--source', source, '--config', join(source, 'Makefile')], 'config-unreadable', 65],
    [['kernel', 'add', 'a', '--source', source, '--config', config, '--chroot', home], 'toolchain-missing', 69],
    [['kernel', 'build', 'none'], 'not-found', 65],
    [['triage', '--kernel', 'none'], 'not-found', 65],
    [['livepatch', 'verify', 'none'], 'not-found', 65],
    [['archive', 'show', home], 'archive-missing', 65],
    [['cve', 'show', 'CVE-1'], 'cve-id-invalid', 65],
  ];
  for (const [args, code, exitCode] of cases) {
    const result = await tuxtape(['--json', ...args], env);
    const { error } = JSON.parse(result.stderr.slice(result.stderr.indexOf('{\n'))) as ErrorReport;
    assert.deepEqual([error.code, result.exitCode], [code, exitCode], `${args.join(' ')}: ${result.stderr}`);
  }
});

test('a patch that does not apply leaves the tree and the store as they were', async () => {
  const env = await place();
  const home = await scratch();
  const { source, config } = await tinyKernel(home);
  assert.equal((await tuxtape(['kernel', 'add', 'tiny', '--source', source, '--config', config], env)).exitCode, 0);
  assert.equal((await tuxtape(['kernel', 'build', 'tiny'], env)).exitCode, 0);
  const patch = join(home, 'x.patch');
  await writeFile(patch, '--- a/kernel/sample.c\n+++ b/kernel/sample.c\n@@ -1 +1 @@\n-nothing like it\n+other\n');
  const result = await tuxtape(['--json', 'livepatch', 'build', '--kernel', 'tiny', '--patch', patch], env);
  assert.equal(
    (JSON.parse(result.stderr.slice(result.stderr.indexOf('{\n'))) as ErrorReport).error.code,
    'patch-does-not-apply',
  );
  assert.equal(result.exitCode, 71);
  assert.equal((await tuxtape(['--json', 'livepatch', 'list'], env)).stdout, '[]\n');
  await writeFile(patch, SAMPLE_FIX);
  const linted = await tuxtape(['livepatch', 'lint', '--kernel', 'tiny', '--patch', patch], env);
  assert.match(linted.stdout, /^block +no-ftrace-object, hazard 7 {2}kernel\/sample\.c:8\n/, linted.stderr);
  assert.match(linted.stdout, /\n1 block, 0 need two approvals, 0 notes: no livepatch is made of it\n$/);
  assert.equal(linted.exitCode, 71);
  const refused = await tuxtape(['--json', 'livepatch', 'build', '--kernel', 'tiny', '--patch', patch], env);
  assert.equal(
    (JSON.parse(refused.stderr.slice(refused.stderr.indexOf('{\n'))) as ErrorReport).error.code,
    'no-ftrace-object',
  );
  const removed = await tuxtape(['kernel', 'remove', 'tiny'], env);
  assert.match(removed.stdout, /^removed kernel "tiny", with its verdicts\ndeleted .*kernels/, removed.stderr);
  assert.equal((await tuxtape(['kernel', 'remove', 'tiny'], env)).exitCode, 65);
});

test('Ctrl-C while a kernel is added ends it within seconds, says what is left, and leaves nothing', async () => {
  const env = await place();
  const home = await scratch();
  const { source, config } = await tinyKernel(home);
  const makefile = join(source, 'Makefile');
  const slow = (await readFile(makefile, 'utf8')).replace('mrproper:\n', 'mrproper:\n\tsleep 300\n');
  await writeFile(makefile, slow);
  const child = spawn(TUXTAPE, ['kernel', 'add', 'tiny', '--source', source, '--config', config], {
    env: plainEnvironment(env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = textOf(child.stderr);
  const ended = once(child, 'exit');
  const trees = join(env.TUXTAPE_DATA!, 'kernels');
  while ((await readdir(trees, { recursive: true }).catch(() => [])).every((name) => !name.endsWith('sample.c')))
    await new Promise((resolve) => setTimeout(resolve, 50));
  const asked = performance.now();
  child.kill('SIGINT');
  assert.deepEqual(await ended, [130, null]);
  assert.ok(performance.now() - asked < 10_000);
  assert.match(await said, /: stopped; nothing of it was kept/);
  assert.deepEqual(await readdir(trees), []);
  assert.equal((await tuxtape(['kernel', 'show', 'tiny'], env)).exitCode, 65);
});

test('up --once --offline works on the sample and says that it does; a second run finds it there', async () => {
  const env = await place();
  const first = await tuxtape(['up', '--once', '--offline'], env);
  assert.equal(first.exitCode, 0, first.stderr);
  assert.match(first.stdout, /SAMPLE DATA/);
  assert.match(first.stdout, /Top CVEs of kernel sample-server-6\.1/);
  assert.match(first.stdout, /CVE-\d{4}-\d+\s+critical/i);
  const second = await tuxtape(['--json', 'up', '--once', '--offline'], env);
  assert.equal((JSON.parse(second.stdout) as { synced: string }).synced, 'kept');
  const list = await tuxtape(['--json', 'cve', 'list', '--limit', '0'], env);
  assert.ok((JSON.parse(list.stdout) as unknown[]).length >= 30);
  const explain = await tuxtape(['triage', 'explain', 'CVE-2026-53352', '--kernel', 'sample-server-6.1'], env);
  assert.match(explain.stdout, /1\. ranges[\s\S]*2\. build/);
});

test('a data directory that cannot be written is said', async () => {
  const home = await scratch();
  await writeFile(join(home, 'file'), '');
  const { exitCode, stderr } = await tuxtape(['--json', 'feed', 'status'], { TUXTAPE_DATA: join(home, 'file') });
  assert.notEqual(exitCode, 0);
  assert.match((JSON.parse(stderr) as ErrorReport).error.where ?? '', /file/);
  const none = await tuxtape(['--data', '/proc/none', 'kernel', 'list']);
  assert.equal(none.exitCode, 65);
  assert.match(none.stderr, /\[data-unreachable\]\n {2}where: \/proc\/none\n {2}do: {4}/);
});
