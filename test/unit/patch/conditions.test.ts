/** Conditions around changed lines: one case a file of test/corpus/conditions, and what holds for any text. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { conditionsOf, evaluate, leavesSame, preprocess } from '#patch';

const folder = join(import.meta.dirname, '../../corpus/conditions');

/** Lines marked with `@` are changed by taking the mark away, in a comment or not. */
function foundIn(path: string, text: string, config: ReadonlyMap<string, string>): string {
  const lines = text.split('\n');
  const changed = lines.flatMap((line, i) => (line.includes('@') ? [i + 1] : []));
  const after = text.replaceAll('one;', 'one_more;').replaceAll('two;', 'two_more;').replaceAll('one()', 'more()');
  const hunk = { before: changed, after: changed };
  const [found] = conditionsOf(path, { before: text, after }, [hunk], { config, module: null });
  if (found === null || found === undefined) return 'none';
  return `${found.text} | ${found.value}${found.by === 'if' ? ' by if' : ''}`;
}

for (const name of readdirSync(folder)) {
  test(`condition ${name}`, () => {
    const [head = '', expect = '', ...rest] = readFileSync(join(folder, name), 'utf8').split('\n');
    const pairs = head.replace('// config:', '').trim().split(' ');
    const config = new Map(pairs.map((pair) => pair.split('=') as [string, string]));
    assert.equal(foundIn(`a/b${extname(name)}`, rest.join('\n'), config), expect.replace('// expect:', '').trim());
  });
}

test('what is read of the text without the fix and with it must be the same', () => {
  const before = '#ifdef CONFIG_Y\nint one;\n#endif\nint two;\n';
  const after = '#ifdef CONFIG_Y\nint more;\n#endif\n/* int two;\n*/\n';
  const setting = { config: new Map([['X', 'y']]), module: null };
  assert.equal(leavesSame('a.c', before, after, setting), false, 'a comment that swallows code');
  assert.equal(leavesSame('a.c', before, before.replace('one', 'more'), setting), true);
  assert.equal(leavesSame('a.dts', before, before.replace('one', 'more'), setting), false);
});

const atom = fc.constantFrom(
  'defined(CONFIG_A)',
  'defined CONFIG_B',
  'IS_ENABLED(CONFIG_C)',
  'IS_BUILTIN(CONFIG_A)',
  'IS_MODULE(CONFIG_B)',
  'IS_REACHABLE(CONFIG_C)',
  'CONFIG_N > 3',
  'CONFIG_A',
  'defined(FOO)',
  'defined(MODULE)',
  'FOO',
  '(FOO)',
  '(FOO + CONFIG_N)',
  '0',
  '1',
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atom,
    fc.tuple(tie('expression'), fc.constantFrom('&&', '||', '==', '+'), tie('expression')).map((p) => p.join(' ')),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `!(${inner})`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `((${a}) ? ${b} : ${c})`),
  ),
}));

/** FOO by its meaning: text takes the place of the name, as the preprocessor does it. */
function complete(text: string, foo: string | null, module: boolean): string {
  return text
    .replaceAll('defined(FOO)', foo === null ? '0' : '1')
    .replaceAll('FOO', foo === null || foo === '' ? '0' : foo)
    .replaceAll('defined(MODULE)', module ? '1' : '0');
}

const tristate = fc.constantFrom('y', 'm', undefined);
const configs = fc
  .record({ A: fc.constantFrom('y', undefined), B: tristate, C: tristate, N: fc.constantFrom('2', '4', '-1', '0x10') })
  .map(
    (values) =>
      new Map(
        Object.entries(values).flatMap(([name, value]): [string, string][] =>
          value === undefined ? [] : [[name, value]],
        ),
      ),
  );

test('what is known stays so, whatever the unknown names stand for', () => {
  const meanings = fc.constantFrom(null, '0', '1', '7', '0 || 1', '1 && 0', '0 ? 1 : 0', '-1');
  fc.assert(
    fc.property(expression, configs, meanings, fc.boolean(), (text, config, foo, module) => {
      const known = evaluate(text, { config, module: null });
      if (known === null) return;
      assert.equal(evaluate(complete(text, foo, module), { config, module }), known, text);
    }),
    { numRuns: 3000 },
  );
});

test('any text is read without a fault, and in time', () => {
  const piece = fc.constantFrom(
    '#if ',
    '#else\n',
    '#endif\n',
    '/*',
    '*/',
    '//',
    '"',
    "'",
    '\\\n',
    '(',
    ')',
    '!',
    '?',
    ':',
    '\n',
    'x',
    '#',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 60 }), (parts) => {
      preprocess(parts.join(''), { config: new Map(), module: null });
      evaluate(parts.join(''), { config: new Map(), module: null });
    }),
  );
  assert.equal(evaluate('('.repeat(100_000), { config: new Map(), module: null }), null);
  assert.equal(evaluate('!'.repeat(1_900) + '1', { config: new Map(), module: null }), null);
});
