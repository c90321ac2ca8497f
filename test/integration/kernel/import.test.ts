/** Kernels that were not built here: build trees, and what a running kernel says of itself. */
import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { LivepatchRecipe } from '#domain';
import { run, systemClock } from '#host';
import { needBuilt, treeLayout } from '#kernel';
import {
  buildAndProfile,
  compareWithRunning,
  importBuildTree,
  importConfig,
  keptConfig,
  removeKernelAndTree,
} from '#pipeline';
import { addLivepatch, askForBuild, auditOf, findKernel, moveBuild, needKernel } from '#store';
import { addTiny, type KernelSetting, kernelSetting } from '../../../testkit/kernel-adds.ts';

const CC = 'gcc (Debian 1.2.3-4) 1.2.3';

/** Builds the tiny kernel where an operator would have, and gives the folder. */
async function builtElsewhere(given: KernelSetting): Promise<string> {
  const tree = join(given.home, 'elsewhere');
  await run('cp', ['-a', given.source, tree]);
  await run('make', ['-s', 'vmlinux'], { cwd: tree });
  await writeFile(join(tree, '.config'), `CONFIG_TINY=y\nCONFIG_CC_VERSION_TEXT="${CC}"\n`);
  await mkdir(join(tree, 'include/config'), { recursive: true });
  await writeFile(join(tree, 'include/config/kernel.release'), '6.1.170-tiny\n');
  return tree;
}

/** As /sys/kernel/notes: one note, of the build-id (elf(5)). */
function notesOf(buildId: string): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(4, 0);
  head.writeUInt32LE(buildId.length / 2, 4);
  head.writeUInt32LE(3, 8);
  head.write('GNU', 12);
  return Buffer.concat([head, Buffer.from(buildId, 'hex')]);
}

function importTree(
  given: KernelSetting,
  build: string,
  part: Partial<Parameters<typeof importBuildTree>[0]> = {},
): ReturnType<typeof importBuildTree> {
  const { store, trees, home } = given;
  const mirrors = join(home, 'mirrors');
  const options = { store, trees, mirrors, name: 'tiny', source: null, chroot: null, copy: false, clock: systemClock };
  return importBuildTree({ ...options, build, ...part });
}

async function nothingImported({ store, trees }: KernelSetting): Promise<void> {
  assert.equal(await findKernel(store.db, 'tiny'), undefined);
  assert.deepEqual(await readdir(trees).catch(() => []), []);
}

test('a build tree is linked to and not written to; it is known by its build-id and what made it', async () => {
  const given = await kernelSetting();
  const build = await builtElsewhere(given);
  const before = await readdir(build, { recursive: true });
  const { kernel, profile, comparison } = await importTree(given, build);
  assert.deepEqual([kernel.state, kernel.origin, kernel.release], ['built', 'build-tree', '6.1.170-tiny']);
  assert.match(kernel.buildId ?? '', /^[0-9a-f]{40}$/);
  assert.equal(kernel.toolchain.compiler, CC, 'what made it, not what is here');
  assert.equal(profile.objects.length, 1);
  const layout = treeLayout(kernel.treeDirectory);
  assert.ok((await lstat(layout.build)).isSymbolicLink());
  assert.equal((await needBuilt(layout)).buildId, kernel.buildId);
  assert.deepEqual(await readdir(build, { recursive: true }), before);
  assert.deepEqual(comparison?.differences, [], 'a vmlinux without a banner cannot be compared');
  assert.ok(comparison?.unknown.includes('compiler'));
  await assert.rejects(importTree(given, build, { name: 'again' }), {
    code: 'already-there',
    message: 'kernel "tiny" is this very build (same build-id)',
    remedy: /tuxtape kernel remove tiny/,
  });
  assert.equal((await readdir(given.trees)).length, 1, 'a failed import leaves no tree');
});

function removal(given: KernelSetting, withLivepatches = false, name = 'tiny'): ReturnType<typeof removeKernelAndTree> {
  const { store, trees } = given;
  return removeKernelAndTree({ store, trees, name, withLivepatches, by: 'ann', clock: systemClock });
}

test('a kernel that is removed takes only what is ours with it, and can be imported again', async () => {
  const given = await kernelSetting();
  const build = await builtElsewhere(given);
  const before = await readdir(build, { recursive: true });
  const { kernel } = await importTree(given, build);
  const removed = await removal(given);
  assert.deepEqual(removed.deleted, [kernel.treeDirectory]);
  assert.deepEqual(await readdir(build, { recursive: true }), before);
  await nothingImported(given);
  assert.deepEqual(
    (await auditOf(given.store.db, 'tiny')).map(({ actor, action }) => [actor, action]),
    [['ann', 'kernel.remove']],
  );
  await importTree(given, build);
  await assert.rejects(
    removal(given).then(() => removal(given)),
    { code: 'not-found' },
  );
});

