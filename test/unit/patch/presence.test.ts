/** Is a fix in a source? Never said to be there when it is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPatch } from 'diff';
import fc from 'fast-check';
import { aligned, parseDiff, presenceOf, presenceOfAll, type SourceTexts } from '#patch';

const OLD = `#include <linux/slab.h>

static int first(struct thing *thing)
{
	int ret;

	ret = prepare(thing);
	if (ret)
		return ret;
	finish(thing);
	return 0;
}

static int second(struct thing *thing)
{
	int ret;

	ret = prepare(thing);
	if (ret)
		return ret;
	thing->count = 1;
	return 0;
}
`;
const FIXED = OLD.replace('	finish(thing);\n', '	lock_thing(thing);\n	finish(thing);\n	unlock_thing(thing);\n');

/** A patch with headings as git writes them for C. */
function patchOf(before: string, after: string, path = 'drivers/thing.c', heading = ''): string {
  const text = createPatch(path, before, after).split('\n').slice(2).join('\n');
  return text
    .replace(/^--- .*$/m, `--- a/${path}`)
    .replace(/^\+\+\+ .*$/m, `+++ b/${path}`)
    .replace(/^(@@ .* @@)$/gm, `$1 ${heading}`.trim());
}

function sourceOf(files: Readonly<Record<string, string>>): SourceTexts {
  const paths = Object.keys(files);
  return {
    read: async (path) => files[path],
    named: (name) => paths.filter((path) => path.endsWith(`/${name}`)),
  };
}

const HEADING = 'static int first(struct thing *thing)';
const outcome = async (patch: string, files: Readonly<Record<string, string>>): Promise<string> =>
  (await presenceOf(parseDiff(patch, 'x'), sourceOf(files))).finding.outcome;

test('a fix is found forwards, backwards, with lines moved, and under another path', async () => {
  const patch = patchOf(OLD, FIXED, 'drivers/thing.c', HEADING);
  const moved = (text: string): string => `/* one */\n/* two */\n${text}`;
  assert.equal(await outcome(patch, { 'drivers/thing.c': OLD }), 'vulnerable');
  assert.equal(await outcome(patch, { 'drivers/thing.c': FIXED }), 'fixed');
  assert.equal(await outcome(patch, { 'drivers/thing.c': moved(OLD) }), 'vulnerable');
  assert.equal(await outcome(patch, { 'drivers/thing.c': moved(FIXED) }), 'fixed');
  const { finding, paths } = await presenceOf(parseDiff(patch, 'x'), sourceOf({ 'drivers/new/thing.c': OLD }));
  assert.deepEqual(
    [finding.outcome, finding.renamed, paths],
    ['vulnerable', { 'drivers/thing.c': 'drivers/new/thing.c' }, ['drivers/new/thing.c']],
  );
});

test('what fits two files of that name, or none, is unclear', async () => {
  const patch = patchOf(OLD, FIXED, 'drivers/thing.c', HEADING);
  assert.equal(await outcome(patch, { 'a/thing.c': OLD, 'b/thing.c': OLD }), 'unclear');
  assert.equal(await outcome(patch, { 'a/thing.c': 'int other;\n' }), 'unclear');
  assert.equal(await outcome(patch, {}), 'unclear');
});

test('the lines of a fix in another function are no fix', async () => {
  const fix = OLD.replace('	thing->count = 1;\n', '	if (!thing->ready)\n		return -EINVAL;\n	thing->count = 1;\n');
  const patch = patchOf(OLD, fix, 'drivers/thing.c', 'static int second(struct thing *thing)');
  const elsewhere = fix.replace('static int second', 'static int third').replace('prepare(thing)', 'prepare(thing)');
  assert.equal(await outcome(patch, { 'drivers/thing.c': elsewhere }), 'unclear');
  assert.equal(await outcome(patch, { 'drivers/thing.c': fix }), 'fixed');
});

