/** Patches in versions: what a person edited is never lost, and what is built is the newest. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { run, systemClock } from '#host';
import { LivepatchError } from '#livepatch';
import { type FixSource, writeForEdit } from '#patch';
import {
  addKernelFromSource,
  type EditPatchOptions,
  editPatch,
  type OpenedPatch,
  openFixSource,
  openPatch,
  patchDiff,
  patchHistory,
  triageKernel,
  workUntilEnded,
} from '#pipeline';
import { auditOf, type KernelRow, listPatches, needKernel, removeKernel } from '#store';
import { composeOptions, fetchParts } from '../../../src/pipeline/change.ts';
import { changeFor } from '../../../src/pipeline/livepatch-change.ts';
import { withNeeds } from '../../../src/pipeline/needs.ts';
import { patchPlace } from '../../../src/pipeline/patch-place.ts';
import { addTiny, ask, type BuildPlace, buildPlace, environmentOf } from '../../../testkit/builds.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { COMMIT, cve, feedOf, sync } from '../../../testkit/feed.ts';
import { SAMPLE_C, SAMPLE_FIX, tinyKernel } from '../../../testkit/tiny-kernel.ts';

const CVE = 'CVE-2026-10001';
const OTHER = 'CVE-2026-10002';
const OTHER_COMMIT = 'fedcba9876543210fedcba9876543210fedcba98';
const OTHER_FIX = '--- a/kernel/sample.h\n+++ b/kernel/sample.h\n@@ -1 +1,2 @@\n #define ANSWER 42\n+#define OTHER 1\n';
const KEY = { cves: [CVE] } as const;

interface Setting {
  readonly place: BuildPlace;
  readonly kernel: KernelRow;
  readonly fixes: string;
  readonly source: () => Promise<FixSource>;
  readonly open: (more?: { kernel?: string; by?: string }) => Promise<OpenedPatch>;
  readonly edit: (base: string | null, edit: EditPatchOptions['edit'], by?: string) => ReturnType<typeof editPatch>;
}

async function setting(): Promise<Setting> {
  const place = await buildPlace();
  const { store, home } = place;
  const files = ['kernel/sample.c'];
  const dyad = [`5.4:${COMMIT}:6.1.172:${OTHER_COMMIT}`];
  await sync(store, await feedOf([cve(10_001, { files }), cve(10_002, { files, dyad })]));
  const { id } = await addTiny(place);
  await build(place, 'plain');
  const fixes = join(home, 'fixes');
  await mkdir(fixes);
  await writeFile(join(fixes, `${COMMIT}.patch`), SAMPLE_FIX);
  await writeFile(join(fixes, `${OTHER_COMMIT}.patch`), OTHER_FIX);
  const kernel = await needKernel(store.db, id);
  await triageKernel({ store, kernel, clock: systemClock });
  const common = { store, clock: systemClock, key: KEY };
  const source = (): Promise<FixSource> => openFixSource(fixes, { dataDirectory: home, clock: systemClock });
  return {
    ...{ place, kernel, fixes, source },
    open: async ({ kernel: name = 'plain', by = 'ann' } = {}) =>
      openPatch({ ...common, kernel: name, from: { fixes: source, with: [] }, by }),
    edit: (base, edit, by = 'ben') => editPatch({ ...common, kernel: 'plain', base, edit, by, note: `by ${by}` }),
  };
}

async function build(place: BuildPlace, name: string): Promise<void> {
  const { id } = await ask(place, name);
  const { state } = await workUntilEnded({ ...place, signal: new AbortController().signal }, id, () => {});
  assert.equal(state, 'done');
}

const text = (to: string): EditPatchOptions['edit'] => ({
  text: SAMPLE_FIX.replace('ANSWER + 1', to),
  where: 'x',
});

test('a patch is opened once; edits follow each other, and one from an older version is refused with both hashes', async () => {
  const { place, kernel, open, edit, fixes } = await setting();
  const { store } = place;
  const first = await open();
  assert.deepEqual([first.isNew, first.version?.number, first.upstream], [true, 1, 'same']);
  assert.ok(first.version !== null);
  assert.deepEqual(first.version.origin, {
    kind: 'fixes',
    commits: [{ commit: COMMIT, version: '6.1.171', cves: [CVE], where: `${fixes} ${COMMIT}`, how: 'offset' }],
  });
  assert.equal((await open()).isNew, false);
  const one = first.version.sha256;
  const second = await edit(one.slice(0, 12), text('ANSWER + 2'));
  assert.deepEqual([second.version.number, second.version.base, second.version.author], [2, one, 'ben']);
  const two = second.version.sha256;
  const late = edit(one, text('ANSWER + 3'), 'cid');
  await assert.rejects(late, { code: 'edit-outdated', fault: 'input', message: new RegExp(`${one}.*${two}`) });
  await assert.rejects(edit(null, text('ANSWER + 3')), { code: 'edit-outdated' });
  assert.equal((await edit(two, text('ANSWER + 2'))).isNew, false);
  assert.deepEqual(
    (await open()).version,
    (await patchHistory(store, 'plain', KEY)).versions[1],
    'opening keeps the edit',
  );
  await writeFile(join(fixes, `${COMMIT}.patch`), SAMPLE_FIX.replace('ANSWER + 1', 'ANSWER + 9'));
  const again = await open();
  assert.deepEqual([again.isNew, again.upstream, again.version?.sha256], [false, 'changed', two]);
  const { text: changed } = await patchDiff(store, 'plain', KEY, {});
  assert.match(changed, /^-\+\treturn ANSWER \+ 1;\n\+\+\treturn ANSWER \+ 2;$/m);
  await assert.rejects(patchDiff(store, 'plain', KEY, { from: 7 }), { code: 'patch-version-unknown' });
  const audit = await auditOf(store.db, first.patch.id);
  assert.deepEqual(
    audit.map(({ actor, action }) => `${actor} ${action}`),
    ['ann patch.version', 'ben patch.version'],
  );
  await assert.rejects(sql`UPDATE patch_version SET text = ''`.execute(store.db), /never changed/);
  await removeKernel(store.db, kernel.id, { withLivepatches: false, by: 'x', at: new Date() });
  assert.deepEqual(await listPatches(store.db), []);
});

test('two edits at once: one is stored, the other is told', async () => {
  const { open, edit, place } = await setting();
  const { version } = await open();
  const tries = await Promise.allSettled(
    [1, 2, 3, 4].map((n) => edit(version!.sha256, text(`ANSWER + 1${n}`), `p${n}`)),
  );
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const one of tries)
    if (one.status === 'rejected') assert.equal((one.reason as { code?: string }).code, 'edit-outdated');
  assert.equal((await patchHistory(place.store, 'plain', KEY)).versions.length, 2);
});

test('an edit that is none is refused, and nothing is stored', async () => {
  const { open, edit, place } = await setting();
  const { sha256 } = (await open()).version!;
  const bad: readonly (readonly [string, string])[] = [
    ['not a diff', 'patch-unreadable'],
    [SAMPLE_FIX.replaceAll('kernel/sample.c', '../sample.c'), 'patch-leaves-tree'],
    [SAMPLE_FIX.replace('return ANSWER;', 'return 7;'), 'patch-does-not-apply'],
    [SAMPLE_FIX.replace('+\treturn ANSWER + 1;', '+<<<<<<< this kernel'), 'edit-unfinished'],
    ['--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-VERSION = 6\n+VERSION = 7\n', 'patch-touches-build'],
  ];
  for (const [edited, code] of bad) await assert.rejects(edit(sha256, { text: edited, where: 'x' }), { code }, edited);
  assert.equal((await patchHistory(place.store, 'plain', KEY)).versions.length, 1);
});

test('a change that does not fit is joined by hand in a folder, and then built', async () => {
  const { open, edit, place, fixes, source } = await setting();
  const { home } = place;
  const strange = SAMPLE_FIX.replace('-\treturn ANSWER;', '-\treturn QUESTION;');
  await writeFile(join(fixes, `${COMMIT}.patch`), strange);
  const opened = await open();
  assert.deepEqual([opened.version, opened.isNew, opened.upstream], [null, false, 'conflict']);
  const folder = join(home, 'work');
  assert.deepEqual(await writeForEdit(folder, opened.composed!.files), ['kernel/sample.c']);
  await assert.rejects(writeForEdit(folder, opened.composed!.files), { code: 'edit-unfinished' });
  await assert.rejects(edit(null, { folder }), { code: 'edit-unfinished', where: /kernel\/sample\.c:\d+$/ });
  const target = await patchPlace(place.store, 'plain', null);
  await assert.rejects(changeFor(target, { ...KEY, fixes: source }), { code: 'edit-unfinished' });
  await writeFile(join(folder, 'kernel/sample.c'), SAMPLE_C.replace('return ANSWER;', 'return ANSWER + 4;'));
  await writeFile(join(folder, 'kernel/sample.c~'), 'left by an editor');
  await assert.rejects(edit(null, { folder }), { code: 'patch-leaves-tree' });
  await rm(join(folder, 'kernel/sample.c~'));
  const { version } = await edit(null, { folder });
  assert.deepEqual([version.number, version.base], [1, null]);
  const change = await changeFor(target, { ...KEY, fixes: () => Promise.reject(new TypeError('asked')) });
  assert.equal(change.text, version.text);
  assert.deepEqual([change.cves, change.commits, change.version?.number], [[CVE], [COMMIT], 1]);
  await rm(join(folder, 'kernel/sample.c'));
  await assert.rejects(edit(version.sha256, { folder }), {
    code: 'edit-unfinished',
    message: /lacks kernel\/sample\.c/,
  });
  await assert.rejects(changeFor(target, { ...KEY, fixes: source, with: [COMMIT] }), { code: 'patch-opened' });
});

test('several CVEs: what a person made of one of them is taken, the others are fetched', async () => {
  const { open, edit, place, source } = await setting();
  const target = await patchPlace(place.store, 'plain', null);
  const cves = [OTHER, CVE] as const;
  const plain = await changeFor(target, { cves, fixes: source });
  assert.deepEqual(
    [plain.cves, plain.commits],
    [
      [CVE, OTHER],
      [COMMIT, OTHER_COMMIT],
    ],
  );
  assert.deepEqual(
    plain.taken.map(({ cve: id, version }) => `${id} ${version}`),
    [`${CVE} 6.1.171`, `${OTHER} 6.1.172`],
  );
  const { version } = await open();
  await edit(version!.sha256, text('ANSWER + 7'));
  const edited = await changeFor(target, { cves, fixes: source });
  assert.match(edited.text, /ANSWER \+ 7[\s\S]*\+#define OTHER 1/);
  assert.deepEqual(
    edited.steps.map(({ cves: of, where }) => `${of.join()} ${where}`),
    [`${OTHER} ${(await source()).address} ${OTHER_COMMIT}`, `${CVE} version 2 of patch ${CVE}`],
  );
  assert.deepEqual(
    [...edited.commits].toSorted((a, b) => (a < b ? -1 : 1)),
    [COMMIT, OTHER_COMMIT],
  );
  const same = await changeFor(target, { cves: cves.toReversed(), fixes: source });
  assert.equal(same.text, edited.text);
});

test('a fix that stands on that of another CVE says which, and with it is built', async () => {
  const { place, fixes, source } = await setting();
  const target = await patchPlace(place.store, 'plain', null);
  const stands = SAMPLE_FIX.replace('-\treturn ANSWER;', '-\treturn ANSWER + 1;').replace(
    '+\treturn ANSWER + 1;',
    '+\treturn 7;',
  );
  await writeFile(join(fixes, `${OTHER_COMMIT}.patch`), stands);
  await assert.rejects(changeFor(target, { cves: [OTHER], fixes: source }), {
    code: 'patch-does-not-apply',
    fault: 'patch',
    message: new RegExp(
      `CVE-2026-10002.*lacks an earlier change.*${COMMIT.slice(0, 12)} \\(${CVE}\\): it changes the same place`,
    ),
    remedy: `look at it, and add what is needed: --cve ${CVE}`,
  });
  const both = await changeFor(target, { cves: [OTHER, CVE], fixes: source });
  assert.match(both.text, /^-\treturn ANSWER;\n\+\treturn 7;$/m);
  const withIt = await changeFor(target, { cves: [OTHER], fixes: source, with: [COMMIT] });
  assert.deepEqual([withIt.text, withIt.cves, withIt.commits], [both.text, [OTHER], [COMMIT, OTHER_COMMIT]]);
});

test('what a compiler misses is looked for in the fix that it complains of', async () => {
  const { place, source } = await setting();
  const target = await patchPlace(place.store, 'plain', null);
  const fixes = await source();
  const { parts } = await fetchParts(target, [CVE], () => Promise.resolve(fixes));
  const subject = { ...target, fixes, parts, options: composeOptions(target) };
  const failed = (name: string): LivepatchError =>
    new LivepatchError('compile-failed', 'patch', {
      what: `kernel/sample.o does not compile: kernel/sample.c:9:9: error: ‘${name}’ undeclared`,
      where: 'log',
    });
  const found = await withNeeds(failed('OTHER'), subject);
  assert.ok(found instanceof LivepatchError);
  assert.match(
    found.message,
    new RegExp(`${OTHER_COMMIT.slice(0, 12)} \\(${OTHER}\\): it brings OTHER in kernel/sample\\.h$`),
  );
  assert.deepEqual(
    [found.code, found.where, found.remedy],
    ['compile-failed', 'log', `look at it, and add what is needed: --cve ${OTHER}`],
  );
  const unknown = await withNeeds(failed('NOBODY'), subject);
  assert.match(
    (unknown as Error).message,
    /lacks an earlier change that brings NOBODY, and none of the fixes of this source brings it$/,
  );
  const other = new LivepatchError('section-changed', 'patch', { what: 'x' });
  assert.equal(await withNeeds(other, subject), other);
});

test('kernels whose change is the same share one review', async () => {
  const { place, open, edit } = await setting();
  const { store, home } = place;
  // Another kernel: other lines above the change, and another answer, so that its build-id is its own.
  const given = await tinyKernel(join(home, 'other'));
  await writeFile(join(given.source, 'kernel/sample.c'), `/* more */\n/* lines */\n${SAMPLE_C}`);
  await writeFile(join(given.source, 'kernel/sample.h'), '#define ANSWER 41\n');
  const trees = join(home, 'trees');
  const { kernel } = await addKernelFromSource({
    store,
    trees,
    name: 'other',
    chroot: null,
    acceptChanges: false,
    ...given,
  });
  await build(place, 'other');
  await triageKernel({ store, kernel: await needKernel(store.db, kernel.id), clock: systemClock });
  const [one, two] = [await open(), await open({ kernel: 'other' })];
  assert.equal(one.version?.reviewKey, two.version?.reviewKey);
  const shared = async (name: string): Promise<string[]> =>
    (await patchHistory(store, name, KEY)).shared.map((each) => `${each.kernel} ${each.number}`);
  assert.deepEqual(await shared('plain'), ['other 1']);
  await edit(one.version!.sha256, text('ANSWER + 2'));
  assert.deepEqual([await shared('plain'), await shared('other')], [[], []]);
});

test('the commands: open, edit from the standard input and from a folder, history, diff and show, inert on a terminal', async () => {
  const { place, fixes } = await setting();
  const env = environmentOf(place);
  const on = ['--kernel', 'plain', '--cve', CVE];
  const cli = (...args: string[]): ReturnType<typeof tuxtape> => tuxtape(['patch', ...args], env);
  const work = join(place.home, 'work');
  const opened = await cli('open', ...on, '--fixes', fixes, '--into', work, '--by', 'ann');
  assert.equal(opened.exitCode, 0, opened.stderr);
  assert.match(
    opened.stdout,
    /version {3}1, new, by ann: opened\n[\s\S]*own branch, 6\.1\n[\s\S]*written {3}.*kernel\/sample\.c/,
  );
  const hash = /hash {6}(\w{64})/.exec(opened.stdout)?.[1] ?? '';
  await writeFile(join(work, 'kernel/sample.c'), SAMPLE_C.replace('return ANSWER;', 'return ANSWER; /* \u001b[2J */'));
  const base = ['--base', hash.slice(0, 12), '--note', 'a\u001b[31m note'];
  const edited = await cli('edit', ...on, '--tree', work, ...base);
  assert.equal(edited.exitCode, 0, edited.stderr);
  const stale = await cli('edit', ...on, '--tree', work, ...base);
  assert.deepEqual([stale.exitCode, /edit-outdated/.test(stale.stderr)], [65, true]);
  for (const args of [['show'], ['history'], ['diff']]) {
    const { exitCode, stdout } = await cli(...args, ...on);
    assert.equal(exitCode, 0);
    assert.ok(!stdout.includes('\u001b'), args.join());
  }
  const output = join(place.home, 'exact.patch');
  await cli('show', ...on, '--output', output);
  assert.ok((await readFile(output, 'utf8')).includes('\u001b[2J'));
  const piped = await run(
    join(import.meta.dirname, '../../../bin/tuxtape'),
    ['--json', 'patch', 'edit', ...on, '--file', '-', '--note', 'n', '--base', (await newest(place)).slice(0, 12)],
    {
      env: { ...(process.env as Record<string, string>), ...env },
      input: SAMPLE_FIX,
    },
  );
  assert.equal((JSON.parse(piped.stdout) as { version: { number: number } }).version.number, 3);
  const none = await cli('edit', ...on, '--note', 'n');
  assert.equal(none.exitCode, 64);
  assert.deepEqual(
    (await readdir(place.home)).filter((name) => name.startsWith('tuxtape-edit')),
    [],
  );
});

async function newest({ store }: BuildPlace): Promise<string> {
  return (await patchHistory(store, 'plain', KEY)).versions.at(-1)!.sha256;
}
