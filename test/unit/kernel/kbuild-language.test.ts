/** The part of make that Kbuild's lists are written in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluateMakefile } from '../../../src/kernel/kbuild/evaluate.ts';
import { valueOfVariable } from '../../../src/kernel/kbuild/expand.ts';
import type { Facts } from '../../../src/kernel/kbuild/facts.ts';
import { logicalLines } from '../../../src/kernel/kbuild/lines.ts';
import { HOLE, MAYBE } from '../../../src/kernel/kbuild/marks.ts';
import { Budget } from '../../../src/kernel/kbuild/scope.ts';

function evaluate(text: string, config: Readonly<Record<string, string>> = {}): Promise<Facts> {
  const surroundings = {
    config: (symbol: string): string => config[symbol] ?? '',
    wildcard: (): undefined => undefined,
    exported: new Map<string, string>(),
    budget: new Budget(),
  };
  const read = (path: string): Promise<string | undefined> => Promise.resolve(path === 'Makefile' ? text : undefined);
  return evaluateMakefile({ folder: 'x', makefile: 'Makefile', surroundings, read, preset: new Map([['obj-y', '']]) });
}

async function valueOf(text: string, config: Readonly<Record<string, string>> = {}): Promise<string> {
  const facts = await evaluate(`${text}\n`, config);
  assert.equal(facts.failed, undefined);
  return valueOfVariable('R', facts.scope);
}

const cases: readonly (readonly [string, string, string])[] = [
  ['a recursive variable sees later values', 'R = $(A)\nA := 1', '1'],
  ['a simple one does not', 'lower := 1\nR := $(lower)\nlower := 2', '1'],
  ['appending keeps the kind', 'R = a\nR += $(b)\nb = c', 'a c'],
  ['the first of ?= wins', 'R ?= a\nR ?= b', 'a'],
  ['lines go on after a backslash', 'R := a \\\n  b \\\n  c', 'a b c'],
  ['a comment ends a line, an escaped # does not', 'R := a \\# b # c', 'a # b'],
  ['the name can be made', 'n := R\n$(n) := a', 'a'],
  ['endings are replaced', 'a := x.o y.o\nR := $(a:.o=.c)', 'x.c y.c'],
  ['and patterns', 'a := x.o y.o\nR := $(a:%.o=d/%.c)', 'd/x.c d/y.c'],
  ['filter', 'R := $(filter %.o d,a.o b.c d)', 'a.o d'],
  ['filter-out', 'R := $(filter-out %.o,a.o b.c)', 'b.c'],
  ['sort drops doubles', 'R := $(sort b a b)', 'a b'],
  ['words', 'R := $(words a b) $(word 2,a b) $(firstword a b) $(lastword a b) $(wordlist 2,3,a b c d)', '2 b a b b c'],
  ['paths', 'R := $(dir a/b c) $(notdir a/b) $(basename a/b.c) $(suffix a/b.c)', 'a/ ./ b a/b .c'],
  ['if, or, and', 'R := $(if a,yes,no) $(if ,yes,no) $(or ,b) $(and a,)', 'yes no b '],
  ['foreach and call', 'f = <$(1)>\nR := $(foreach w,a b,$(call f,$(w)))', '<a> <b>'],
  ['findstring and strip', 'R := $(findstring b,abc)$(strip  a   b )', 'ba b'],
  ['define', 'define R\na\nb\nendef', 'a\nb'],
  ['a dollar', 'R := $$x', '$x'],
  ['what a program says is unknown', 'R := a $(shell date) b', `a ${HOLE} b`],
  ['and what it touches', 'R := a$(shell date) b', `a${HOLE} b`],
  ['so is a compiler option', 'R := $(call cc-option,-x)', HOLE],
  ['and a variable of the environment', 'R := $(HOME)', HOLE],
  ['a variable that refers to itself', 'R = $(R)', HOLE],
  ['an unknown condition leaves words in doubt', 'R := a\nifeq ($(HOME),x)\nR += b\nendif', `a ${MAYBE}b`],
  ['also those that are replaced', 'R := a\nifdef HOME\nR := b\nendif', `${MAYBE}a ${MAYBE}b`],
  ['a filter keeps the doubt', 'R := $(filter-out $(HOME),a b)', `${MAYBE}a ${MAYBE}b`],
];
for (const [what, text, expected] of cases) {
  test(`make: ${what}`, async () => assert.equal(await valueOf(text), expected));
}

test('conditionals nest, and what is not taken changes nothing', async () => {
  const text =
    'ifdef CONFIG_A\nifeq ($(CONFIG_B),m)\nR := both\nelse ifneq "$(CONFIG_B)" ""\nR := other\nelse\nR := a\nendif\nelse\nR := none\nendif';
  assert.equal(await valueOf(text, { A: 'y', B: 'm' }), 'both');
  assert.equal(await valueOf(text, { A: 'y', B: 'y' }), 'other');
  assert.equal(await valueOf(text, { A: 'y' }), 'a');
  assert.equal(await valueOf(text), 'none');
});

test('a Makefile that is not understood says where', async () => {
  for (const text of [
    'endif\n',
    'ifeq a\nendif\n',
    'ifdef A\n',
    'define x\n',
    'include other\n',
    '$(eval a := b)\n',
    'vpath %.c x\n',
    'words only\n',
  ]) {
    assert.match((await evaluate(text)).failed ?? '', /Makefile|other/, text);
  }
});

test('joining lines loses no text', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z ]{1,9}$/), { minLength: 1, maxLength: 6 }), (parts) => {
      const joined = [...logicalLines(parts.join('\\\n'))].map(({ text }) => text).join('');
      assert.equal(joined.replaceAll(' ', ''), parts.join('').replaceAll(' ', ''));
    }),
  );
});
