/**
 * The memory cap of a build by cgroup v2, on a kernel that has it. It boots a kernel that the proof has built with the
 * memory controller; skips where there is none.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { rolldown } from 'rolldown';
import { findProgram, run } from '#host';
import { initramfs, type Machine, type PayloadFile, startMachine } from '#livepatch';
import { scratch } from '../../testkit/scratch.ts';
import { cacheRoot } from './prepare/cache.ts';
import type { Guarded } from './prepare/guarded.ts';
import { librariesOf } from './prepare/host.ts';

const MEMORY_MB = 1024;
const CAP = 100 << 20;
const kernels = join(cacheRoot(), 'kernels');
const kernel = (existsSync(kernels) ? readdirSync(kernels) : [])
  .map((name) => join(kernels, name))
  .find((folder) => existsSync(join(folder, 'out/bzImage')) && hasMemoryGroups(folder));
const skip = kernel === undefined && 'no kernel with CONFIG_MEMCG is built';
/** A build stops where its file system is nearly full: one that says it is large. */
const SETUP = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup\nmkdir /build && mount -t tmpfs -o size=2g tmpfs /build\n';
/** A family: so many processes that each hold so many MiB, at once. */
const FAMILY = `#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int each = atoi(argv[2]) << 20;
	for (int i = atoi(argv[1]); i > 0; i--)
		if (fork() == 0) {
			char *p = malloc(each);
			if (p == NULL)
				return 3;
			memset(p, 1, each);
			sleep(atoi(argv[3]));
			return 0;
		}
	int status, worst = 0;
	while (wait(&status) > 0)
		worst |= status;
	return worst != 0;
}
`;

let machine: Machine | undefined;

function hasMemoryGroups(folder: string): boolean {
  return /^CONFIG_MEMCG=y$/m.test(readFileSync(join(folder, 'build/.config'), 'utf8'));
}

async function payload(): Promise<PayloadFile[]> {
  const folder = await scratch();
  await writeFile(join(folder, 'family.c'), FAMILY);
  await run('gcc', ['-O0', '-static', '-o', join(folder, 'family'), join(folder, 'family.c')]);
  const bundle = await rolldown({ input: join(import.meta.dirname, 'prepare/guarded.ts'), platform: 'node' });
  await bundle.write({ file: join(folder, 'guarded.mjs'), format: 'esm', codeSplitting: false });
  await bundle.close();
  const prlimit = findProgram('prlimit')!;
  const programs = [
    ['bin/node', process.execPath],
    ['bin/prlimit', prlimit],
    ['family', join(folder, 'family')],
    ['guarded.mjs', join(folder, 'guarded.mjs')],
  ] as const;
  const files = programs.map(async ([path, from]) => ({ path, content: await readFile(from), mode: 0o755 }));
  const libraries = [...(await librariesOf(process.execPath)), ...(await librariesOf(prlimit))];
  const unique = new Map(libraries.map((file) => [file.path, file]));
  return [
    ...(await Promise.all(files)),
    ...unique.values(),
    { path: 'setup', content: Buffer.from(SETUP), mode: 0o755 },
  ];
}

before(async () => {
  if (kernel === undefined) return;
  const files = await initramfs(join(kernel, 'out/modules'), '', [], await payload());
  machine = await startMachine({
    kernelImage: join(kernel, 'out/bzImage'),
    initramfs: files,
    memoryMb: MEMORY_MB,
    // Where the old hierarchy has the controller, the new one does not.
    append: 'cgroup_no_v1=all',
  });
});

after(() => machine?.stop());

async function inside(command: string): Promise<string> {
  const { exitCode, output } = await machine!.run(command);
  assert.equal(exitCode, 0, output);
  return output;
}

/** A family under the guard; `from`: the cgroup that the guard's process is in. */
async function guarded(family: string, { uid = 0, from = '/sys/fs/cgroup' } = {}): Promise<Guarded> {
  const output = await inside(`echo $$ >${from}/cgroup.procs && node /guarded.mjs ${CAP} ${uid} /family ${family}`);
  await inside('echo $$ >/sys/fs/cgroup/cgroup.procs');
  return JSON.parse(output) as Guarded;
}

async function kills(): Promise<number> {
  return [...(await machine!.console()).matchAll(/Memory cgroup out of memory: Killed process/g)].length;
}

test('where the controller is not handed down there is no group, and looking bounds the build', { skip }, async () => {
  const found = await guarded('4 60 30');
  assert.deepEqual(found, { group: null, exitCode: null, failed: 'build-over-memory', isLeft: false });
  assert.equal(await kills(), 0);
});

test('a family over the cap is killed whole by the kernel, and the build says why', { skip }, async () => {
  await inside('echo +memory >/sys/fs/cgroup/cgroup.subtree_control');
  const found = await guarded('4 60 30');
  assert.match(found.group ?? '', /^\/sys\/fs\/cgroup\/tuxtape-\d+-1$/);
  assert.deepEqual([found.exitCode, found.failed, found.isLeft], [null, 'build-over-memory', false]);
  assert.ok((await kills()) > 0, 'it was the kernel');
  assert.equal(await inside('pidof family || true'), '', 'nobody of it is left');
});

test('a family below the cap is left alone, and its group is removed', { skip }, async () => {
  const before = await kills();
  const { group, ...rest } = await guarded('3 25 2');
  assert.notEqual(group, null);
  assert.deepEqual(rest, { exitCode: 0, failed: null, isLeft: false });
  assert.equal(await kills(), before);
});

test('a service gets its group beside its own; a user who may not make one gets none', { skip }, async () => {
  const from = '/sys/fs/cgroup/system.slice/tuxtape.service';
  await inside(`mkdir -p ${from} && echo +memory >/sys/fs/cgroup/system.slice/cgroup.subtree_control`);
  const service = await guarded('4 60 30', { from });
  assert.match(service.group ?? '', /^\/sys\/fs\/cgroup\/system\.slice\/tuxtape-\d+-1$/);
  assert.deepEqual([service.failed, service.isLeft], ['build-over-memory', false]);
  const user = await guarded('4 60 30', { from, uid: 1000 });
  assert.deepEqual([user.group, user.failed], [null, 'build-over-memory']);
});
