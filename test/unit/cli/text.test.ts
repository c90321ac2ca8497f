import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorten, shortId } from '../../../src/cli/text.ts';

test('texts and ids are cut on a terminal, and nowhere else', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  assert.deepEqual([shorten('a title', 4, true), shorten('a title', 4, false)], ['a t…', 'a title']);
  assert.equal(shorten('a title', 7, true), 'a title');
  assert.deepEqual([shortId(commit, true), shortId(commit, false)], ['0123456789ab', commit]);
});
