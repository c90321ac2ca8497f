import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Git, run } from '#host';
import { namesInHistory } from '#patch';
import { scratch } from '../../../testkit/scratch.ts';

test('names before and after a commit, through several moves; what is not there has none', async () => {
  const home = await scratch();
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', home, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { env: Git.environment() }))
      .stdout;
  await git('init', '-q', '-b', 'main');
  const text = Array.from({ length: 40 }, (_, i) => `int line_${i};\n`).join('');
  let fix = '';
  for (const [i, name] of ['a/one.c', 'b/two.c', 'c/three.c', 'd/four.c'].entries()) {
    await mkdir(join(home, name[0]!));
    const before = ['a/one.c', 'b/two.c', 'c/three.c'][i - 1];
    if (before === undefined) await writeFile(join(home, name), text);
    else await rename(join(home, before), join(home, name));
    await git('add', '-A');
    await git('commit', '-q', '-m', name);
    if (name === 'b/two.c') {
      await writeFile(join(home, name), `${text}int fixed;\n`);
      await git('commit', '-q', '-a', '-m', 'fix');
      fix = (await git('rev-parse', 'HEAD')).trim();
    }
  }
  const names = await namesInHistory(new Git(home), fix, 'b/two.c');
  assert.deepEqual(names, ['a/one.c', 'c/three.c', 'd/four.c']);
  assert.deepEqual(await namesInHistory(new Git(home), fix, ':(glob)**'), []);
  assert.deepEqual(await namesInHistory(new Git(home), '0'.repeat(40), 'b/two.c'), []);
});
