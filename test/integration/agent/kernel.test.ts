/** The doors to the kernel, on folders laid out as /proc and /sys, and on this very machine. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { disable } from '../../../src/agent/kernel/door.ts';
import { readFacts } from '../../../src/agent/kernel/facts.ts';
import { livepatches, replaced } from '../../../src/agent/kernel/livepatches.ts';
import { blockers, sleepers } from '../../../src/agent/kernel/tasks.ts';
import { scratch } from '../../../testkit/scratch.ts';

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const home = await scratch();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), content);
  }
  return home;
}

const sys = {
  'kernel/livepatch/tuxtape_a/enabled': '1\n',
  'kernel/livepatch/tuxtape_a/transition': '1\n',
  'kernel/livepatch/tuxtape_a/vmlinux/vfs_read,1/old': '',
  'kernel/livepatch/tuxtape_a/ext4/ext4_sync,1/old': '',
  'kernel/livepatch/theirs/enabled': '0\n',
  'kernel/livepatch/theirs/transition': '0\n',
  'kernel/security/lockdown': 'none [integrity] confidentiality\n',
  'module/module/parameters/sig_enforce': 'Y\n',
  'kernel/tracing/enabled_functions': 'vfs_read (1) R I     M \n',
};

const proc = {
  'sys/kernel/osrelease': '6.1.170\n',
  'sys/kernel/tainted': '4224\n',
  'sys/kernel/modules_disabled': '0\n',
  'sys/kernel/ftrace_enabled': '1\n',
  meminfo: 'MemTotal:  100 kB\nMemAvailable:   2048 kB\n',
  modules: 'ext4 16384 1 - Live 0x0\ntuxtape_a 16384 0 - Loading 0x0 (OEK)\n',
  'self/status': 'Name:\tx\nCapEff:\t000001ffffffffff\n',
  '1/task/1/patch_state': '1\n',
  '1/task/1/stat': '1 (in it) S 0\n',
  '7/task/8/patch_state': '0\n',
  '7/task/8/comm': 'sleeper\n',
  '7/task/8/stat': '8 (a) b (c) D 1\n',
  '7/task/8/stack': '[<0>] schedule+0x1/0x2\n[<0>] vfs_read+0x3/0x4 [tuxtape_a]\n',
  '9/task/9/patch_state': '-1\n',
};

test('livepatches, their functions and the tasks that hold them up are read', async () => {
  const [sysfs, procfs] = [join(await tree(sys), 'kernel/livepatch'), await tree(proc)];
  const found = await livepatches(sysfs);
  assert.deepEqual(
    found.find(({ name }) => name === 'tuxtape_a'),
    { name: 'tuxtape_a', enabled: true, transition: true },
  );
  assert.equal(found.length, 2);
  const names = (await replaced(sysfs, 'tuxtape_a')).map(({ object, name }) => `${object}:${name}`);
  assert.deepEqual(names.sort(), ['ext4:ext4_sync', 'vmlinux:vfs_read']);
  const blocking = [{ pid: 8, name: 'sleeper', stack: ['schedule+0x1/0x2', 'vfs_read+0x3/0x4 [tuxtape_a]'] }];
  assert.deepEqual(await blockers(procfs, join(sysfs, 'tuxtape_a')), blocking);
  assert.deepEqual(await sleepers(procfs), blocking);
});

test('the facts of a host are read, and what is not there is not known', async () => {
  const [sysRoot, procRoot] = [await tree(sys), await tree(proc)];
  await mkdir(join(procRoot, 'self/ns'));
  await symlink('user:[4026531837]', join(procRoot, 'self/ns/user'));
  await symlink('pid:[4026532999]', join(procRoot, 'self/ns/pid'));
  const facts = await readFacts(procRoot, sysRoot);
  assert.deepEqual(facts.ownNamespaces, ['pid']);
  assert.equal(facts.mayLoadModules, true);
  assert.equal(facts.requiresSignature, true);
  assert.equal(facts.lockdown, 'integrity');
  assert.equal(facts.taint, 4224n);
  assert.equal(facts.memoryAvailable, 2 << 20);
  assert.ok(facts.modules.has('tuxtape_a') && facts.modules.has('ext4'));
  assert.deepEqual(facts.replaced.map(({ name }) => name).sort(), ['ext4_sync', 'vfs_read']);
  assert.equal(facts.probes?.[0]?.redirects, true);
  const none = await readFacts(await scratch(), await scratch());
  assert.deepEqual(
    [none.livepatching, none.mayLoadModules, none.lockdown, none.memoryAvailable],
    [false, false, undefined, undefined],
  );
});

test('this machine answers', async () => {
  const facts = await readFacts();
  assert.equal(facts.kernelRelease, (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim());
  assert.ok(facts.memoryAvailable! > 0);
  assert.ok(Array.isArray(await sleepers('/proc')));
});

test('a livepatch that vanishes while it is read, or is off already, is an answer', async () => {
  const sysfs = join(await tree(sys), 'kernel/livepatch');
  let left = 200;
  const vanish = async (): Promise<void> => {
    for (; left > 0; left -= 1) {
      await rm(join(sysfs, 'tuxtape_a'), { recursive: true, force: true });
      await mkdir(join(sysfs, 'tuxtape_a'));
      await writeFile(join(sysfs, 'tuxtape_a/enabled'), '1');
    }
  };
  const look = async (): Promise<void> => {
    for (const { name } of await livepatches(sysfs)) assert.ok(['tuxtape_a', 'theirs'].includes(name));
    await replaced(sysfs, 'tuxtape_a');
    if (left > 0) await look();
  };
  await Promise.all([vanish(), look()]);
  await disable(sysfs, 'gone');
});
