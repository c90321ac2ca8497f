import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_PATCH_BYTES, StageError } from '#domain';
import { lint, parseDiff, refuseBlocking, refuseBuildFiles, typeBodies } from '#patch';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';

for (const { name, input, expected } of corpus('patches')) {
  test(`patch ${name}`, () => {
    const read = (): unknown => {
      const files = parseDiff(input.toString('utf8'), name);
      refuseBuildFiles(files, name);
      return { files };
    };
    if (expected['error'] === undefined) assertContains(read(), expected);
    else assert.throws(read, { code: expected['error'] });
  });
}

test('a patch over the limit is refused', () => {
  assert.throws(() => parseDiff('x'.repeat(MAX_PATCH_BYTES + 1), 'x'), { code: 'patch-too-large' });
});

test('no text leads out of the tree, whatever it says', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('../x', '/etc/passwd', 'a/../../x', '.git/config', './x', 'a\\..\\b'),
  );
  fc.assert(
    fc.property(name, name, (before, after) => {
      try {
        for (const { path } of parseDiff(`--- ${before}\n+++ ${after}\n@@ -1 +1 @@\n-a\n+b\n`, 'x')) {
          assert.ok(!path.startsWith('/') && !path.split('/').includes('..') && !path.startsWith('.git'), path);
        }
      } catch (error) {
        assert.ok(error instanceof StageError, String(error));
      }
    }),
  );
});

const SOURCE = `/* struct comment { not a body } */
struct sample {
	int count;
	struct { int deep; } inner;
};
static struct sample one = {
	.count = 1,
};
int read(struct sample *s)
{
	return s->count;
}
`;

test('bodies of types are found, initialisers and comments are not', () => {
  assert.deepEqual(
    typeBodies(SOURCE).map(({ name, first, last }) => [name, first, last]),
    [
      ['struct sample', 2, 5],
      ['struct (unnamed)', 4, 4],
    ],
  );
});

function source(path: string): string | undefined {
  return path === 'x.c' ? SOURCE : undefined;
}

function patchOf(oldStart: number, lines: readonly string[]): string {
  const count = (kinds: string): number => lines.filter((line) => kinds.includes(line[0]!)).length;
  return `--- a/x.c\n+++ b/x.c\n@@ -${oldStart},${count(' -')} +${oldStart},${count(' +')} @@\n${lines.join('\n')}\n`;
}

test('a member added to a structure blocks; a line added to a function does not', () => {
  const grows = parseDiff(patchOf(3, [' \tint count;', '+\tint extra;', ' \tstruct { int deep; } inner;']), 'x');
  assert.deepEqual(
    lint(grows, source).map(({ code, level, line }) => [code, level, line]),
    [['layout-may-change', 'block', 4]],
  );
  assert.throws(() => refuseBlocking(lint(grows, source)), { code: 'layout-may-change' });
  const fixes = parseDiff(patchOf(10, [' {', '+\tif (!s) return 0;', ' \treturn s->count;']), 'x');
  assert.deepEqual(lint(fixes, source), []);
});

test('assembly is refused before anything is built', () => {
  const files = parseDiff(patchOf(1, ['-a', '+b']).replaceAll('x.c', 'arch/x86/entry/entry_64.S'), 'x');
  assert.throws(() => refuseBlocking(lint(files, () => undefined)), { code: 'assembly-changed' });
});
