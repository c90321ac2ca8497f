/** `tuxtape archive`: a ceremony of three, a kernel that is served, a recall, a site without a network; all by the commands that people type. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishLivepatch } from '#archive';
import { plainEnvironment, systemClock } from '#host';
import { BUILD_ID, bundle } from '../../../testkit/archive.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SECRET = 'correct horse battery staple';

interface Desk {
  readonly home: string;
  readonly at: (...parts: string[]) => string;
  readonly run: (...args: string[]) => Promise<string>;
  readonly json: (...args: string[]) => Promise<unknown>;
  readonly fails: (exitCode: number, ...args: string[]) => Promise<string>;
}

async function desk(): Promise<Desk> {
  const home = await scratch();
  const env = { TUXTAPE_DATA: join(home, 'data') };
  const all = (args: string[]): ReturnType<typeof tuxtape> => tuxtape(['archive', ...args], env);
  const run = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await all(args);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
    return stdout + stderr;
  };
  const json = async (...args: string[]): Promise<unknown> => {
    const { exitCode, stdout, stderr } = await tuxtape(['--json', 'archive', ...args], env);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as unknown;
  };
  const fails = async (exitCode: number, ...args: string[]): Promise<string> => {
    const result = await all(args);
    assert.equal(result.exitCode, exitCode, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    return result.stdout + result.stderr;
  };
  await writeFile(join(home, 'secret'), `${SECRET}\n`, { mode: 0o600 });
  return { home, at: (...parts) => join(home, ...parts), run, json, fails };
}

test('three holders found an archive in turn, replace a key, and take one away', async () => {
  const { at, run, fails } = await desk();
  const guarded = ['--passphrase-file', at('secret')];
  for (const [holder, name] of [
    ['ann', 'root-ann'],
    ['ann', 'targets'],
    ['ann', 'release'],
    ['bob', 'root-bob'],
  ] as const)
    await run('keys', 'make', name, '--keys', at(holder), ...guarded);
  for (const name of ['rollout', 'snapshot', 'timestamp', 'timestamp-2'])
    await run('keys', 'make', name, '--keys', at('server'), '--plain');
  const list = await run('keys', 'list', '--keys', at('ann'));
  assert.match(list, /root-ann +encrypted +ed25519/);
  assert.doesNotMatch(await readFile(at('ann/root-ann.key'), 'utf8'), new RegExp(SECRET));
  const add = (role: string, file: string): string[] => ['--add', `${role}=${at(file)}`];
  const change = at('change.json');
  const proposal = await run(
    ...['root', 'propose', '--new', '--out', change, '--bins', '4'],
    ...[...add('root', 'ann/root-ann.pub'), ...add('root', 'bob/root-bob.pub'), '--threshold', 'root=2'],
    ...[...add('targets', 'ann/targets.pub'), ...add('modules', 'ann/release.pub')],
    ...[
      ...add('rollout', 'server/rollout.pub'),
      ...add('snapshot', 'server/snapshot.pub'),
      ...add('timestamp', 'server/timestamp.pub'),
    ],
  );
  assert.match(proposal, /a new archive[\s\S]*root: \+ .*, \+ .*; 2 have to sign/);
  await fails(65, 'root', 'apply', change, at('archive'), '--keys', at('server'));
  assert.match(await fails(65, 'root', 'sign', change, '--keys', at('ann')), /encrypted, and there is no passphrase/);
  await run('root', 'sign', change, '--keys', at('ann'), ...guarded);
  assert.match(await run('root', 'show', change), /root +1 +1 +1 of 2/);
  await run('root', 'sign', change, '--keys', at('bob'), ...guarded);
  await run('root', 'apply', change, at('archive'), '--keys', at('server'));
  assert.match(await run('verify', at('archive')), /hosts would believe all of it: 0 files/);
  await run(
    'root',
    'propose',
    '--archive',
    at('archive'),
    '--out',
    change,
    '--replace',
    `timestamp=${at('server/timestamp-2.pub')}`,
  );
  const both = ['--keys', at('ann'), '--keys', at('bob'), ...guarded];
  await writeFile(at('stranger.json'), '{}');
  await fails(76, 'root', 'sign', change, '--root', at('stranger.json'), ...both);
  const shown = await run('root', 'sign', change, '--root', at('archive/root.json'), ...both);
  assert.match(shown, /timestamp: \+ [0-9a-f]{12}, - [0-9a-f]{12}; 1 have to sign/, 'a holder is told what it is');
  await run('root', 'apply', change, at('archive'), '--keys', at('server'));
  assert.match(await run('status', at('archive')), /timestamp +\S+ +23 h 59 min/);
  assert.ok((await readdir(at('archive/metadata'))).includes('2.root.json'));
});

test('passphrases never stand among the arguments, and none is asked for without a terminal', async () => {
  const { at, run, fails } = await desk();
  const help = await run('keys', 'make', '--help');
  assert.doesNotMatch(help, /--passphrase </);
  assert.match(await fails(65, 'keys', 'make', 'x', '--keys', at('k')), /there is no passphrase/);
  await run('keys', 'make', 'x', '--keys', at('k'), '--plain');
  await run('keys', 'encrypt', 'x', '--keys', at('k'), '--passphrase-file', at('secret'));
  assert.deepEqual((await readdir(at('k'))).toSorted(), ['x.key', 'x.pub']);
  await writeFile(at('wrong'), 'wrong\n');
  await fails(
    65,
    'keys',
    'encrypt',
    'x',
    '--keys',
    at('k'),
    '--passphrase-file',
    at('secret'),
    '--old-passphrase-file',
    at('wrong'),
  );
});

test('a kernel is recalled, mitigated and slowed by its build-id, without a database', async () => {
  const { at, run, json, fails, home } = await desk();
  await run('init', at('archive'), '--keys', at('keys'), '--bins', '2', '--passphrase-file', at('secret'));
  const opened = { keys: at('keys'), passphrase: () => Promise.resolve(SECRET) };
  await publishLivepatch({ directory: at('archive'), ...opened, clock: systemClock }, bundle('tuxtape_one'));
  const place = ['--archive', at('archive'), '--keys', at('keys'), '--passphrase-file', at('secret')];
  await fails(64, 'recall', BUILD_ID, '--release', '1', ...place);
  await run('recall', BUILD_ID, '--release', '1', '--reason', 'it oopses', '--by', 'jane', ...place);
  const mitigation = ['--cve', 'CVE-2026-10009', '--reason', 'no patch', '--until', '2090-01-31'];
  await run('mitigate', BUILD_ID, ...mitigation, '--block-module', 'ksmbd', ...place);
  await fails(65, 'mitigate', BUILD_ID, ...mitigation, '--sysctl', 'kernel.core_pattern=x', ...place);
  await run('floors', BUILD_ID, '--least-soak', '3600', '--largest-share', '10', ...place);
  const page = await run('show', at('archive'), '--kernel', BUILD_ID.slice(0, 8));
  assert.match(page, /RECALLED by jane: it oopses/);
  assert.match(page, /at most 10 % more hosts a step, 3600 s apart/);
  assert.match(page, /mitigation of CVE-2026-10009 until 2090-01-31: block module ksmbd/);
  const { kernels } = (await json('show', at('archive'))) as { kernels: { recalls: unknown[] }[] };
  assert.equal(kernels[0]?.recalls.length, 1);
  assert.ok(!(await readdir(home)).includes('data'));
  await fails(65, 'recall', 'web', '--release', '1', '--reason', 'x', ...place);
});

test('a release key of another holder is waited for, and the change is published by the server', async () => {
  const { at, run } = await desk();
  await run('init', at('archive'), '--keys', at('keys'), '--bins', '2');
  const place = { directory: at('archive'), keys: at('keys'), clock: systemClock };
  await publishLivepatch(place, bundle('tuxtape_one'));
  const change = at('recall.json');
  const words = await run(
    'recall',
    BUILD_ID,
    '--release',
    '1',
    '--reason',
    'x',
    '--archive',
    at('archive'),
    '--keys',
    at('keys'),
    '--propose',
    change,
  );
  assert.match(words, /nothing is published yet/);
  assert.doesNotMatch(await run('show', at('archive')), /RECALLED/);
  await run('root', 'apply', change, at('archive'), '--keys', at('keys'));
  assert.match(await run('show', at('archive')), /RECALLED/);
});

test('an archive is refreshed, collected, carried over and followed', async () => {
  const { at, run, fails } = await desk();
  await run('init', at('archive'), '--keys', at('keys'), '--bins', '2');
  await publishLivepatch({ directory: at('archive'), keys: at('keys'), clock: systemClock }, bundle('tuxtape_one'));
  assert.match(await run('refresh', at('archive'), '--keys', at('keys')), /signed the timestamp anew/);
  assert.match(await run('collect', at('archive'), '--dry-run'), /would remove 0 files/);
  await run('export', at('archive'), '--keys', at('keys'), '--output', at('a.tuxtape'), '--days', '30');
  assert.match(await fails(65, 'import', at('a.tuxtape'), at('inner')), /nothing says whom to trust/);
  const taken = await run('import', at('a.tuxtape'), at('inner'), '--root', at('archive/root.json'));
  assert.match(taken, /1 releases of 1 kernels/);
  await run('verify', at('inner'), '--root', at('archive/root.json'));
  await fails(65, 'status', at('nowhere'));
  await fails(64, 'refresh', at('archive'));
});

test('on a terminal a passphrase is asked for twice, and never shown', async () => {
  const { home, at, run } = await desk();
  const bin = join(import.meta.dirname, '../../../bin/tuxtape');
  const env = plainEnvironment({ TUXTAPE_DATA: at('data'), TERM: 'dumb' });
  const command = `${bin} archive keys make jane --keys ${at('k')}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, at('typescript')], { env, cwd: home });
  let said = '';
  const answers = ['new passphrase: ', 'the same again: '];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (answers[0] === undefined || !said.endsWith(answers[0])) return;
    answers.shift();
    child.stdin.write(`${SECRET}\n`);
  });
  assert.deepEqual(await once(child, 'exit'), [0, null], said);
  assert.match(said, /made .*jane\.key/);
  assert.ok(!said.includes(SECRET));
  await run(
    'keys',
    'encrypt',
    'jane',
    '--keys',
    at('k'),
    '--old-passphrase-file',
    at('secret'),
    '--passphrase-file',
    at('secret'),
  );
});
