/** Fixes from real git repositories, here and elsewhere. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { Git, run } from '#host';
import { type FixDoors, type FixSource, openFixes, parseDiff } from '#patch';
import { scratch } from '../../../testkit/scratch.ts';

interface Repository {
  readonly folder: string;
  readonly commits: readonly string[];
}

const env = {
  ...Git.environment(),
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@example.org',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@example.org',
  GIT_AUTHOR_DATE: '1790000000 +0000',
  GIT_COMMITTER_DATE: '1790000000 +0000',
};

/** A repository with a commit for each text of one file. */
async function repository(texts: readonly string[]): Promise<Repository> {
  const folder = join(await scratch(), 'linux');
  await mkdir(folder);
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', folder, ...args], { env })).stdout.trim();
  await git('init', '--quiet');
  const commits: string[] = [];
  for (const [i, text] of texts.entries()) {
    await writeFile(join(folder, 'sample.c'), text);
    await git('add', '.');
    await git('commit', '--quiet', '--message', `change ${i}`);
    commits.push(await git('rev-parse', 'HEAD'));
  }
  await git('config', 'uploadpack.allowFilter', 'true');
  await git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  return { folder, commits };
}

async function doors(): Promise<FixDoors> {
  return {
    get: () => Promise.reject(new TypeError('git asks no page')),
    sleep: () => Promise.resolve(),
    cache: await scratch(),
  };
}

async function changes(source: FixSource, commit: string): Promise<unknown> {
  const fix = await source.changeOf(commit);
  return fix && [fix.date, ...parseDiff(fix.text, 'x').flatMap(({ hunks }) => hunks.flatMap(({ lines }) => lines))];
}

const SECOND = [
  1_790_000_000_000,
  { kind: ' ', text: 'one' },
  { kind: '-', text: 'two' },
  { kind: '+', text: 'three' },
];

test('a commit of a repository on this machine, by its whole name or the beginning of it', async () => {
  const { folder, commits } = await repository(['one\ntwo\n', 'one\nthree\n']);
  for (const address of [folder, `git:${folder}`]) {
    const source = await openFixes(address, await doors());
    assert.deepEqual(await changes(source, commits[1]!), SECOND);
    assert.deepEqual(await changes(source, commits[1]!.slice(0, 12)), SECOND);
    assert.equal(await source.changeOf('0'.repeat(40)), undefined);
    assert.equal(await source.changeOf('HEAD'), undefined);
  }
});

test('a repository elsewhere gives single commits, and is not asked again for what is here', async () => {
  const { folder, commits } = await repository(['one\ntwo\n', 'one\nthree\n', 'one\nfour\n']);
  const given = await doors();
  const source = await openFixes(`git:file://${folder}`, given);
  assert.deepEqual(await changes(source, commits[1]!), SECOND);
  assert.equal(await source.changeOf('0'.repeat(40)), undefined);
  const again = await openFixes(`git:file://${folder}`, given);
  await run('mv', [folder, `${folder}-gone`]);
  assert.deepEqual(await changes(again, commits[1]!), SECOND);
  await assert.rejects(again.changeOf(commits[2]!), { code: 'git-failed' });
});

test('a branch that is named as a commit, a replaced and a forged commit are refused or seen through', async () => {
  const { folder, commits } = await repository(['one\ntwo\n', 'one\nthree\n', 'one\nfour\n']);
  const git = (...args: string[]): Promise<unknown> => run('git', ['-C', folder, ...args], { env });
  const source = await openFixes(folder, await doors());
  const short = commits[1]!.slice(0, 10);
  await git('replace', commits[1]!, commits[2]!);
  assert.deepEqual(await changes(source, commits[1]!), SECOND);
  await git('branch', short, commits[0]!);
  await assert.rejects(source.changeOf(short), { code: 'wrong-commit', fault: 'untrusted' });
  const forged = 'ab'.repeat(20);
  const content = (await run('git', ['-C', folder, 'cat-file', 'commit', commits[2]!], { env })).stdout;
  await mkdir(join(folder, '.git/objects/ab'), { recursive: true });
  const object = deflateSync(Buffer.from(`commit ${Buffer.byteLength(content)}\0${content}`));
  await writeFile(join(folder, '.git/objects/ab', forged.slice(2)), object);
  await assert.rejects(source.changeOf(forged), { code: /^(?:wrong-commit|git-failed)$/ });
});

test('a directory: the head of a file must name the commit, a short name stands for one file', async () => {
  const folder = await scratch();
  const [a, b] = ['0123456789'.repeat(4), '0123456789'.repeat(3).padEnd(40, 'f')];
  const diff = '--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n';
  await writeFile(join(folder, `${a}.patch`), `From ${b} Mon Sep 17 00:00:00 2001\n\n${diff}`);
  const source = await openFixes(folder, await doors());
  await assert.rejects(source.changeOf(a), { code: 'wrong-commit', fault: 'untrusted' });
  await writeFile(join(folder, `${a}.patch`), diff);
  assert.equal((await source.changeOf(a))?.text, diff);
  await writeFile(join(folder, `${b}.patch`), diff);
  const both = await openFixes(folder, await doors());
  assert.deepEqual(await both.list(), [a, b]);
  await assert.rejects(both.changeOf(a.slice(0, 12)), { code: 'wrong-commit', fault: 'input' });
  assert.equal((await both.changeOf(b))?.text, diff);
});
