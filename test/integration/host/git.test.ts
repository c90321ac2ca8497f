import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hasCode } from '#domain';
import { Git, type GitBlob, plainEnvironment, run } from '#host';

async function repository(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tuxtape-git-'));
  t.after(() => rm(path, { recursive: true }));
  const env = plainEnvironment({
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  });
  await run('git', ['init', '-q', '-b', 'trunk', path], { env });
  for (const [name, content] of [
    ['one', 'first'],
    ['big', 'x'.repeat(300_000)],
    ['empty', ''],
  ] as const) {
    await writeFile(join(path, name), content);
    await run('git', ['-C', path, 'add', name], { env });
    await run('git', ['-C', path, 'commit', '-q', '-m', name], { env });
  }
  return path;
}

async function collect(blobs: AsyncIterable<GitBlob>): Promise<GitBlob[]> {
  const found: GitBlob[] = [];
  for await (const blob of blobs) found.push(blob);
  return found;
}

test('objects are read in order; missing and oversized ones are said, not thrown', async (t) => {
  const git = new Git(await repository(t));
  const blobs = await collect(git.catFile(['HEAD:one', 'HEAD:none', 'HEAD:big', 'HEAD:empty', 'HEAD:one'], 1_000));
  assert.deepEqual(
    blobs.map((blob) => [blob.request, blob.size, blob.content?.toString() ?? null]),
    [
      ['HEAD:one', 5, 'first'],
      ['HEAD:none', 0, null],
      ['HEAD:big', 300_000, null],
      ['HEAD:empty', 0, ''],
      ['HEAD:one', 5, 'first'],
    ],
  );
  assert.equal(blobs[1]!.oid, null);
  assert.notEqual(blobs[2]!.oid, null);
});

test('who stops reading early is not left waiting', { timeout: 20_000 }, async (t) => {
  const git = new Git(await repository(t));
  const many = Array.from({ length: 200 }, () => 'HEAD:big');
  for await (const blob of git.catFile(many, 1 << 20)) {
    assert.equal(blob.size, 300_000);
    break;
  }
});

test('a mirror finds the default branch, follows, and knows a rewritten history', async (t) => {
  const source = await repository(t);
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-mirror-'));
  t.after(() => rm(folder, { recursive: true }));
  const mirror = await Git.mirror(source, join(folder, 'm.git'));
  const head = await mirror.head();
  assert.equal(head, (await new Git(source).run(['rev-parse', 'trunk'])).stdout.trim());
  await run(
    'git',
    ['-C', source, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--amend', '-m', 'rewritten'],
    {},
  );
  await mirror.fetch(source);
  const now = await mirror.head();
  assert.notEqual(now, head);
  assert.equal(await mirror.isAncestor(head, now!), false);
  assert.equal(await mirror.hasCommit('0'.repeat(40)), false);
});

test('what is no repository is refused with the place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-nogit-'));
  t.after(() => rm(folder, { recursive: true }));
  await assert.rejects(
    Git.mirror(join(folder, 'nothing'), join(folder, 'm.git')),
    (error) => hasCode(error, 'git-failed') && error.where?.includes('nothing') === true,
  );
});

test('a git that does not answer in time has said nothing of the repository', { timeout: 20_000 }, async (t) => {
  const git = new Git(await repository(t));
  const slow = git.run(['-c', 'alias.slow=!sleep 10', 'slow'], { timeoutMs: 200 });
  await assert.rejects(slow, (error) => hasCode(error, 'git-failed') && error.fault === 'network');
});
