/** `tuxtape-reboot` as it is called on a host: its exit codes, and that nothing happens where it refuses. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseRebootFacts } from '#domain';
import { isRoot, plainEnvironment, run } from '#host';
import { scratch } from '../../../testkit/scratch.ts';

const PROGRAM = join(import.meta.dirname, '../../../bin/tuxtape-reboot');
const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);
const TARGET = 'ab'.repeat(20);

test('exit codes', { skip: isRoot() ? false : 'the program runs as root' }, async () => {
  const folder = await scratch();
  const call = async (...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> =>
    run(PROGRAM, [...args, '--config', folder, '--state', join(folder, 'state')], {
      env: plainEnvironment(),
      okCodes: ANY_CODE,
    });
  const start = (plan: string, steps: string, target = TARGET): Promise<{ exitCode: number; stderr: string }> =>
    call('start', '--plan', plan, '--steps', steps, '--target', target);
  assert.equal((await call('--help')).exitCode, 0);
  assert.equal((await call('status')).exitCode, 0);
  assert.equal((await call('resume')).exitCode, 0, 'a host without hooks and plans has nothing to go on with');
  for (const args of [
    [],
    ['stop'],
    ['start'],
    ['start', '--plan', 'plan-0001', '--steps', 'drain,sh'],
    ['facts', '--what'],
  ])
    assert.equal((await call(...args)).exitCode, 64, args.join(' '));
  assert.equal((await start('plan-0001', 'reboot', 'not-a-build-id')).exitCode, 64);
  const none = await start('plan-0001', 'mitigate');
  assert.deepEqual([none.exitCode, /\[not-set-up\]/.test(none.stderr)], [78, true]);
  const hook = { program: '/usr/bin/touch', arguments: [join(folder, 'touched')], timeoutSeconds: 5 };
  await writeFile(
    join(folder, 'hooks.json'),
    JSON.stringify({ hooks: { mitigate: hook }, facts: { comesBack: true } }),
  );
  assert.equal((await start('../../../x', 'mitigate')).exitCode, 3);
  assert.equal((await start('plan-0001', 'mitigate,mitigate')).exitCode, 3);
  assert.equal((await start('plan-0001', 'reboot')).exitCode, 3);
  assert.equal((await readdir(folder)).includes('touched'), false);
  const facts = parseRebootFacts(JSON.parse((await call('facts')).stdout));
  assert.deepEqual([facts?.hooks, facts?.comesBack, facts?.rebootsLeft], [['mitigate'], true, 1]);
  assert.equal((await call('start', '--plan', 'plan-0001', '--steps', 'mitigate')).exitCode, 0);
  assert.equal((await readdir(folder)).includes('touched'), true);
  await writeFile(
    join(folder, 'hooks.json'),
    JSON.stringify({ hooks: { mitigate: { ...hook, program: '/bin/false' } } }),
  );
  assert.equal((await call('start', '--plan', 'plan-0002', '--steps', 'mitigate')).exitCode, 1);
  await writeFile(join(folder, 'hooks.json'), '{');
  assert.equal((await call('facts')).exitCode, 78);
});

test('the reference lists the exit codes of the program', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/reference/reboot.md'), 'utf8');
  for (const code of [0, 1, 2, 3, 64, 77, 78]) assert.match(text, new RegExp(`^\\| ${code} +\\| `, 'm'));
});
