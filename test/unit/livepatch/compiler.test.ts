import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilersOf } from '#livepatch';
import { makeElf } from '../../../testkit/elf.ts';

test('the compilers of an object stand in its comment, each once', () => {
  const content = Buffer.from('\0GCC: (Debian 14.2.0-19) 14.2.0\0GCC: (Debian 14.2.0-19) 14.2.0\0clang version 19\0');
  assert.deepEqual(compilersOf(makeElf([{ name: '.comment', content }])), [
    'GCC: (Debian 14.2.0-19) 14.2.0',
    'clang version 19',
  ]);
  assert.deepEqual(compilersOf(makeElf([{ name: '.text', content }])), []);
});
