import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '#domain';
import { identify, ProgramError, run } from '#host';

test('a program runs without a shell: its arguments are data', async () => {
  const { stdout } = await run('printf', ['%s', '$(touch /tmp/x); `id` && "quoted"']);
  assert.equal(stdout, '$(touch /tmp/x); `id` && "quoted"');
});

test('a failing program keeps its exit code and its last words', async () => {
  await assert.rejects(run('sh', ['-c', 'echo reason >&2; exit 3']), (error) => {
    assert.ok(error instanceof ProgramError);
    assert.equal(error.code, 'program-failed');
    assert.equal(error.exitCode, 3);
    assert.match(error.message, /reason/);
    return true;
  });
});

test('a missing program says which', async () => {
  await assert.rejects(
    run('no-such-program-here', []),
    (error) => hasCode(error, 'program-missing') && error.message.includes('no-such-program-here'),
  );
});

test('a program that may not be started is missing too', async () => {
  await assert.rejects(run(import.meta.filename, []), (error) => hasCode(error, 'program-missing'));
});

test('a missing program that should die with us says which', async () => {
  await assert.rejects(
    run('no-such-program-here', [], { diesWithUs: true }),
    (error) => hasCode(error, 'program-missing') && error.message.includes('no-such-program-here'),
  );
});

test('a program that should die with us does, also by kill -9', async () => {
  const code = `
    const { run } = await import(${JSON.stringify(import.meta.resolve('#host'))});
    await run('sh', ['-c', 'echo $$; exec sleep 300'], { diesWithUs: true, onOutput: (text) => console.log(text) });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(identify(pid) !== undefined, 'it runs');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  for (let wait = 0; identify(pid) !== undefined && wait < 100; wait += 1) await sleep(20);
  assert.equal(identify(pid), undefined, 'it is gone');
});

test('a deadline kills the whole process group', async () => {
  let pid = 0;
  const onOutput = (text: string): void => {
    pid ||= Number(text);
  };
  await assert.rejects(run('sh', ['-c', 'sleep 300 & echo $!; wait'], { timeoutMs: 300, onOutput }), (error) =>
    hasCode(error, 'timed-out'),
  );
  assert.ok(pid > 0);
  assert.equal(identify(pid), undefined, 'the grandchild is gone too');
});

test('too much output is an error, or its tail is kept', async () => {
  const many = ['-c', 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done'];
  await assert.rejects(run('sh', many, { maxOutput: 10_000 }), (error) => hasCode(error, 'output-too-long'));
  const { stdout } = await run('sh', many, { maxOutput: 10_000, keepTail: true });
  assert.ok(stdout.endsWith('line 19999\n'));
});

test('an aborted run throws the abort reason', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(run('sleep', ['30'], { signal: controller.signal }), { name: 'AbortError' });
});
