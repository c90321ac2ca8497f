/** Kernel sources of every kind, with the real tar and git; hostile ones, and what they leave behind. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Git, run } from '#host';
import { parseSourceSpec, treeLayout } from '#kernel';
import { addTiny, assertNothingAdded, type KernelSetting, kernelSetting } from '../../../testkit/kernel-adds.ts';
import { type TarEntry, tarOf } from '../../../testkit/tar.ts';

async function repository({ source }: KernelSetting): Promise<(...args: string[]) => Promise<string>> {
  const git = async (...args: string[]): Promise<string> => {
    const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    const { stdout } = await run('git', ['-C', source, ...who, ...args], { env: Git.environment() });
    return stdout.trim();
  };
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'one');
  await git('tag', 'v6.1.170');
  return git;
}

for (const [ending, flag] of [
  ['tar', []],
  ['tar.gz', ['-z']],
  ['tar.xz', ['-J']],
  ['tar.zst', ['--zstd']],
] as const) {
  test(`a .${ending} is unpacked into the tree, and recorded by its hash`, async () => {
    const given = await kernelSetting();
    const file = join(given.home, `linux.${ending}`);
    await run('tar', ['-C', given.home, '-c', ...flag, '-f', file, 'linux']);
    const { kernel } = await addTiny(given, { source: file });
    const { build } = treeLayout(kernel.treeDirectory);
    assert.equal(await readFile(join(build, 'kernel/sample.h'), 'utf8'), '#define ANSWER 42\n');
    assert.equal(kernel.source?.kind, 'tarball');
    assert.match((kernel.source as { sha256: string }).sha256, /^[0-9a-f]{64}$/);
    const again = await addTiny(given, { source: file, name: 'again' });
    assert.equal(again.keptTree, true, 'the same file is the same source, whatever its times');
    const left = (await readdir(given.trees)).filter((name) => name.startsWith('.'));
    assert.deepEqual(left, [], 'nothing is left of unpacking');
  });
}

const kernel: readonly TarEntry[] = [
  { name: 'linux/', type: '5', mode: 0o755 },
  { name: 'linux/Makefile', content: 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\nKBUILD_X := y\n' },
];

const evil: Readonly<Record<string, { entries: readonly TarEntry[]; code: string }>> = {
  'a path that climbs out': {
    entries: [...kernel, { name: 'linux/../../gotcha', content: 'x' }],
    code: 'archive-unsafe',
  },
  'an absolute path': { entries: [...kernel, { name: '/tmp/gotcha', content: 'x' }], code: 'archive-unsafe' },
  'a link out of the tree': {
    entries: [...kernel, { name: 'linux/l', type: '2', link: '../../etc' }],
    code: 'archive-unsafe',
  },
  'an absolute link': {
    entries: [...kernel, { name: 'linux/l', type: '2', link: '/etc/passwd' }],
    code: 'archive-unsafe',
  },
  'a file written through a link': {
    entries: [...kernel, { name: 'linux/l', type: '2', link: '../..' }, { name: 'linux/l/gotcha', content: 'x' }],
    code: 'source-unreadable',
  },
  'a hard link to a file of this machine': {
    entries: [...kernel, { name: 'linux/h', type: '1', link: '/etc/passwd' }],
    code: 'source-unreadable',
  },
  'a device': { entries: [...kernel, { name: 'linux/null', type: '3' }], code: 'archive-unsafe' },
  'a file that is longer than the archive': {
    entries: [...kernel, { name: 'linux/big', size: 7 * 2 ** 30 }, { name: 'linux/big2', size: 7 * 2 ** 30 }],
    code: 'source-unreadable',
  },
  'two top folders': { entries: [...kernel, { name: 'other/x', content: 'x' }], code: 'source-not-a-kernel' },
  'no kernel': { entries: [{ name: 'linux/README', content: 'x' }], code: 'source-not-a-kernel' },
};

for (const [what, { entries, code }] of Object.entries(evil)) {
  test(`refused, with nothing left: a tarball with ${what}`, async () => {
    const given = await kernelSetting();
    const file = join(given.home, 'evil.tar');
    await writeFile(file, tarOf(entries));
    await assert.rejects(addTiny(given, { source: file }), { code });
    await assertNothingAdded(given);
    await assert.rejects(stat(join(given.home, 'gotcha')), { code: 'ENOENT' });
  });
}

test('refused, with nothing left: a tarball that ends early, and a file that is none', async () => {
  const given = await kernelSetting();
  const file = join(given.home, 'cut.tar.gz');
  await run('tar', ['-C', given.home, '-czf', file, 'linux']);
  await writeFile(file, (await readFile(file)).subarray(0, 300));
  await assert.rejects(addTiny(given, { source: file }), { code: 'source-unreadable' });
  await assert.rejects(addTiny(given, { source: given.config }), { code: 'source-unreadable' });
  await assert.rejects(addTiny(given, { source: join(given.home, 'none.tar') }), { code: 'source-unreadable' });
  await assertNothingAdded(given);
});

test('a git ref is resolved to its commit; the mirror is kept, and fetched when the ref moves', async () => {
  const given = await kernelSetting();
  const git = await repository(given);
  const first = await addTiny(given, { source: `git:${given.source}#v6.1.170` });
  const commit = await git('rev-parse', 'HEAD');
  assert.deepEqual(first.kernel.source, { kind: 'git', address: given.source, ref: 'v6.1.170', commit });
  await writeFile(join(given.source, 'kernel/sample.h'), '#define ANSWER 43\n');
  await git('commit', '-q', '-a', '-m', 'two');
  const second = await addTiny(given, { source: `git:${given.source}#main`, name: 'second' });
  const text = await readFile(join(treeLayout(second.kernel.treeDirectory).build, 'kernel/sample.h'), 'utf8');
  assert.equal(text, '#define ANSWER 43\n');
  assert.equal((await readdir(join(given.home, 'mirrors'))).length, 1, 'one mirror for one address');
  await rm(given.source, { recursive: true });
  const offline = await addTiny(given, { source: `git:${given.source}#${commit}`, name: 'third' });
  assert.equal(offline.keptTree, true, 'a whole commit id that is there needs no remote');
  await assert.rejects(addTiny(given, { source: `git:${given.source}#main`, name: 'fourth' }), { code: 'git-failed' });
});

test('attributes of the tree leave nothing out and change nothing', async () => {
  const given = await kernelSetting();
  await writeFile(join(given.source, '.gitattributes'), '*.h export-ignore\n*.c export-subst eol=crlf\n');
  await writeFile(join(given.source, 'kernel/subst.c'), '/* $Format:%H$ */\n');
  await repository(given);
  const { kernel } = await addTiny(given, { source: `git:${given.source}#main` });
  const { build } = treeLayout(kernel.treeDirectory);
  assert.equal(await readFile(join(build, 'kernel/subst.c'), 'utf8'), '/* $Format:%H$ */\n');
  assert.equal(await readFile(join(build, 'kernel/sample.h'), 'utf8'), '#define ANSWER 42\n');
});