test('a place is believed only in the function that the patch names, and drifted context only with much to tell it by', async () => {
  const patch = patchOf(OLD, FIXED, 'drivers/thing.c', HEADING);
  const renamed = OLD.replace('int first', 'int zeroth');
  const found = await presenceOf(parseDiff(patch, 'x'), sourceOf({ 'drivers/thing.c': renamed }));
  assert.deepEqual([found.finding.outcome, found.changed], ['vulnerable', null]);
  const added = patchOf(
    OLD,
    OLD.replace('	finish(thing);\n', '	finish(thing);\n	lock_thing(thing);\n'),
    'drivers/thing.c',
    HEADING,
  );
  const drifted = OLD.replace('		return ret;\n	finish', '		return -EIO;\n	finish');
  assert.equal(await outcome(added, { 'drivers/thing.c': drifted }), 'unclear', 'two lines of context are not enough');
});

test('half of a fix is said to be half', async () => {
  const far = OLD + Array.from({ length: 20 }, (_, i) => `int filler_${i};\n`).join('') + 'int last_one = 1;\n';
  const both = far.replace('	finish(thing);\n', '	finish_all(thing);\n').replace('last_one = 1', 'last_one = 2');
  const half = far.replace('last_one = 1', 'last_one = 2');
  const patch = patchOf(far, both)
    .replace(/^(@@ .* @@)$/m, `$1 ${HEADING}`)
    .replace(/^(@@ -3\d.* @@)$/m, '$1 static int second(struct thing *thing)');
  const { finding, changed } = await presenceOf(parseDiff(patch, 'x'), sourceOf({ 'drivers/thing.c': half }));
  assert.notEqual(finding.outcome, 'fixed');
  assert.notEqual(finding.outcome, 'vulnerable');
  assert.equal(changed, null);
});

test('several fixes, one after the other, are one', async () => {
  const twice = FIXED.replace('lock_thing(thing);\n	finish', 'lock_thing(thing);\n	check(thing);\n	finish');
  const fixes = [patchOf(OLD, FIXED, 'd/t.c', HEADING), patchOf(FIXED, twice, 'd/t.c', HEADING)].map((text) =>
    parseDiff(text, 'x'),
  );
  const { finding, changed } = await presenceOfAll(fixes, sourceOf({ 'd/t.c': OLD }));
  assert.equal(finding.outcome, 'vulnerable');
  assert.deepEqual(changed?.get('d/t.c'), { before: OLD, after: twice });
  assert.notEqual((await presenceOfAll(fixes, sourceOf({ 'd/t.c': FIXED }))).finding.outcome, 'fixed');
});

const line = fc.constantFrom(
  '	a = 1;',
  '	b = 2;',
  '	call(a);',
  '',
  '	return 0;',
  '#define X(a) \\',
  '	long_name_of_a_function(argument);',
);
const text = fc.array(line, { minLength: 4, maxLength: 40 }).map((lines) => `${lines.join('\n')}\n`);

test('whatever the texts: a fix that is said to fit gives the fixed text, and one never stands in its own old text', async () => {
  await fc.assert(
    fc.asyncProperty(text, text, async (before, after) => {
      fc.pre(before !== after);
      const diffs = parseDiff(patchOf(before, after, 'd/t.c'), 'x');
      const old = await presenceOf(diffs, sourceOf({ 'd/t.c': before }));
      assert.notEqual(old.finding.outcome, 'fixed');
      if (old.changed) assert.equal(old.changed.get('d/t.c')?.after, after);
    }),
    { numRuns: 500 },
  );
});

test('whatever the texts: aligned ones have as many lines, and nothing but fillers was added', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const pair = aligned(before, after);
      const lines = (one: string): string[] => one.split('\n');
      assert.equal(lines(pair.before).length, lines(pair.after).length);
      const solid = (one: string): string[] => lines(one).filter((each) => each !== '' && each !== '\\');
      assert.deepEqual([solid(pair.before), solid(pair.after)], [solid(before), solid(after)]);
    }),
  );
});

