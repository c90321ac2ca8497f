/** Path patterns (TUF 1.0, 4.5), as fnmatch takes them, part by part. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesPattern } from '../../../src/trust/pattern.ts';

const matching: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
  [
    'targets/*.tgz',
    ['targets/foo.tgz', 'targets/bar.tgz', 'targets/.tgz'],
    ['targets/foo.txt', 'targets/a/foo.tgz', 'foo.tgz'],
  ],
  [
    'foo-version-?.tgz',
    ['foo-version-2.tgz', 'foo-version-a.tgz', 'foo-version-ü.tgz', 'foo-version-\u{1F600}.tgz'],
    ['foo-version-alpha.tgz', 'foo-version-.tgz', 'foo-version-/.tgz'],
  ],
  ['*.tgz', ['foo.tgz', 'bar.tgz'], ['targets/foo.tgz', 'foo.tgzz']],
  ['foo.tgz', ['foo.tgz'], ['foo_tgz', 'Foo.tgz', 'foo.tgz/']],
  ['*', ['a', '', '.hidden', '\n'], ['a/b', '/']],
  ['*/*', ['a/b', '/', 'a/'], ['a', 'a/b/c']],
  ['**', ['a', 'abc'], ['a/b']],
  ['a/**/b', ['a/x/b', 'a//b'], ['a/b', 'a/x/y/b']],
  ['[ab]c', ['ac', 'bc'], ['cc', 'abc', '[ab]c']],
  ['[a-c]', ['a', 'b', 'c'], ['d', '-', 'A']],
  ['[!a-c]', ['d', '-', '!', 'ü'], ['a', 'c', '', '/']],
  ['[^a]', ['^', 'a'], ['b']],
  ['[]]', [']'], ['[', 'a']],
  ['[]-a]', [']', '^', 'a'], ['[', 'b']],
  ['[!]a]', ['b', '['], [']', 'a']],
  ['[a-]', ['a', '-'], ['b']],
  ['[-a]', ['a', '-'], ['b']],
  ['[--0]', ['-', '.', '0'], ['1', ',']],
  ['[a-c-e]', ['a', 'b', '-', 'e'], ['d']],
  ['[c-a]', [], ['a', 'b', 'c', '-']],
  ['[!c-a]', ['a', 'b', '-'], ['']],
  ['[ä-ü]', ['ö', 'ä'], ['a']],
  ['[', ['['], ['']],
  ['[a', ['[a'], ['a']],
  ['[]', ['[]'], ['']],
  ['[!]', ['[!]'], ['a']],
  ['a[/]b', ['a[/]b'], ['a/b']],
  ['*?*', ['a', 'ab'], ['']],
  ['a*b*c', ['abc', 'aXbYbZc'], ['acb', 'ab']],
  ['\\*', ['\\', '\\x'], ['*']],
  ['{a,b}', ['{a,b}'], ['a', 'b']],
  ['!a', ['!a'], ['b', '']],
  ['#a', ['#a'], ['a']],
  ['+(a)', ['+(a)'], ['a', 'aa']],
  ['@(a|b)', ['@(a|b)'], ['a']],
  ['', [''], ['a', '/']],
  ['/a', ['/a'], ['a', '//a']],
  ['../*', ['../a'], ['a', 'x/a']],
];

for (const [pattern, yes, no] of matching) {
  test(`pattern ${JSON.stringify(pattern)}`, () => {
    for (const path of yes) assert.equal(matchesPattern(path, pattern), true, `${JSON.stringify(path)} has to match`);
    for (const path of no) assert.equal(matchesPattern(path, pattern), false, `${JSON.stringify(path)} must not match`);
  });
}

/** The same rule by a regular expression, for patterns without sets. */
function byExpression(path: string, pattern: string): boolean {
  const source = Array.from(pattern).map(
    (char) => ({ '*': '[^/]*', '?': '[^/]' })[char] ?? char.replace(/[\\^$.|+()[\]{}/-]/g, '\\$&'),
  );
  return new RegExp(`^${source.join('')}$`, 'su').test(path);
}

test('stars and question marks match what the regular expression for them matches', () => {
  const char = fc.constantFrom('a', 'b', '/', '.', '\u{1F600}');
  const path = fc.array(char, { maxLength: 8 }).map((chars) => chars.join(''));
  const pattern = fc.array(fc.oneof(char, fc.constantFrom('*', '?')), { maxLength: 8 }).map((chars) => chars.join(''));
  let matched = 0;
  fc.assert(
    fc.property(path, pattern, (one, other) => {
      const expected = byExpression(one, other);
      matched += Number(expected);
      assert.equal(matchesPattern(one, other), expected);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(matched > 100, `only ${matched} matched`);
});

test('a path without wildcards matches itself only; a wildcard never crosses a slash', () => {
  const path = fc.string({ unit: 'grapheme' }).filter((text) => !/[*?[]/.test(text));
  fc.assert(fc.property(path, path, (one, other) => assert.equal(matchesPattern(one, other), one === other)));
  const any = fc.string({ unit: fc.constantFrom('*', '?', '[', ']', '!', '-', 'a', '/') });
  fc.assert(
    fc.property(any, any, (one, pattern) => {
      if (matchesPattern(one, pattern)) assert.equal(one.split('/').length, pattern.split('/').length);
    }),
  );
});

test('a pattern made to be slow is not', () => {
  const start = performance.now();
  for (let i = 0; i < 100; i += 1) assert.equal(matchesPattern('a'.repeat(2_000), `${'*a'.repeat(200)}b`), false);
  assert.ok(performance.now() - start < 5_000);
});
