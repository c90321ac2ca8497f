/** What we write of a diff is what was read, and what a text becomes by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch } from 'diff';
import fc from 'fast-check';
import { diffOf, parseDiff, renderDiff, reviewKey } from '#patch';

/** Few different lines, so that a diff has something to find; some texts end without a line end. */
const text = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'b\r', '', ' c', '-- ', '+x', '\\ No', 'int f(void)'), { maxLength: 12 }),
    fc.boolean(),
  )
  .map(([lines, ends]) => lines.join('\n') + (ends && lines.length > 0 ? '\n' : ''));

test('a diff of two texts makes one of the other, and is read as it was written', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const file = diffOf('kernel/sample.c', before, after);
      if (file === null) return assert.equal(before, after);
      const written = renderDiff([file]);
      assert.equal(applyPatch(before, written, { autoConvertLineEndings: false }), after);
      assert.equal(renderDiff(parseDiff(written, 'x')), written);
      return undefined;
    }),
    { numRuns: 500 },
  );
});

test('files that come and go, and hunks after one that grows', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `\tline ${i}`);
  const before = `int first(void)\n${lines.join('\n')}\n`;
  const after = before.replace('line 2\n', 'line 2\n\tmore\n\tmore\n').replace('\tline 25\n', '');
  const files = [diffOf('a.c', null, 'one\n')!, diffOf('b.c', before, after)!, diffOf('c.c', 'one\ntwo', null)!];
  const written = renderDiff(files);
  assert.match(written, /^--- \/dev\/null\n\+\+\+ b\/a\.c\n@@ -0,0 \+1,1 @@\n\+one\n--- a\/b\.c\n/);
  assert.match(written, /@@ -24,7 \+26,6 @@ int first\(void\)\n/);
  assert.match(
    written,
    /--- a\/c\.c\n\+\+\+ \/dev\/null\n@@ -1,2 \+0,0 @@\n-one\n-two\n\\ No newline at end of file\n$/,
  );
  assert.equal(renderDiff(parseDiff(written, 'x')), written);
});

test('what stands around a diff is not written again', () => {
  const diff = '--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n';
  for (const tail of ['-- \n2.39.5\n\n', '-- \ncgit 1.2.3-korg\n\n', '-- \ncgit v1.2.3\n', ''])
    assert.equal(
      renderDiff(parseDiff(`From x\n\nIndex: ../y\n${diff}${tail}`.replace('Index: ../y\n', ''), 'x')),
      diff.replace('x.c\n@@', 'x.c\n@@'),
    );
  const removesDashes = '--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,1 @@\n a\n-- \n';
  assert.equal(renderDiff(parseDiff(removesDashes, 'x')), removesDashes);
});

test('one review for what changes the same lines, wherever they stand', () => {
  const key = (before: string, after: string, path = 'x.c'): string => reviewKey([diffOf(path, before, after)!]);
  const around = (middle: string, above: string): string => `${above}a\nb\nc\n${middle}\nd\ne\nf\n`;
  const here = key(around('x', ''), around('y', ''));
  assert.equal(key(around('x', 'more\nlines\nabove\n'), around('y', 'more\nlines\nabove\n')), here);
  assert.notEqual(key(around('x', ''), around('z', '')), here);
  assert.notEqual(key(around('x', ''), around('y', ''), 'other.c'), here);
  const two = [diffOf('a.c', 'x\n', 'y\n')!, diffOf('b.c', 'x\n', 'y\n')!];
  assert.equal(reviewKey(two), reviewKey(two.toReversed()));
});
