/** Conditions against the real preprocessor: what is said to be left out is, and what is said to be compiled is. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { run } from '#host';
import { preprocess } from '#patch';
import { scratch } from '../../../testkit/scratch.ts';

const condition = fc.constantFrom(
  'ifdef CONFIG_A',
  'ifndef CONFIG_B',
  'ifdef FOO',
  'if defined(CONFIG_A) && FOO',
  'if defined(CONFIG_A) && (FOO)',
  'if FOO || CONFIG_N == 4',
  'if !defined(CONFIG_A) || !(CONFIG_N > 2)',
  'if 0',
  'if \\\n CONFIG_N /* over\nlines */ > 3',
  'if (CONFIG_N - 5) / 2 == 0 && 7 % -4 == 3',
  'if defined FOO ? 1 : 0',
  'if (CONFIG_N ^ 3) & 6 | 1 << 2',
);
const code = fc.constantFrom(
  '"#if 0";',
  "'\\'';",
  '/* #endif */',
  '// #else \\\n#endif',
  "don't /* here",
  '*/',
  '"/*" "\\',
  '#pragma x /*',
  '#define SEEN \\\n#if',
  '"open',
  '/ /',
  '/\\\n* spliced *\\\n/',
);
const { nest } = fc.letrec<{ nest: string[] }>((tie) => ({
  nest: fc.array(
    fc.oneof(
      { maxDepth: 3 },
      fc.constant('MARK'),
      code,
      fc
        .tuple(condition, tie('nest'), fc.option(fc.tuple(condition, tie('nest'))), fc.option(tie('nest')))
        .map(([first, body, second, last]) =>
          [
            `#${first}`,
            ...body,
            ...(second === null
              ? []
              : [
                  `#${second[0].replace(/^if(?:def|ndef)? ?(.*)/s, (all, name: string) => (all.startsWith('if ') ? `elif ${name}` : `elif defined(${name})`))}`,
                  ...second[1],
                ]),
            ...(last === null ? [] : ['#else', ...last]),
            '#endif',
          ].join('\n'),
        ),
    ),
    { maxLength: 6 },
  ),
}));

test('nests of conditions, strings and comments are read as gcc reads them', async () => {
  const folder = await scratch();
  let [decided, left] = [0, 0];
  const foo = fc.constantFrom(null, '0', '1', '0 || 1', '1 && 0');
  const config = fc.record({
    A: fc.constantFrom('y', 'm'),
    B: fc.constantFrom('y', 'm'),
    N: fc.constantFrom('2', '4'),
  });
  await fc.assert(
    fc.asyncProperty(nest, config, foo, async (parts, values, meaning) => {
      const marked = parts.join('\n').split('MARK');
      const text = marked.map((part, i) => (i === 0 ? part : `mark_${i}_${part}`)).join('') + '\n';
      const read = preprocess(text, { config: new Map(Object.entries(values)), module: null });
      if (read === null) return;
      const file = join(folder, 'nest.c');
      await writeFile(file, text);
      const flags = [
        ...(values.A === 'y' ? ['-DCONFIG_A=1'] : ['-DCONFIG_A_MODULE=1']),
        ...(values.B === 'y' ? ['-DCONFIG_B=1'] : ['-DCONFIG_B_MODULE=1']),
        `-DCONFIG_N=${values.N}`,
        ...(meaning === null ? [] : [`-DFOO=${meaning}`]),
      ];
      const { stdout } = await run('gcc', ['-std=gnu11', '-E', '-P', '-w', ...flags, file], { okCodes: [0, 1] });
      for (const [i, line] of text.split('\n').entries()) {
        for (const [mark] of line.matchAll(/\bmark_\d+_/g)) {
          // Where a comment or a string swallows it, there is nothing to be said of the mark.
          const visible = read.visible.some((each) => each.includes(mark));
          const branches = read.around[i + 1] ?? [];
          const value = branches.some((each) => each.value === false)
            ? false
            : branches.every((each) => each.value === true)
              ? true
              : null;
          const isIn = stdout.includes(mark);
          if (value === false) assert.equal(isIn, false, `${mark} is left out of\n${text}`);
          if (value === false) left += 1;
          if (value === true && visible && !read.directives.has(i + 1))
            assert.equal(isIn, true, `${mark} is in\n${text}`);
          if (value !== null) decided += 1;
          if (isIn) assert.equal(visible, true, `${mark} is seen in\n${text}`);
        }
      }
    }),
    { numRuns: 250 },
  );
  assert.ok(decided > 100 && left > 20, `${decided} decided, ${left} left out`);
});