test('a ref that does not exist, a hostile one, a hostile address and a commit with a link out are refused', async () => {
  const given = await kernelSetting();
  await repository(given);
  await assert.rejects(addTiny(given, { source: `git:${given.source}#v9.9` }), { code: 'source-unreadable' });
  for (const ref of ['--output=/tmp/x', 'a..b', 'main:Makefile', 'main@{1}', 'main~1', 'x y', ''])
    await assert.rejects(parseSourceSpec(`git:${given.source}#${ref}`), { code: 'source-unreadable' }, ref);
  for (const address of ['ext::sh -c id', '--upload-pack=id', 'fd::17', 'javascript://x'])
    await assert.rejects(parseSourceSpec(`git:${address}#main`), { code: 'source-unreadable' }, address);
  await symlink('/etc/passwd', join(given.source, 'kernel/out'));
  await run('git', ['-C', given.source, 'add', '-A'], { env: Git.environment() });
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  await run('git', ['-C', given.source, ...who, 'commit', '-qm', 'link'], { env: Git.environment() });
  await assert.rejects(addTiny(given, { source: `git:${given.source}#main` }), { code: 'archive-unsafe' });
  await assertNothingAdded(given);
});

test('an address that does not answer leaves no mirror', async () => {
  const given = await kernelSetting();
  await mkdir(join(given.home, 'mirrors'));
  await assert.rejects(addTiny(given, { source: `git:${join(given.home, 'nowhere')}#main` }), { code: 'git-failed' });
  assert.deepEqual(await readdir(join(given.home, 'mirrors')), []);
  await assertNothingAdded(given);
});
