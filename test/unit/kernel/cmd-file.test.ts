import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#domain';
import { parseCmdFile } from '#kernel';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';

for (const { name, input, expected } of corpus('cmd-files')) {
  test(`command file ${name}`, () => {
    const read = (): unknown => parseCmdFile(input.toString('utf8'), name);
    if (expected['error'] !== undefined) assert.throws(read, { code: expected['error'] });
    else if (expected['cmd'] === null) assert.equal(read(), undefined);
    else assertContains(read(), expected['cmd']);
  });
}

const path = fc.array(fc.stringMatching(/^[a-z0-9_]{1,8}$/), { minLength: 1, maxLength: 4 }).map((p) => p.join('/'));

test('every header that is written into a command file is read back, once and in order', () => {
  fc.assert(
    fc.property(path, fc.uniqueArray(path, { maxLength: 30 }), (stem, headers) => {
      const object = `${stem}.o`;
      const lines = headers.map((header) => `  ${header}.h \\\n`).join('');
      const text = `savedcmd_${object} := gcc -D__KERNEL__\n\nsource_${object} := ${stem}.c\n\ndeps_${object} := \\\n${lines}\n${object}: $(deps_${object})\n`;
      assert.deepEqual(parseCmdFile(text, 'x')?.dependencies, [`${stem}.c`, ...headers.map((header) => `${header}.h`)]);
    }),
  );
});

test('text cut anywhere is a command that compiles nothing, whole, or an error of its own', () => {
  const text = corpus('cmd-files')
    .find(({ name }) => name === 'kernel-6-and-later')!
    .input.toString('utf8');
  for (let end = 0; end < text.length; end += 1) {
    try {
      parseCmdFile(text.slice(0, end), 'x');
    } catch (error) {
      assert.ok(hasCode(error, 'cmd-unreadable'));
    }
  }
});
