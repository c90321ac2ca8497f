import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { initArchive, publishLivepatch, refreshArchive, showArchive, subscribeKernel } from '#archive';
import { systemClock } from '#host';
import { BUILD_ID, bundle, clockAt, newArchive, publishOne, RELEASE } from '../../../testkit/archive.ts';
import { scratch } from '../../../testkit/scratch.ts';

async function treeOf(directory: string): Promise<Map<string, string>> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const found = new Map<string, string>();
  for (const { parentPath, name } of files) {
    found.set(join(parentPath, name).slice(directory.length + 1), await readFile(join(parentPath, name), 'base64'));
  }
  return found;
}

test('releases of a kernel are numbered, and listed with what they fix', async () => {
  const place = await newArchive(await scratch());
  await subscribeKernel(place, BUILD_ID, RELEASE);
  assert.equal((await publishOne(place, 'tuxtape_one')).number, 1);
  assert.equal((await publishOne(place, 'tuxtape_two')).number, 2);
  const view = await showArchive(place.directory);
  assert.equal(view.bins, 64);
  assert.deepEqual(
    view.kernels[0]?.releases.map(({ number, moduleName, cves }) => [number, moduleName, cves]),
    [
      [1, 'tuxtape_one', ['CVE-2026-10001']],
      [2, 'tuxtape_two', ['CVE-2026-10001']],
    ],
  );
});

test('what is not proved is not published, and the archive stays as it was', async () => {
  const place = await newArchive(await scratch());
  const before = await treeOf(place.directory);
  const one = bundle('tuxtape_one');
  await assert.rejects(publishLivepatch(place, { ...one, gate: null }), { code: 'gate-missing' });
  await assert.rejects(publishLivepatch(place, { ...one, gate: { ...one.gate, passed: false } }), {
    code: 'gate-missing',
  });
  await assert.rejects(publishLivepatch(place, { ...one, module: Buffer.from('other') }), { code: 'gate-mismatch' });
  await assert.rejects(publishLivepatch(place, { ...one, patch: Buffer.from('other') }), { code: 'gate-mismatch' });
  const foreign = { ...one.gate, buildId: 'd'.repeat(40) };
  await assert.rejects(publishLivepatch(place, { ...one, gate: foreign }), { code: 'gate-mismatch' });
  assert.deepEqual(await treeOf(place.directory), before);
});

test('nothing that was published is ever rewritten, but for the timestamp', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  const before = await treeOf(place.directory);
  await publishOne(place, 'tuxtape_two');
  await refreshArchive(place);
  const after = await treeOf(place.directory);
  const changed = [...before].filter(([path, content]) => after.get(path) !== content).map(([path]) => path);
  assert.deepEqual(changed, ['metadata/timestamp.json']);
});

test('keys of another archive, no keys and no archive are each refused', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  const other = await newArchive(join(home, 'other'));
  const before = await treeOf(place.directory);
  await assert.rejects(publishLivepatch({ ...place, keys: other.keys }, bundle('x')), { code: 'key-mismatch' });
  await assert.rejects(publishLivepatch({ ...place, keys: join(home, 'none') }, bundle('x')), { code: 'key-missing' });
  assert.deepEqual(await treeOf(place.directory), before);
  const nowhere = join(home, 'nowhere');
  await mkdir(nowhere);
  await assert.rejects(publishLivepatch({ ...place, directory: nowhere }, bundle('x')), { code: 'archive-missing' });
  await assert.rejects(initArchive({ ...place, clock: systemClock }), { code: 'archive-exists' });
});

test('keys can be read by their owner only', async () => {
  const place = await newArchive(await scratch());
  for (const name of await readdir(place.keys)) {
    if (name.endsWith('.pub')) continue;
    assert.equal((await stat(join(place.keys, name))).mode & 0o777, 0o600, name);
  }
  assert.ok(
    ![...(await treeOf(place.directory)).values()].some((text) => Buffer.from(text, 'base64').includes('PRIVATE KEY')),
  );
});

test('a damaged metadata file is said, and not built upon', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  await cp(place.directory, join(home, 'copy'), { recursive: true });
  await writeFile(join(place.directory, 'metadata/1.snapshot.json'), '{');
  await assert.rejects(publishLivepatch(place, bundle('x')), { code: 'archive-broken' });
});

test('a machine whose clock went back publishes nothing: hosts would refuse it all', async () => {
  const home = await scratch();
  const place = await newArchive(home);
  const before = await treeOf(place.directory);
  const late = { ...place, clock: clockAt(-86_400_000) };
  await assert.rejects(publishOne(late, 'tuxtape_one'), { code: 'clock-behind' });
  await assert.rejects(refreshArchive(late), { code: 'clock-behind' });
  assert.deepEqual(await treeOf(place.directory), before);
  await publishOne({ ...place, clock: clockAt(-60_000) }, 'tuxtape_one');
});

test('an index stays short enough for hosts, whatever each release lists, and numbers go on', async () => {
  const place = await newArchive(await scratch(), systemClock, 2);
  const long = (name: string): Parameters<typeof publishLivepatch>[1] => {
    const one = bundle(name);
    const functions = Array.from({ length: 9_000 }, (_, at) => ({ object: 'vmlinux', name: `function_${at}` }));
    return { ...one, recipe: { ...one.recipe, functions } };
  };
  for (let number = 1; number <= 4; number += 1)
    assert.equal((await publishLivepatch(place, long(`tuxtape_${number}`))).number, number);
  const [index] = (await showArchive(place.directory)).kernels;
  assert.deepEqual([index?.releases.map(({ number }) => number), index?.newest], [[3, 4], 4]);
  const before = await treeOf(place.directory);
  const endless = long('tuxtape_5');
  const name = 'f'.repeat(4_000);
  const functions = Array.from({ length: 2_000 }, () => ({ object: 'vmlinux', name }));
  const recipe = { ...endless.recipe, functions };
  await assert.rejects(publishLivepatch(place, { ...endless, recipe }), { code: 'terms-invalid' });
  assert.deepEqual(await treeOf(place.directory), before);
});

test('a publication signs only the bins it touches', async () => {
  const place = await newArchive(await scratch());
  await publishOne(place, 'tuxtape_one');
  const names = await readdir(join(place.directory, 'metadata'));
  const signed = names.filter((name) => name.startsWith('2.modules'));
  const { targets } = await showArchive(place.directory);
  assert.ok(signed.length > 0 && signed.length <= targets, `${signed.length} bins for ${targets} files`);
  assert.ok(!names.some((name) => /^2\.(?:modules|targets|rollout|root)\.json$/.test(name)));
});
