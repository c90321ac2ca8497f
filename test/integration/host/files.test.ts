import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hasCode } from '#domain';
import {
  formatIdentity,
  isRoot,
  makeFolders,
  readLimited,
  requireFree,
  run,
  self,
  sha256File,
  withLock,
  writeAtomic,
} from '#host';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tuxtape-files-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('an atomic write leaves the new content and nothing beside it', async (t) => {
  const path = await folder(t);
  await writeAtomic(join(path, 'a'), 'one');
  await writeAtomic(join(path, 'a'), 'two');
  assert.equal(await readFile(join(path, 'a'), 'utf8'), 'two');
  assert.deepEqual(await readdir(path), ['a']);
  assert.equal(await sha256File(join(path, 'a')), '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3');
});

test('folders are made with those above them; where none can be made, that is said at once', async (t) => {
  const path = await folder(t);
  await Promise.all([makeFolders(join(path, 'a/b/c'), 0o700), makeFolders(join(path, 'a/b/c'), 0o700)]);
  assert.deepEqual([(await stat(join(path, 'a/b/c'))).mode & 0o777, await readdir(path)], [0o700, ['a']]);
  await writeFile(join(path, 'file'), '');
  for (const bad of ['/proc/none/a', join(path, 'file'), join(path, 'file/a')])
    await assert.rejects(makeFolders(bad), (error) => hasCode(error, 'file-unreadable'), bad);
});

test('a full disk leaves the old content', {
  skip: isRoot() ? false : 'mounting a small file system needs root',
}, async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'tuxtape-full-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]);
  t.after(async () => {
    await run('umount', [path]);
    await rm(path, { recursive: true });
  });
  await writeAtomic(join(path, 'state'), 'old');
  await assert.rejects(writeAtomic(join(path, 'state'), Buffer.alloc(1 << 20)), (error) => hasCode(error, 'disk-full'));
  assert.equal(await readFile(join(path, 'state'), 'utf8'), 'old');
  assert.deepEqual(await readdir(path), ['state']);
  await assert.rejects(requireFree(path, 1 << 30, 'the test'), (error) => hasCode(error, 'disk-full'));
});

test('a file over the limit is refused before it is read', async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'big'), Buffer.alloc(2_000));
  await assert.rejects(readLimited(join(path, 'big'), 1_000), (error) => hasCode(error, 'file-too-large'));
  await assert.rejects(readLimited(join(path, 'none'), 1_000), (error) => hasCode(error, 'file-missing'));
  await mkdir(join(path, 'dir'));
  await assert.rejects(readLimited(join(path, 'dir'), 1 << 20), (error) => hasCode(error, 'file-unreadable'));
});

test('one holder at a time; a dead holder is taken over, a living one is waited for', async (t) => {
  const lock = join(await folder(t), 'lock');
  const order: string[] = [];
  const work = (name: string): Promise<void> =>
    withLock(lock, 5_000, async () => {
      order.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 80));
      order.push(`${name} out`);
    });
  await Promise.all([work('a'), work('b'), work('c')]);
  for (let i = 0; i < order.length; i += 2) assert.equal(order[i]!.split(' ')[0], order[i + 1]!.split(' ')[0]);

  await writeFile(lock, formatIdentity({ pid: 999_999, started: 'gone/1' }));
  assert.equal(await withLock(lock, 1_000, async () => 'taken'), 'taken');
  // As a power cut leaves what was not yet on the disk.
  await writeFile(lock, '');
  assert.equal(await withLock(lock, 1_000, async () => 'taken'), 'taken');
  assert.deepEqual(await readdir(join(lock, '..')), []);

  await writeFile(lock, '');
  await utimes(lock, new Date(), new Date(Date.now() - 60_000));
  assert.equal(await withLock(lock, 1_000, async () => 'taken'), 'taken', 'the power went before it was written');

  await writeFile(lock, formatIdentity(self()));
  await assert.rejects(
    withLock(lock, 150, async () => 'never'),
    (error) => hasCode(error, 'locked'),
  );
  assert.equal(await readFile(lock, 'utf8'), formatIdentity(self()), 'the lock of the living holder is untouched');
});