test('what stays the same keeps its line number on both sides, behind a macro too', () => {
  const before = '#define A \\\n	one \\\n	two\nint after;\n';
  const pair = aligned(before, '#define A \\\n	one \\\n	more \\\n	two\nint after;\n');
  assert.equal(pair.before, '#define A \\\n	one \\\n\\\n	two\nint after;\n');
});

/** A hunk of six lines with one that the fix adds. */
const addition = (start: number, heading: string, lines: readonly string[], added: string): string =>
  `@@ -${start},${lines.length} +${start},${lines.length + 1} @@ ${heading}\n ${lines.slice(0, 2).join('\n ')}\n+${added}\n ${lines.slice(2).join('\n ')}\n`;

test('two hunks of one function are not both seen in the one place that has been fixed', async () => {
  const lines = ['\t\tlock(d);', '\t\tprepare(d);', '\t\tcopy(d);', '\t\tunlock(d);', '\t\tbreak;'];
  const add = '\t\td->len = clamp_len(d);';
  const head = 'int f(struct d *d)';
  const patch = `--- a/d.c\n+++ b/d.c\n${addition(5, head, lines, add)}${addition(11, head, lines, add)}`;
  const done = [...lines.slice(0, 2), add, ...lines.slice(2)];
  const half = [...lines.slice(0, 2), '\t\ttrace(d);', ...lines.slice(2)];
  const source = (second: readonly string[]): string =>
    [head, '{', '\tswitch (d->k) {', '\tcase 1:', ...done, '\tcase 2:', ...second, '\t}', '}', ''].join('\n');
  assert.equal(await outcome(patch, { 'd.c': source(done) }), 'fixed');
  assert.equal(await outcome(patch, { 'd.c': source(half) }), 'unclear');
});

test('a check in one system call is not that of another', async () => {
  const lines = ['{', '\tint ret;', '\tif (!ptr)', '\t\treturn -EINVAL;', '\treturn run(ptr);'];
  const add = '\tif (size > MAX_SIZE_OF_THING)\n+\t\treturn -E2BIG;';
  const patch =
    `--- a/s.c\n+++ b/s.c\n${addition(9, 'SYSCALL_DEFINE2(bar, void *, ptr, size_t, size)', lines, add)}`.replace(
      '+9,6',
      '+9,7',
    );
  const body = (checked: boolean, drifted: string): string =>
    [
      ...lines.slice(0, 2),
      ...(checked ? add.replace('\n+', '\n').split('\n') : [drifted]),
      ...lines.slice(2),
      '}',
    ].join('\n');
  const source = (bar: string): string =>
    `SYSCALL_DEFINE2(foo, void *, ptr, size_t, size)\n${body(true, '')}\n\nSYSCALL_DEFINE2(bar, void *, ptr, size_t, size)\n${bar}\n`;
  assert.notEqual(await outcome(patch, { 's.c': source(body(false, '\ttrace(ptr);')) }), 'fixed');
  assert.equal(await outcome(patch, { 's.c': source(body(true, '')) }), 'fixed');
});

test('the lines of a fix that stand in its function for another reason are no fix', async () => {
  const head = 'static int probe(struct dev *d)';
  const context = ['\tmutex_unlock(&d->lock);', '\treturn -EIO;'];
  const first = ['\tif (a) {', '\tmutex_unlock(&d->lock);', '\tusb_put_dev(d->udev);', '\treturn -EIO;', '\t}'];
  const hunk = `@@ -9,6 +9,7 @@ ${head}\n \tif (b) {\n \tlog(d);\n ${context[0]}\n+\tusb_put_dev(d->udev);\n ${context[1]}\n \t}\n \tgo(d);\n`;
  const second = ['\tif (b) {', '\tlog(d);', context[0], '\tpr_debug("b");', context[1], '\t}', '\tgo(d);'];
  const text = [head, '{', ...first, ...second, '}', ''].join('\n');
  assert.notEqual(await outcome(`--- a/u.c\n+++ b/u.c\n${hunk}`, { 'u.c': text }), 'fixed');
});
