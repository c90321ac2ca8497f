/** Where a change of a header can be told to reach only code that has certain names in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTwoFilesPatch } from 'diff';
import { confinedNames, parseDiff } from '#patch';

const OLD = `#ifndef A_H
#define A_H
#define LIMIT 3
struct s {
	int x;
};
int old_one(struct s *s);
extern int shared;
static inline int get(struct s *s)
{
	return s->x;
}
#endif
`;

function names(now: string, old = OLD): string[] | null {
  const [file] = parseDiff(createTwoFilesPatch('a/a.h', 'b/a.h', old, now), 'x');
  const found = confinedNames(file!, old);
  return found === null ? null : [...found].toSorted();
}

const after = (line: string, more: string): string => OLD.replace(`${line}\n`, `${line}\n${more}`);
const PROTOTYPE = 'int old_one(struct s *s);';

test('a declaration, and an inline function that is new, reach what names them', () => {
  assert.deepEqual(names(after(PROTOTYPE, 'int new_one(struct s *s, int a);\n')), ['new_one']);
  assert.deepEqual(names(after(PROTOTYPE, 'extern int more;\n')), ['more']);
  assert.deepEqual(names(after('}', 'static inline int twice(struct s *s)\n{\n\treturn 2 * get(s);\n}\n')), ['twice']);
  assert.deepEqual(names(OLD.replace(PROTOTYPE, 'long old_one(struct s *s);')), ['old_one']);
  assert.deepEqual(names(OLD.replace(`${PROTOTYPE}\n`, '')), ['old_one']);
  assert.deepEqual(names(OLD.replace(PROTOTYPE, `/* what it is */\n${PROTOTYPE}`)), [], 'a comment reaches nothing');
});

test('whatever can be reached in another way is not confined', () => {
  const cases: Record<string, string> = {
    'a macro is new': after('#define LIMIT 3', '#define MORE 4\n'),
    'a macro changes': OLD.replace('LIMIT 3', 'LIMIT 4'),
    'a header is read': after('#define LIMIT 3', '#include "b.h"\n'),
    'a condition is put around': after('#define LIMIT 3', '#ifdef X\n').replace('#endif\n', '#endif\n#endif\n'),
    'a type changes': OLD.replace('int x;', 'long x;'),
    'a type is new': after('};', 'struct t {\n\tint y;\n};\n'),
    'an inline function changes': OLD.replace('return s->x;', 'return s->x + 1;'),
    'an inline function goes': OLD.replace(/static inline[^]*?\n}\n/, ''),
    'a variable is defined': after(PROTOTYPE, 'static int counter;\n'),
    'several in one': after(PROTOTYPE, 'extern int a, b;\n'),
    'an attribute that may be a macro call': after(PROTOTYPE, '__printf(1, 2) void say(const char *f, ...);\n'),
    'a macro is called': after(PROTOTYPE, 'DECLARE_THING(a);\n'),
    'a part of a macro': after('#define LIMIT 3', '#define F(x) \\\n\tg(x)\n'),
  };
  for (const [what, now] of Object.entries(cases)) assert.equal(names(now), null, what);
  const long = '#define F(x) \\\n\tg(x) \\\n\th(x)\nint f(int);\n';
  assert.equal(names(long.replace('g(x) \\', 'i(x) \\'), long), null, 'a line within a macro');
});