test('a kernel with an open build or livepatches is not removed, nor a tree that another kernel uses', async () => {
  const given = await kernelSetting();
  const { db } = given.store;
  const { kernel } = await addTiny(given);
  const at = new Date();
  const caps = { timeoutSeconds: 60, memoryBytes: null, diskBytes: null };
  const { build } = await askForBuild(db, { kernelId: kernel.id, requestedBy: 'ann', jobs: 1, at, ...caps });
  await assert.rejects(removal(given, true), { code: 'kernel-in-use', remedy: /kernel cancel tiny/ });
  await moveBuild(db, build.id, { type: 'cancel' }, { at });
  const directory = join(given.home, 'livepatches/one');
  await mkdir(directory, { recursive: true });
  const recipe = {} as LivepatchRecipe;
  const made = { moduleName: 'lp_one', moduleSha256: '', directory, recipe, builtAt: at };
  await addLivepatch(db, { id: 'one', kernelId: kernel.id, ...made });
  await assert.rejects(removal(given), { code: 'kernel-in-use', remedy: /--with-livepatches/ });
  assert.ok((await lstat(kernel.treeDirectory)).isDirectory());
  await addTiny(given, { name: 'twin' });
  const removed = await removal(given, true);
  assert.deepEqual([removed.deleted, removed.kept], [[], [kernel.treeDirectory]]);
  await assert.rejects(lstat(directory), { code: 'ENOENT' });
  assert.equal(await findKernel(db, 'tiny'), undefined);
  assert.equal((await needKernel(db, 'twin')).treeDirectory, kernel.treeDirectory);
});

test('with a copy, the tree lives on when the original is gone', async () => {
  const given = await kernelSetting();
  const build = await builtElsewhere(given);
  const { kernel } = await importTree(given, build, { copy: true });
  await rm(build, { recursive: true });
  assert.equal((await needBuilt(treeLayout(kernel.treeDirectory))).buildId, kernel.buildId);
});

test('the source of a build with a folder of its own is found by its link', async () => {
  const given = await kernelSetting();
  const build = await builtElsewhere(given);
  await rm(join(build, 'Makefile'));
  await assert.rejects(importTree(given, build), { code: 'source-not-a-kernel' });
  await symlink('../linux', join(build, 'source'));
  const { kernel } = await importTree(given, build);
  assert.deepEqual([kernel.version, kernel.sourceDirectory], ['6.1.170', given.source]);
});

test('refused, with nothing left: no vmlinux, no configuration, no release, no command files', async () => {
  const given = await kernelSetting();
  const build = await builtElsewhere(given);
  for (const [missing, code] of [
    ['kernel/.sample.o.cmd', 'cmd-unreadable'],
    ['include/config/kernel.release', 'tree-missing'],
    ['.config', 'tree-missing'],
    ['vmlinux', 'tree-missing'],
  ] as const) {
    await rm(join(build, missing));
    await assert.rejects(importTree(given, build), { code }, missing);
    await nothingImported(given);
  }
  const nowhere = join(given.home, 'nowhere');
  await assert.rejects(importTree(given, nowhere), { message: 'the folder does not exist', where: nowhere });
  await nothingImported(given);
  await writeFile(join(build, 'vmlinux'), 'no ELF file');
  await writeFile(join(build, '.config'), 'CONFIG_TINY=y\n');
  await writeFile(join(build, 'include/config/kernel.release'), '6.1.170-tiny\n');
  await assert.rejects(importTree(given, build), { code: 'build-id-missing' });
  await nothingImported(given);
});

test('a configuration for an unknown architecture is not predicted', async () => {
  const given = await kernelSetting();
  const { store, trees, source, config } = given;
  const base = { store, trees, mirrors: join(given.home, 'mirrors'), name: 'tiny', chroot: null, acceptChanges: false };
  await assert.rejects(importConfig({ ...base, source, config, prepare: false }), { code: 'arch-unsupported' });
  await nothingImported(given);
});

