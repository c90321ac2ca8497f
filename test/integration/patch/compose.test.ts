/** Several fixes as one change, with the real GNU patch: one that does not fit is told with the one that keeps it out. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CveId, Toolchain } from '#domain';
import { run } from '#host';
import {
  type Composed,
  type ComposeFix,
  type ComposePart,
  composePatch,
  diffOf,
  parseDiff,
  renderDiff,
  type SourceTexts,
} from '#patch';
import { scratch } from '../../../testkit/scratch.ts';

const toolchain: Toolchain = { kind: 'host', root: null, compiler: 'gcc', linker: null };
const body = (name: string): string =>
  `static int ${name}(struct thing *thing)\n{\n\tint ret_${name};\n\n\tret_${name} = prepare_${name}(thing);\n\tif (ret_${name})\n\t\treturn ret_${name};\n\n\treturn finish_${name}(thing);\n}\n`;
const TEXT = ['one', 'two', 'three', 'four', 'five'].map(body).join('\n');
const FILES: Readonly<Record<string, string>> = {
  'drivers/a.c': TEXT,
  'drivers/b.c': TEXT.replaceAll('thing', 'other'),
  'fs/smb/client/c.c': TEXT.replaceAll('thing', 'share'),
};

function sourceOf(files: Readonly<Record<string, string>> = FILES): SourceTexts {
  return {
    read: (path) => Promise.resolve(files[path]),
    named: (name) => Object.keys(files).filter((path) => path.endsWith(`/${name}`)),
  };
}

function fix(letter: string, text: string, more: Partial<ComposeFix> = {}): ComposeFix {
  const commit = letter.repeat(40).slice(0, 40);
  return { commit, version: '6.1.171', branch: 'own-branch', date: null, text, where: `fixes ${letter}`, ...more };
}

function part(number: number, ...fixes: ComposeFix[]): ComposePart {
  return { cve: `CVE-2026-${number}` as CveId, fixes };
}

/** The diff of a change of one file of ours. */
function change(path: string, edit: (text: string) => string, from = FILES[path]!): string {
  return renderDiff([diffOf(path, from, edit(from))!]);
}

const compose = (parts: readonly ComposePart[], files = FILES): Promise<Composed> =>
  composePatch(parts, { source: sourceOf(files), toolchain });

/** The files after a change, by the plain program. */
async function after(text: string, files: Readonly<Record<string, string>> = FILES): Promise<Record<string, string>> {
  const folder = await scratch();
  const result: Record<string, string> = {};
  for (const [path, content] of Object.entries(files)) {
    await run('mkdir', ['-p', join(folder, path, '..')]);
    await writeFile(join(folder, path), content);
  }
  await run('patch', ['-p1', '--fuzz=0', '--no-backup-if-mismatch', '-d', folder], { input: text });
  for (const path of Object.keys(files)) result[path] = await readFile(join(folder, path), 'utf8');
  return result;
}

const guard = (name: string): ((text: string) => string) => {
  const call = `\treturn finish_${name}(`;
  return (text) => text.replace(call, `\tif (gone_${name})\n\t\treturn 0;\n${call}`);
};

test('fixes of several CVEs are one change, and the plain program makes the same of it', async () => {
  const parts = [
    part(1, fix('a', change('drivers/a.c', guard('one')))),
    part(2, fix('b', change('drivers/a.c', guard('four')) + change('drivers/b.c', guard('two')))),
  ];
  const { text, paths, steps } = await compose(parts);
  assert.deepEqual(paths, ['drivers/a.c', 'drivers/b.c']);
  assert.deepEqual(
    steps.map(({ state, fit }) => [state, fit?.how]),
    [
      ['applied', 'exact'],
      ['applied', 'offset'],
    ],
  );
  assert.deepEqual(await after(text), {
    ...FILES,
    'drivers/a.c': guard('four')(guard('one')(FILES['drivers/a.c']!)),
    'drivers/b.c': guard('two')(FILES['drivers/b.c']!),
  });
});

