/** The lint of livepatches: one case a file of test/corpus/lint, and what holds for all rules. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { createTwoFilesPatch } from 'diff';
import fc from 'fast-check';
import type { Profile } from '#domain';
import { type FileDiff, type Finding, lint, lintRules, namedChange, parseDiff, refuseBlocking } from '#patch';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const folder = join(import.meta.dirname, '../../corpus/lint');

interface Case {
  readonly expected: string;
  readonly files: FileDiff[];
  readonly texts: ReadonlyMap<string, string>;
  readonly profile: Profile | undefined;
}

/** `// expect:`, `// readers:`, then sections `=== old|new|tree PATH`. The diff is made of the old and the new text. */
function caseOf(text: string): Case {
  const [head = '', ...sections] = text.split(/^=== /m);
  const texts = new Map<string, string>();
  const after = new Map<string, string>();
  for (const section of sections) {
    const end = section.indexOf('\n');
    const [kind, path] = section.slice(0, end).split(' ') as [string, string];
    (kind === 'new' ? after : texts).set(path, section.slice(end + 1));
  }
  const diff = [...after].map(([path, now]) =>
    createTwoFilesPatch(`a/${path}`, `b/${path}`, texts.get(path) ?? '', now),
  );
  const readers = /^\/\/ readers: (.*)$/m.exec(head)?.[1]?.split(' ');
  return {
    expected: /^\/\/ expect: (.*)$/m.exec(head)![1]!,
    files: parseDiff(diff.join('\n'), 'case'),
    texts,
    profile: readers && profileWith(readers.map((pair) => pair.split('=') as [string, string])),
  };
}

/** So many objects read each file; a source is read by its own. */
function profileWith(readers: readonly (readonly [string, string])[]): Profile {
  const objects = readers.flatMap(([path, count]) =>
    Array.from({ length: Number(count) }, (_, i) =>
      path.endsWith('.c') ? compiled(path.replace(/c$/, 'o'), path) : compiled(`o${i}.o`, `o${i}.c`),
    ),
  );
  const files = new Map(readers.map(([path, count]) => [path, Array.from({ length: Number(count) }, (_, i) => i)]));
  return profileOfParts({ objects, files });
}

function shown({ code, path, line, hunk }: Finding): string {
  return `${code} ${path}${line === null ? '' : `:${line}`}${hunk === null ? '' : ` #${hunk}`}`;
}

for (const name of readdirSync(folder)) {
  test(`lint ${basename(name, '.case')}`, () => {
    const { expected, files, texts, profile } = caseOf(readFileSync(join(folder, name), 'utf8'));
    const found = lint(files, (path) => texts.get(path), profile);
    assert.equal(found.map(shown).join(' | ') || 'none', expected);
  });
}

function patchOf(path: string, lines: readonly string[], at: number): FileDiff[] {
  const count = (kinds: string): number => lines.filter((line) => kinds.includes(line[0]!)).length;
  const head = `@@ -${at},${count(' -')} +${at},${count(' +')} @@`;
  return parseDiff(`--- a/${path}\n+++ b/${path}\n${head}\n${lines.join('\n')}\n`, 'x');
}

function only(path: string, text: string): (asked: string) => string | undefined {
  return (asked) => (asked === path ? text : undefined);
}

const STRUCT = 'struct s {\n\tint a;\n\tint b;\n};\n';
const GROWS = [' \tint a;', '+\tint more;', ' \tint b;'];

test('every rule of the source is met by a case', () => {
  const met = new Set(['not-placed']);
  for (const name of readdirSync(folder))
    for (const word of readFileSync(join(folder, name), 'utf8').split('\n')[0]!.split(/[ |]+/)) met.add(word);
  const rules = Object.keys(lintRules).filter((code) => !code.startsWith('object-'));
  assert.deepEqual(
    rules.filter((code) => !met.has(code)),
    [],
  );
});

test('a patch that does not fit is looked at where it says, and that is told', () => {
  const codes = (at: number, text: string): string[] =>
    lint(patchOf('a.c', GROWS, at), only('a.c', text)).map(({ code }) => code);
  assert.deepEqual(codes(2, STRUCT), ['layout-may-change']);
  assert.deepEqual(codes(2, `\n\n\n${STRUCT}`), ['layout-may-change'], 'an offset is a fit');
  assert.deepEqual(codes(2, STRUCT.replace('int b', 'int c')), ['layout-may-change', 'not-placed']);
  assert.deepEqual(codes(2, ''), ['not-placed', 'data-added']);
});

test('what blocks is refused with the code of the rule, the gravest first', () => {
  const found = lint(patchOf('a.c', GROWS, 2), only('a.c', STRUCT));
  assert.throws(() => refuseBlocking(found), { code: 'layout-may-change', fault: 'patch', where: 'a.c:3' });
  refuseBlocking(found.map((one) => ({ ...one, level: 'two-approvals' })));
  refuseBlocking([]);
});

test('a patch says which functions it changes, and whether anything else', () => {
  const text = '#define A 1\nint f(void)\n{\n\treturn A;\n}\n';
  const named = (lines: readonly string[], at: number): unknown => {
    const { functions, outside } = namedChange(patchOf('a.c', lines, at), () => text);
    return [[...functions], outside];
  };
  assert.deepEqual(named(['-\treturn A;', '+\treturn A + 1;'], 4), [['f'], false]);
  assert.deepEqual(named(['-#define A 1', '+#define A 2'], 1), [[], true]);
  assert.deepEqual(named([' }', '+int g;'], 5), [[], true]);
});

const piece = fc.constantFrom(
  ...[
    'struct s {',
    '}',
    ';',
    'int a',
    '\n',
    ' ',
    '(',
    ')',
    '#if A\n',
    '#endif\n',
    '"',
    "'",
    '/*',
    '*/',
    '//',
    '\\',
    '=',
  ],
  ...['static ', 'f(void)\n{\n', '}\n', 'EXPORT_SYMBOL(f);\n', 'spin_lock(&a);', 'enum e {', ',', '[', ']', 'typedef '],
);

test('any text is looked at without an error, and every hunk of a diff of two texts is placed', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(piece, { maxLength: 40 }), (a, b) => {
      const [before, after] = [`${a.join('')}\nend\n`, `${b.join('')}\nend\n`];
      const files = parseDiff(createTwoFilesPatch('a/x.c', 'b/x.c', before, `${after}more\n`), 'x');
      const found = lint(files, only('x.c', before));
      assert.ok(found.every(({ code }) => code in lintRules && code !== 'not-placed'));
    }),
  );
});
