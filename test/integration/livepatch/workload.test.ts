import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '#host';
import { judge } from '#livepatch';
import { scratch } from '../../../testkit/scratch.ts';

const SOURCE = join(import.meta.dirname, '../../../src/livepatch/vm/workload.c');

async function compiled(): Promise<{ program: string; folder: string }> {
  const folder = await scratch();
  const program = join(folder, 'workload');
  const flags = ['-O1', '-Wall', '-Wextra', '-Werror', '-static', '-pthread'];
  await run('gcc', [...flags, '-o', program, SOURCE], { timeoutMs: 120_000 });
  const place = join(folder, 'place');
  await run('mkdir', [place]);
  return { program, folder: place };
}

function outcomeOf(output: string): string {
  return judge({ by: 'workload' }, { output, exitCode: 0 }, { broken: new Set() }).outcome;
}

test('the workload does every kind of work on a sound kernel, and leaves nothing behind', async () => {
  const { program, folder } = await compiled();
  const { stdout } = await run(program, [folder, '3'], { timeoutMs: 60_000 });
  const times = new Map([...stdout.matchAll(/^(\w+) (\d+|absent)$/gm)].map((match) => [match[1], match[2]]));
  for (const kind of ['files', 'memory', 'pipes', 'unix', 'epoll', 'timers', 'signals', 'processes', 'threads', 'proc'])
    assert.equal(times.get(kind), '3', `${kind}: ${stdout}`);
  assert.equal(outcomeOf(stdout), 'passed');
  assert.deepEqual(await readdir(folder), []);
});

test('it works until it is told to stop, and tells of an answer that is wrong', async () => {
  const { program, folder } = await compiled();
  const running = run(program, [folder], { timeoutMs: 60_000 });
  setTimeout(() => void writeFile(join(folder, 'stop'), ''), 300);
  const { stdout } = await running;
  assert.match(stdout, /^files [1-9]/m);
  // A folder that cannot be written to is a kernel that gives wrong answers, as far as it can see.
  const wrong = await run(program, ['/proc/self', '1'], { okCodes: [0, 1], timeoutMs: 60_000 });
  assert.match(wrong.stdout, /^files (FAILED: .*|absent)$/m);
});