test('the same bytes in whatever order the CVEs come; one that is left out is as if it had never been', async () => {
  const places = ['drivers/a.c', 'drivers/b.c', 'fs/smb/client/c.c'].flatMap((path) =>
    ['one', 'three', 'five'].map((name) => ({ path, name })),
  );
  const all = places.map(({ path, name }, i) => part(i, fix('0123456789'[i]!, change(path, guard(name)))));
  const chosen = fc.uniqueArray(fc.nat(all.length - 1), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(chosen, fc.nat(3), async (order, out) => {
      const pick = (list: readonly number[]): Promise<string> =>
        compose(list.map((i) => all[i]!)).then(({ text }) => text);
      const text = await pick(order);
      assert.equal(await pick(order.toReversed()), text);
      assert.equal(await pick([...order, order[0]!]), text);
      if (order.length === 1) return;
      const rest = order.filter((_, i) => i !== out % order.length);
      const files = await after(await pick(rest));
      const edits = rest.toSorted((a, b) => a - b).map((i) => places[i]!);
      for (const [path, before] of Object.entries(FILES)) {
        const wanted = edits.filter((edit) => edit.path === path).reduce((now, { name }) => guard(name)(now), before);
        assert.equal(files[path], wanted);
      }
    }),
    { numRuns: 12 },
  );
});

test('a fix that needs another one comes after it, whatever their names say', async () => {
  const first = change('drivers/a.c', guard('one'));
  const then = change('drivers/a.c', (text) => text.replace('gone_one)\n', 'gone_one || late)\n'), guard('one')(TEXT));
  const { steps, text } = await compose([part(1, fix('a', then)), part(2, fix('b', first))]);
  assert.deepEqual(
    steps.map(({ cves }) => cves.join()),
    ['CVE-2026-2', 'CVE-2026-1'],
  );
  assert.match(text, /^\+\tif \(gone_one \|\| late\)$/m);
});

test('two fixes of the same lines: both CVEs are named, each alone is fine', async () => {
  const edit = (to: string): string =>
    change('drivers/a.c', (text) => text.replace('\treturn finish_one(thing);', `\treturn ${to}(thing);`));
  const [one, two] = [part(1, fix('a', edit('first'))), part(2, fix('b', edit('second')))];
  const bystander = part(3, fix('0', change('drivers/a.c', guard('five'))));
  await assert.rejects(compose([one, bystander, two]), {
    code: 'patches-conflict',
    fault: 'patch',
    message: /^the fixes of CVE-2026-2 \(bbbbbbbbbbbb\) and CVE-2026-1 \(aaaaaaaaaaaa\) .* drivers\/a\.c$/,
  });
  assert.match((await compose([bystander, two])).text, /second\(thing\)/);
});

test('a commit of two CVEs is applied once; a change under two commits, too', async () => {
  const text = change('drivers/a.c', guard('one'));
  const both = await compose([part(1, fix('a', text)), part(2, fix('a', text))]);
  assert.deepEqual(
    both.steps.map(({ cves }) => cves),
    [['CVE-2026-1', 'CVE-2026-2']],
  );
  const twice = await compose([part(1, fix('a', text)), part(2, fix('b', text))]);
  assert.deepEqual(
    twice.steps.map(({ state }) => state),
    ['applied', 'in-others'],
  );
  assert.equal(twice.text, both.text);
});

test('what the source has already is left out, and all of it is an error', async () => {
  const files = { ...FILES, 'drivers/a.c': guard('one')(TEXT) };
  const there = part(1, fix('a', change('drivers/a.c', guard('one'))));
  const open = part(2, fix('b', change('drivers/b.c', guard('one'))));
  const { steps, paths } = await compose([there, open], files);
  assert.deepEqual([steps.map(({ state }) => state), paths], [['in-source', 'applied'], ['drivers/b.c']]);
  await assert.rejects(compose([there], files), { code: 'already-fixed' });
});

