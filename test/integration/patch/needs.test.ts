/** What a fix lacks is named: by the history of a real repository, or among the fixes at hand. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Toolchain } from '#domain';
import { Git, run } from '#host';
import {
  type ComposeOptions,
  type ComposePart,
  composePatch,
  type FixSource,
  findNeeds,
  type Need,
  openFixes,
  planSteps,
  StepError,
} from '#patch';
import { scratch } from '../../../testkit/scratch.ts';
import { shared } from '../../../testkit/shared.ts';

const toolchain: Toolchain = { kind: 'host', root: null, compiler: 'gcc', linker: null };
const HEADER = 'enum flags {\n	FIRST,\n};\n';
const SOURCE = `#include "thing.h"\n${Array.from({ length: 20 }, (_, i) => `int filler_${i};\n`).join('')}
int read(struct thing *thing)
{
	int ret;

	ret = prepare(thing);
	if (ret)
		return ret;
	return finish(thing);
}
`;
type Tree = Readonly<Record<string, string>>;
const BASE: Tree = { 'net/thing.h': HEADER, 'net/thing.c': SOURCE, 'net/other.c': 'int other;\n' };
const edit = (tree: Tree, path: string, from: string, to: string): Tree => ({
  ...tree,
  [path]: tree[path]!.replace(from, to),
});
const WITH_FLAG = edit(BASE, 'net/thing.h', '	FIRST,\n', '	FIRST,\n	SECOND,\n');
const ELSEWHERE = edit(WITH_FLAG, 'net/other.c', 'int other', 'long other');
const MOVED = edit(
  ELSEWHERE,
  'net/thing.c',
  '	ret = prepare(thing);\n	if (ret)\n		return ret;\n',
  '	ret = begin(thing);\n	if (ret < 0)\n		goto out;\n',
);
const FIXED = edit(
  edit(MOVED, 'net/thing.c', '		goto out;\n', '		goto out_unlock;\n'),
  'net/thing.c',
  '	return finish',
  '	mark(thing, SECOND);\n	return finish',
);
const HISTORY: readonly (readonly [string, Tree])[] = [
  ['thing: begin', BASE],
  ['thing: bring SECOND', WITH_FLAG],
  ['other: be long', ELSEWHERE],
  ['thing: begin() instead of prepare()', MOVED],
  ['thing: mark it', FIXED],
];

interface History {
  readonly git: string;
  readonly directory: string;
  readonly commits: readonly string[];
}

/** The trees as commits of a repository, tagged where the kernel stands, and as a directory of patches. */
async function historyOf(trees: readonly (readonly [string, Tree])[]): Promise<History> {
  const home = await scratch();
  const [git, directory] = [join(home, 'linux'), join(home, 'fixes')];
  await mkdir(git);
  await mkdir(directory);
  const who = { GIT_AUTHOR_NAME: 'T', GIT_AUTHOR_EMAIL: 't@x', GIT_COMMITTER_NAME: 'T', GIT_COMMITTER_EMAIL: 't@x' };
  const env = { ...Git.environment(), ...who };
  const ask = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', git, ...args], { env })).stdout.trim();
  await ask('init', '--quiet');
  const commits: string[] = [];
  for (const [subject, tree] of trees) {
    for (const [path, text] of Object.entries(tree)) {
      await mkdir(join(git, dirname(path)), { recursive: true });
      await writeFile(join(git, path), text, 'latin1');
    }
    await ask('add', '.');
    await ask('commit', '--quiet', '--message', subject);
    const commit = await ask('rev-parse', 'HEAD');
    if (commits.length === 0) await ask('tag', 'v6.1.170');
    else
      await writeFile(
        join(directory, `${commit}.patch`),
        await ask('diff-tree', '-p', '--no-commit-id', '-r', commit).then((text) => `${text}\n`),
      );
    commits.push(commit);
  }
  return { git, directory, commits };
}

function optionsOf(tree: Tree): ComposeOptions {
  return { source: { read: (path) => Promise.resolve(tree[path]), named: () => [] }, toolchain };
}