test('a configuration that is kept goes with the last kernel without a tree that has it, and with no other', async () => {
  const given = await kernelSetting();
  const { store, trees, source } = given;
  const importAs = (name: string, config: string): ReturnType<typeof importConfig> => {
    const options = { store, trees, mirrors: join(given.home, 'mirrors'), name, chroot: null, acceptChanges: false };
    return importConfig({ ...options, source, config, prepare: false });
  };
  const written = '# Linux/x86 6.1.170 Kernel Configuration\nCONFIG_X86_64=y\n';
  const [config, other] = [join(given.home, 'x86.config'), join(given.home, 'other.config')];
  await writeFile(config, written);
  await writeFile(other, `${written}CONFIG_OTHER=y\n`);
  const { kernel } = await importAs('tiny', config);
  await importAs('twin', config);
  await importAs('other', other);
  const file = keptConfig(trees, kernel.configSha256);
  const first = await removal(given);
  assert.deepEqual(
    [first.deleted, first.kept],
    [[], [file, source]].map((paths) => paths.toSorted()),
  );
  assert.equal(await readFile(file, 'utf8'), written);
  const { kernel: tree } = await addTiny(given, { config });
  assert.equal(tree.configSha256, kernel.configSha256);
  assert.deepEqual((await removal(given)).deleted, [tree.treeDirectory], 'its tree has a copy of its own');
  assert.equal(await readFile(file, 'utf8'), written);
  assert.deepEqual((await removal(given, false, 'twin')).deleted, [file]);
  assert.equal((await readdir(trees)).length, 1, 'that of the other configuration');
  await removal(given, false, 'other');
  assert.deepEqual(await readdir(trees), []);
});

test('a kernel without a tree is never built in the working directory', async () => {
  const given = await kernelSetting();
  const { kernel } = await addTiny(given);
  await given.store.db.updateTable('kernel').set({ tree_directory: '', origin: 'debug-info' }).execute();
  const options = { store: given.store, name: kernel.id, jobs: 1, clock: systemClock, onProgress: () => {} };
  await assert.rejects(buildAndProfile(options), { code: 'tree-missing' });
});

test('a kernel is compared with the one that runs: banner, packed configuration, vmlinux', async () => {
  const given = await kernelSetting();
  await addTiny(given);
  const { toolchain } = await needKernel(given.store.db, 'tiny');
  const say = (compiler: string): string =>
    `Linux version 6.1.170-tiny (a@b) (${compiler}, ${toolchain.linker}) #1 SMP Thu Jan  1 00:00:00 UTC 1970\n`;
  const compare = async (bytes: string | Buffer): ReturnType<typeof compareWithRunning> => {
    const file = join(given.home, 'running');
    await writeFile(file, bytes);
    return compareWithRunning(given.store, 'tiny', file);
  };
  assert.deepEqual((await compare(say(toolchain.compiler))).differences, []);
  const other = await compare(say('gcc (Other 9.9) 9.9'));
  assert.deepEqual(
    other.differences.map(({ what, running }) => [what, running]),
    [['compiler', 'gcc (Other 9.9) 9.9']],
  );
  const config = gzipSync('CONFIG_TINY=m\n');
  assert.deepEqual((await compare(config)).differences, [{ what: 'config', symbol: 'TINY', here: 'y', running: 'm' }]);
  const elf = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(9 << 20)]);
  const parts = [elf, Buffer.from(say(toolchain.compiler)), Buffer.from('IKCFG_ST'), config, Buffer.from('IKCFG_ED')];
  assert.equal((await compare(Buffer.concat(parts))).differences.length, 1);
  const said = await compare(say(toolchain.compiler));
  assert.ok(said.unknown.includes('build-id'), 'a banner does not say which build it is');
  const notes = notesOf('ab'.repeat(20));
  assert.ok((await compare(notes)).unknown.includes('build-id'), 'this kernel is not built yet');
  const buildId = 'cd'.repeat(20);
  await given.store.db.updateTable('kernel').set({ state: 'built', build_id: buildId }).execute();
  assert.deepEqual((await compare(notes)).differences, [{ what: 'build-id', here: buildId, running: 'ab'.repeat(20) }]);
  const same = await compare(notesOf(buildId));
  assert.deepEqual([same.differences, same.unknown.includes('build-id')], [[], false]);
  const binary = await compare(Buffer.from([4, 0, 0, 0, 1, 2, 3])).catch((error: unknown) => error as Error);
  assert.match(String((binary as Error).cause), /not a kernel configuration: binary data/);
  await assert.rejects(compare('nothing of it\n'), { code: 'running-unreadable' });
  await assert.rejects(compare(gzipSync(Buffer.alloc(64 << 20))), { code: 'running-unreadable' });
  assert.match(await readFile(given.config, 'utf8'), /TINY=y/);
});
