/** A tree that somebody made again is another kernel: nothing of it is taken for the one that was built. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, systemClock } from '#host';
import { treeLayout } from '#kernel';
import type { FixSource } from '#patch';
import { buildLivepatch, openFixSource, profileAgain, proveKernel, triageKernel, workUntilEnded } from '#pipeline';
import { getVerdict, type KernelRow, listLivepatches, loadProfile, needKernel, proofsOf } from '#store';
import { whileSameBuild } from '../../../src/pipeline/same-build.ts';
import { addTiny, ask, type BuildPlace, buildPlace } from '../../../testkit/builds.ts';
import { COMMIT, cve, feedOf, sync } from '../../../testkit/feed.ts';
import { SAMPLE_FIX } from '../../../testkit/tiny-kernel.ts';

const CVE = 'CVE-2026-10001';

interface Setting {
  readonly place: BuildPlace;
  readonly kernel: KernelRow;
  readonly build: string;
  readonly fixes: FixSource;
}

/** A tiny kernel, built and decided, and a fix for it. */
async function setting(): Promise<Setting> {
  const place = await buildPlace();
  const { store } = place;
  await sync(store, await feedOf([cve(10_001, { files: ['kernel/sample.c'] })]));
  const { id, treeDirectory } = await addTiny(place);
  assert.equal((await rebuild(place)).state, 'done');
  const folder = join(place.home, 'fixes');
  await mkdir(folder);
  await writeFile(join(folder, `${COMMIT}.patch`), SAMPLE_FIX);
  const fixes = await openFixSource(folder, { dataDirectory: place.home, clock: systemClock });
  const kernel = await needKernel(store.db, id);
  await triageKernel({ store, kernel, clock: systemClock });
  return { place, kernel, build: treeLayout(treeDirectory).build, fixes };
}

async function rebuild(place: BuildPlace): ReturnType<typeof workUntilEnded> {
  const { id } = await ask(place, 'plain');
  return workUntilEnded({ ...place, signal: new AbortController().signal }, id, () => {});
}

/** As somebody who works in the tree would, with one more source; its vmlinux has another build-id. */
async function makeAgain(build: string): Promise<void> {
  await writeFile(join(build, 'kernel/sample.h'), '#define ANSWER 43\n');
  await writeFile(join(build, 'kernel/other.c'), 'int other;\n');
  const command = await readFile(join(build, 'kernel/.sample.o.cmd'), 'utf8');
  await run('make', ['-s', 'clean', 'vmlinux'], { cwd: build });
  await writeFile(join(build, 'kernel/.other.o.cmd'), command.replaceAll('sample', 'other'));
}

function prove({ place, kernel, fixes }: Setting): ReturnType<typeof proveKernel> {
  const { store, clock } = place;
  return proveKernel({ store, kernel, fixes, cves: [CVE], jobs: 1, maxObjects: 9, clock, onProgress: () => {} });
}

function livepatch({ place, kernel, fixes }: Setting): ReturnType<typeof buildLivepatch> {
  const { store, clock, home } = place;
  const input = { cves: [CVE], fixes: () => Promise.resolve(fixes) } as const;
  const own = { dataDirectory: join(home, 'data'), jobs: 1, onOutput: () => {} };
  return buildLivepatch({ store, clock, kernel: kernel.name, input, by: 'me', ...own });
}

/** All that a command could have changed. */
async function state({ place, kernel, build }: Setting): Promise<unknown> {
  const { db } = place.store;
  return {
    kernel: await needKernel(db, kernel.id),
    profile: Buffer.from((await loadProfile(db, kernel.id)) ?? []).toString('base64'),
    proofs: [...(await proofsOf(db, kernel.id))],
    verdict: await getVerdict(db, kernel.id, CVE),
    livepatches: await listLivepatches(db),
    files: (await readdir(build, { recursive: true })).toSorted(),
    data: await readdir(join(place.home, 'data/livepatches')).catch(() => []),
  };
}

const COMMANDS = {
  'kernel profile': ({ place, kernel }: Setting) => profileAgain(place.store, kernel.name),
  'triage prove': prove,
  'livepatch build': livepatch,
} as const;

test('while the tree is the build that the kernel names, it is read', async () => {
  const given = await setting();
  const { profile } = await profileAgain(given.place.store, 'plain');
  assert.equal(profile.objects.length, 1);
  const [outcome] = await prove(given);
  assert.equal(outcome?.proof?.source.outcome, 'vulnerable');
  // The comment of a source is no other build.
  await appendFile(join(given.build, 'kernel/sample.c'), '/* ours */\n');
  await profileAgain(given.place.store, 'plain');
});

for (const [name, command] of Object.entries(COMMANDS)) {
  test(`${name} refuses a tree that was made again, and changes nothing`, async () => {
    const given = await setting();
    await prove(given);
    await makeAgain(given.build);
    const before = await state(given);
    await assert.rejects(command(given), { code: 'source-changed', fault: 'input', where: given.build });
    assert.deepEqual(await state(given), before);
  });
}

test('kernel build keeps what it built, but takes no profile from a tree that was made again', async () => {
  const given = await setting();
  await makeAgain(given.build);
  const before = await state(given);
  const again = await rebuild(given.place);
  assert.deepEqual([again.state, again.error?.code], ['failed', 'source-changed']);
  assert.deepEqual(await state(given), before);
});

test('a tree whose vmlinux is torn says so; one that lost it is no build any more', async () => {
  const given = await setting();
  await writeFile(join(given.build, 'vmlinux'), 'torn');
  const before = await state(given);
  await assert.rejects(profileAgain(given.place.store, 'plain'), { code: 'build-id-missing' });
  assert.deepEqual(await state(given), before);
  await rm(join(given.build, 'vmlinux'));
  const without = await state(given);
  for (const command of Object.values(COMMANDS))
    await assert.rejects(command(given), { code: 'source-changed', where: given.build });
  assert.equal((await rebuild(given.place)).error?.code, 'source-changed');
  assert.deepEqual(await state(given), without);
});

test('a tree that is made again while it is read gives nothing', async () => {
  const { kernel, build } = await setting();
  const read = (): Promise<void> => makeAgain(build);
  await assert.rejects(whileSameBuild(kernel, build, read), { code: 'source-changed', where: build });
});
