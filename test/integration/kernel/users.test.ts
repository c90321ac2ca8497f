import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '#host';
import { functionUsers } from '#kernel';
import { scratch } from '../../../testkit/scratch.ts';

const SOURCE = `
int other(int);
static __attribute__((noinline)) int called(int x) { return other(x) + 1; }
static __attribute__((noinline)) int pointed(int x) { return other(x) + 2; }
static __attribute__((noinline)) int taken(int x) { return other(x) + 3; }
static __attribute__((noinline)) int again(int x) { return x > 9 ? other(x) : again(x + other(x)) + 1; }
int open(int x) { return called(x) + called(x + 1); }
int second(int x) { return called(x) * again(x); }
int (*const table[])(int) = { pointed };
int (*take(void))(int) { return taken; }
`;

async function usersOf(text: string, ...flags: string[]) {
  const folder = await scratch();
  await writeFile(join(folder, 'a.c'), text);
  const args = ['-O2', '-ffunction-sections', '-fdata-sections', ...flags, '-c', '-o', 'a.o', 'a.c'];
  await run('gcc', args, { cwd: folder });
  return functionUsers(await readFile(join(folder, 'a.o')), 'a.o');
}

for (const flags of [[], ['-pg', '-mfentry', '-mrecord-mcount', '-fno-pic', '-fcf-protection=none'], ['-g']])
  test(`all that can reach a function of an object is listed (${flags.join(' ') || 'plain'})`, async () => {
    const users = await usersOf(SOURCE, ...flags);
    assert.deepEqual(users.get('called'), { functions: ['open', 'second'], isOpen: false });
    assert.equal(users.get('pointed')?.isOpen, true, 'a table holds its address');
    assert.deepEqual(users.get('taken'), { functions: ['take'], isOpen: false });
    assert.deepEqual(users.get('again'), { functions: ['second'], isOpen: false }, 'itself is left out');
    assert.equal(users.get('open')?.isOpen, true, 'other objects can call it');
  });

test('what is no object file is refused by code', () => {
  assert.throws(() => functionUsers(Buffer.from('no'), 'x'), { code: 'object-unreadable' });
});
