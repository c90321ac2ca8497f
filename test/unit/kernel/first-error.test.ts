import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FirstError, findFirstError, firstErrorText } from '#kernel';

/** Each file: what must be found as JSON, a line of three dashes, the excerpt of a log. `remedy` is a part of it. */
const CORPUS = join(import.meta.dirname, '../../corpus/build-logs');

for (const name of readdirSync(CORPUS)) {
  test(`first error of ${name}`, () => {
    const text = readFileSync(join(CORPUS, name), 'utf8');
    const cut = text.indexOf('\n---\n');
    const { remedy, ...expected } = JSON.parse(text.slice(0, cut)) as Partial<FirstError>;
    const { remedy: advice, ...found } = findFirstError(text.slice(cut + 5));
    assert.deepEqual(found, expected);
    if (remedy !== undefined) assert.ok(advice.includes(remedy), advice);
  });
}

test('a log without any word of an error gives its last line, an empty one says so', () => {
  assert.equal(findFirstError('  CC      a.o\n  LD      b\n\n').text, 'LD      b');
  assert.equal(findFirstError('').text, 'make printed nothing');
});

test('the sentence names the target once', () => {
  const found = findFirstError(
    'gcc: fatal error: Killed signal terminated program cc1\nmake[1]: *** [x:1: a/b.o] Error 1',
  );
  assert.match(firstErrorText(found), /cc1 \(while making a\/b\.o\)$/);
});

test('any text is read, and what is found is one line of it, bounded', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('x.c:1:2: error: y', 'make: *** [a] Error 1'))),
      (lines) => {
        const { text } = findFirstError(lines.join('\n'));
        assert.ok(text.length <= 300 && !text.includes('\n'));
      },
    ),
  );
});

test('lines of other jobs between them change nothing', () => {
  const error = ['a/x.c: In function y:', 'a/x.c:7:3: error: bad', '    7 |  bad', 'make[3]: *** [s:1: a/x.o] Error 1'];
  const noise = fc.constantFrom(
    '  CC      b/z.o',
    '  LD [M]  c/d.ko',
    'b/z.c:1:1: warning: odd',
    '  AR      q/built-in.a',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(error.length), noise)), (inserted) => {
      const lines = [...error];
      for (const [at, line] of inserted) lines.splice(at, 0, line);
      const { file, line, target } = findFirstError(lines.join('\n'));
      assert.deepEqual([file, line, target], ['a/x.c', 7, 'a/x.o']);
    }),
  );
});
