import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch, createTwoFilesPatch } from 'diff';
import fc from 'fast-check';
import { apart, diffOf, leaveOutExports, leaveOutInit, lint, parseDiff, renderDiff, splitHunks } from '#patch';

const line = fc.constantFrom('a', 'b', 'c', 'd', '', '\tif (x)');
const text = fc.array(line, { maxLength: 40 }).map((lines) => lines.map((one) => `${one}\n`).join(''));

test('a diff that is split makes the same of a text, and what is left of it applies where some is left out', () => {
  fc.assert(
    fc.property(text, text, fc.infiniteStream(fc.boolean()), (before, after, keeps) => {
      const file = diffOf('a.c', before, after);
      if (file === null) return;
      const [split] = splitHunks([file]);
      assert.equal(applyPatch(before, renderDiff([split!])), after);
      const hunks = split!.hunks.filter(() => keeps.next().value);
      const some = hunks.length === 0 ? before : applyPatch(before, renderDiff([{ ...split!, hunks }]));
      assert.notEqual(some, false);
      const added = hunks.flatMap(({ lines }) => lines.filter(({ kind }) => kind === '+')).length;
      const removed = hunks.flatMap(({ lines }) => lines.filter(({ kind }) => kind === '-')).length;
      assert.equal((some as string).split('\n').length - before.split('\n').length, added - removed);
    }),
  );
});

const OLD = `static int __init start(void)
{
	return setup(1);
}

int f(struct s *s)
{
	return s->count;
}
`;

function leftOf(now: string): { answered: number; text: string } {
  const files = parseDiff(createTwoFilesPatch('a/a.c', 'b/a.c', OLD, now), 'x');
  const look = (some: typeof files) => lint(some, (path) => (path === 'a.c' ? OLD : undefined), undefined);
  const split = apart(files, look(files));
  const { files: rest, answered } = leaveOutInit(split, look([...split]));
  return { answered: answered.length, text: applyPatch(OLD, renderDiff(rest)) as string };
}

test('a hunk of start-up code is left out, also out of a hunk that changes other code, too', () => {
  const changed = OLD.replace('s->count', 's ? s->count : 0');
  assert.deepEqual(leftOf(changed.replace('setup(1)', 'setup(2)')), { answered: 1, text: changed });
  assert.deepEqual(leftOf(changed), { answered: 0, text: changed });
});

test('nothing is left out where nothing would be left', () => {
  const changed = OLD.replace('setup(1)', 'setup(2)');
  assert.deepEqual(leftOf(changed), { answered: 0, text: changed });
});

test('a new export is left out, an old one and one over several lines stay', () => {
  const old = 'int f(int x)\n{\n\treturn x;\n}\nEXPORT_SYMBOL(f);\n';
  const added = 'int g(int x)\n{\n\treturn f(x);\n}\n';
  const leftIn = (now: string): string => {
    const files = parseDiff(createTwoFilesPatch('a/a.c', 'b/a.c', old, now), 'x');
    const { files: rest } = leaveOutExports(
      files,
      lint(files, (path) => (path === 'a.c' ? old : undefined), undefined),
    );
    return applyPatch(old, renderDiff(rest)) as string;
  };
  assert.equal(leftIn(`${old}${added}EXPORT_SYMBOL_GPL(g);\n`), `${old}${added}`);
  const wide = `${old}${added}EXPORT_SYMBOL_GPL(\n\tg);\n`;
  assert.equal(leftIn(wide), wide);
  const changed = old.replace('return x', 'return x + 1');
  assert.equal(leftIn(changed), changed);
});
