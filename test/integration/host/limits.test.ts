import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '#domain';
import { bytesBelow, makeMemoryGroup, run, usageOf } from '#host';
import { scratch } from '../../../testkit/scratch.ts';

test('a limit of the address space holds for the program and what it starts', async () => {
  const limits = { addressSpaceBytes: 300 << 20 };
  assert.equal((await run('sh', ['-c', 'sh -c "ulimit -v"'], { limits })).stdout.trim(), String(300 << 10));
  await assert.rejects(run('no-such-program', [], { limits }), (error) => hasCode(error, 'program-missing'));
});

test('a program joins the cgroup it is given; one that cannot is not started', async () => {
  const procs = join(await scratch(), 'cgroup.procs');
  const { stdout } = await run('sh', ['-c', 'echo $$'], { limits: { cgroupProcs: procs } });
  assert.equal(await run('cat', [procs]).then(({ stdout: text }) => text), stdout, 'the same process');
  const nowhere = { limits: { cgroupProcs: join(procs, 'none') } };
  await assert.rejects(run('true', [], nowhere), (error) => hasCode(error, 'program-failed', 'program-missing'));
});

test('a machine that hands no memory controller down gives no group', async () => {
  const root = await scratch();
  assert.equal(makeMemoryGroup(1 << 30, root), undefined);
  await writeFile(join(root, 'cgroup.subtree_control'), 'cpu io\n');
  assert.equal(makeMemoryGroup(1 << 30, root), undefined);
});

test('memory is that of the whole family, seen from outside', async () => {
  let seen = 0;
  const child = ['-c', 'perl -e \'my $x = "x" x (60 << 20); sleep 2\' & wait'];
  const onStart = (pid: number): void => {
    void sleep(1_200).then(() => (seen = usageOf(pid).memoryBytes));
  };
  await run('sh', child, { onStart });
  assert.ok(seen > 55 << 20 && seen < 400 << 20, `${seen}`);
});

test('a folder is counted as du does', async () => {
  const folder = await scratch();
  await writeFile(join(folder, 'big'), Buffer.alloc(3 << 20, 1));
  const du = Number((await run('du', ['-s', '--block-size=1', folder])).stdout.split('\t')[0]);
  const counted = await bytesBelow(folder);
  assert.ok(Math.abs(counted - du) <= 8192, `${counted} ${du}`);
  assert.equal(await bytesBelow(join(folder, 'none')), 0);
});