test('a path that this source has under another name is told with how it is known', async () => {
  const content = FILES['fs/smb/client/c.c']!;
  const text = renderDiff([diffOf('fs/cifs/c.c', content, guard('two')(content))!]);
  const byTable = await compose([part(1, fix('a', text))]);
  assert.deepEqual(byTable.paths, ['fs/smb/client/c.c']);
  assert.deepEqual(byTable.steps[0]?.moved, { 'fs/cifs/c.c': { to: 'fs/smb/client/c.c', how: 'table' } });
  const elsewhere = text.replaceAll('fs/cifs/', 'old/');
  const byContent = await compose([part(1, fix('a', elsewhere))]);
  assert.deepEqual(byContent.steps[0]?.moved, { 'old/c.c': { to: 'fs/smb/client/c.c', how: 'content' } });
  const told = { source: sourceOf(), toolchain, otherNames: () => Promise.resolve(['gone.c', 'fs/smb/client/c.c']) };
  const byHistory = await composePatch([part(1, fix('a', elsewhere))], told);
  assert.deepEqual(byHistory.steps[0]?.moved, { 'old/c.c': { to: 'fs/smb/client/c.c', how: 'history' } });
  await assert.rejects(compose([part(1, fix('a', text.replaceAll('share', 'nobody')))]), {
    code: 'patch-does-not-apply',
  });
});

test('fuzz is a last resort, and is told with its hunk', async () => {
  const text = change('drivers/a.c', guard('one')).replace(' \tif (ret_one)', ' \tif (unlikely(ret_one))');
  const { steps } = await compose([part(1, fix('a', text))]);
  assert.deepEqual(steps[0]?.fit, { how: 'fuzz', remarks: ['drivers/a.c: Hunk #1 succeeded at 6 with fuzz 1.'] });
});

test('files come and go, bytes stay bytes, and what is not UTF-8 is refused', async () => {
  const files = { 'a.c': 'int a;\n', 'b.c': `/* ${Buffer.from('Grüße').toString('latin1')} */\nint b;` };
  const text = '--- /dev/null\n+++ b/new.h\n@@ -0,0 +1 @@\n+int n;\n--- a/a.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int a;\n';
  const grow = '--- a/b.c\n+++ b/b.c\n@@ -1,2 +1,2 @@\n /* Grüße */\n-int b;\n\\ No newline at end of file\n+int bb;\n';
  const made = await compose([part(1, fix('a', text)), part(2, fix('b', grow))], files);
  assert.deepEqual(made.paths, ['a.c', 'b.c', 'new.h']);
  assert.deepEqual(
    parseDiff(made.text, 'x').map(({ kind }) => kind),
    ['removed', 'changed', 'added'],
  );
  assert.match(made.text, /^ \/\* Grüße \*\/\n-int b;\n\\ No newline at end of file\n\+int bb;$/m);
  const latin = { 'b.c': '/* Gr\u00fc\u00dfe */\nint b;\n' };
  const near = '--- a/b.c\n+++ b/b.c\n@@ -2 +2 @@\n-int b;\n+int bb;\n';
  await assert.rejects(compose([part(1, fix('a', near))], latin), { code: 'patch-unsupported' });
});

test('a file to add that is there already, and is another, is not written over', async () => {
  const added = '--- /dev/null\n+++ b/drivers/a.c\n@@ -0,0 +1 @@\n+int n;\n';
  await assert.rejects(compose([part(1, fix('a', added))]), {
    code: 'patch-does-not-apply',
    message: /drivers\/a\.c: the file to add is there already/,
  });
  assert.deepEqual((await compose([part(1, fix('a', added))], {})).paths, ['drivers/a.c']);
});

test('hidden files of a change do not reach GNU patch, and nothing is left behind', async () => {
  const before = (await readdir(tmpdir())).filter((name) => name.startsWith('tuxtape-apply-'));
  const outside = await mkdtemp(join(tmpdir(), 'tuxtape-test-out-'));
  const hidden = `*** ${outside}/x\t1970\n--- ${outside}/x\t1970\n***************\n*** 0 ****\n--- 1 ----\n+ owned\n`;
  const ed = `--- a/drivers/b.c\n+++ b/drivers/b.c\n0a\nowned\n.\n`;
  for (const trick of [hidden, ed]) {
    try {
      const { paths } = await compose([part(1, fix('a', `${change('drivers/a.c', guard('one'))}${trick}`))]);
      assert.deepEqual(paths, ['drivers/a.c']);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'patch-unreadable');
    }
  }
  assert.deepEqual(await readdir(outside), []);
  await run('rmdir', [outside]);
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith('tuxtape-apply-'));
  assert.ok(left.length <= before.length);
});