async function partOf(source: FixSource, commit: string): Promise<ComposePart> {
  const { text, date } = (await source.changeOf(commit))!;
  return { cve: 'CVE-2026-1', fixes: [{ commit, version: '6.1.175', branch: 'own-branch', date, text, where: 'x' }] };
}

const doors = { get: () => Promise.reject(new TypeError('asked')), sleep: () => Promise.resolve(), cache: '' };

async function whatHunksNeed(source: FixSource, commit: string, tree: Tree): Promise<readonly Need[]> {
  const options = optionsOf(tree);
  const error = await composePatch([await partOf(source, commit)], options).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof StepError, String(error));
  assert.equal(error.code, 'patch-does-not-apply');
  return findNeeds({ step: error.step, names: [], version: '6.1.170-3', fixes: source, options });
}

async function whatNamesNeed(
  source: FixSource,
  commit: string,
  tree: Tree,
  names: readonly string[],
): Promise<readonly Need[]> {
  const [step] = planSteps([await partOf(source, commit)]);
  return findNeeds({ step: step!, names, version: '6.1.170-3', fixes: source, options: optionsOf(tree) });
}

test('history names the commit that wrote the lines a fix stands on, and the one that brought a name', async () => {
  const { git, commits } = await historyOf(HISTORY);
  const source = await openFixes(git, doors);
  const [, flag, , moved, fix] = commits as [string, string, string, string, string];
  assert.deepEqual(await whatHunksNeed(source, fix, BASE), [
    {
      commit: moved,
      subject: HISTORY[3]![0],
      how: 'history',
      why: 'wrote lines that the fix stands on (net/thing.c:26)',
    },
  ]);
  assert.deepEqual(await whatNamesNeed(source, fix, BASE, ['SECOND']), [
    { commit: flag, subject: HISTORY[1]![0], how: 'history', why: 'brings SECOND in net/thing.h' },
  ]);
  assert.deepEqual(await whatNamesNeed(source, fix, WITH_FLAG, ['SECOND']), [], 'what the source has is no need');
  const [one, two] = [await partOf(source, fix), await partOf(source, moved)];
  const { files } = await composePatch([one, { ...two, cve: null }], optionsOf(BASE));
  assert.equal(files.get('net/thing.c')?.after, FIXED['net/thing.c']);
});

test('without a history it is looked for among the fixes: one with which the fix applies, one that brings the name', async () => {
  const { directory, commits } = await historyOf(HISTORY);
  const source = await openFixes(directory, doors);
  const [, flag, , moved, fix] = commits as [string, string, string, string, string];
  assert.deepEqual(await whatHunksNeed(source, fix, BASE), [
    { commit: moved, subject: null, how: 'given', why: 'changes the same place, and with it the fix applies' },
  ]);
  assert.deepEqual(await whatNamesNeed(source, fix, BASE, ['SECOND']), [
    { commit: flag, subject: null, how: 'given', why: 'brings SECOND in net/thing.h' },
  ]);
  assert.deepEqual(await whatNamesNeed(source, fix, BASE, ['finish', 'nobody']), []);
});

/** The two given fixes of 6.1.170 that do not compile alone, what the compiler misses, and where it comes from. */
const ALONE = [
  ['1490f82353bdabc09265a74e645b07f05cf4188e', 'PACKET_SOCK_RUNNING', 'net/packet/internal.h'],
  ['0ab048dbdb1daacf17d52e9252297eb6e1298e49', 'hid_report_raw_event', 'include/linux/hid.h'],
] as const;
const folder = shared === undefined ? '' : join(shared, 'fixes/6.1.170');

test('of the real fixes that miss a header, none of the others is said to bring it', {
  skip: existsSync(folder) ? false : '../shared is not there',
}, async () => {
  const source = await openFixes(folder, doors);
  for (const [commit, name] of ALONE) assert.deepEqual(await whatNamesNeed(source, commit, {}, [name]), []);
  // A header among the given fixes is found.
  const found = await whatNamesNeed(source, ALONE[0][0], {}, ['fwnode_init']);
  for (const { why } of found) assert.match(why, /brings fwnode_init in /);
  assert.match(await readFile(join(folder, `${ALONE[0][0]}.patch`), 'utf8'), /PACKET_SOCK_RUNNING/);
});
