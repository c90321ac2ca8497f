/** An archive carried to a site without a network: all of it or nothing, and only what the client of hosts believes. */
import assert from 'node:assert/strict';
import { cp, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportArchive, importArchive, refreshArchive, verifyArchive } from '#archive';
import { indexPath } from '#domain';
import { systemClock } from '#host';
import { BUILD_ID, clockAt, newArchive, type OneFolder, publishOne } from '../../../testkit/archive.ts';
import { rootOf, visit } from '../../../testkit/ceremony.ts';
import { scratch } from '../../../testkit/scratch.ts';

const DAY_MS = 86_400_000;

interface Sites {
  readonly home: string;
  readonly place: OneFolder;
  readonly root: Buffer;
  readonly file: string;
  readonly inner: { readonly directory: string; readonly clock: typeof systemClock };
}

async function sites(): Promise<Sites> {
  const home = await scratch();
  const place = await newArchive(home);
  await publishOne(place, 'tuxtape_one');
  const inner = { directory: join(home, 'inner'), clock: systemClock };
  return { home, place, root: await rootOf(place), file: join(home, 'archive.tuxtape'), inner };
}

async function tree(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path, await readFile(path, 'base64'));
  }
  return found;
}

async function served({ inner, root, home }: Sites): Promise<string> {
  const read = await visit(inner, root, join(home, 'host'), (archive) => archive.read(indexPath(BUILD_ID), 1 << 20));
  return String(read?.content);
}

test('an archive is taken over whole, then followed, and hosts at the other site see it', async () => {
  const all = await sites();
  const { place, file, inner, root } = all;
  await exportArchive(place, file);
  await assert.rejects(importArchive(inner, file, null), { code: 'archive-missing' });
  const first = await importArchive(inner, file, root);
  assert.deepEqual([first.releases, first.kernels], [1, 1]);
  assert.match(await served(all), /tuxtape_one/);
  assert.equal((await importArchive(inner, file, null)).added, 1, 'the same again changes nothing but the timestamp');
  await publishOne(place, 'tuxtape_two');
  await exportArchive(place, file);
  assert.ok((await importArchive(inner, file, null)).added > 1);
  assert.match(await served(all), /tuxtape_two/);
  await verifyArchive(inner.directory, systemClock);
  assert.ok(!(await readdir(inner.directory)).some((name) => name.startsWith('.import')));
});

test('a file that is cut off, flipped anywhere or added to changes nothing', async () => {
  const { place, file, inner, root } = await sites();
  await exportArchive(place, file);
  await importArchive(inner, file, root);
  await publishOne(place, 'tuxtape_two');
  await exportArchive(place, file);
  const bytes = await readFile(file);
  const before = await tree(inner.directory);
  const at = [0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999].map((share) => Math.floor(share * bytes.length));
  for (const position of at) {
    await writeFile(file, bytes.subarray(0, position));
    await assert.rejects(importArchive(inner, file, null), { code: 'transfer-unreadable' }, `cut at ${position}`);
    const flipped = Buffer.from(bytes);
    flipped[position]! ^= 1;
    await writeFile(file, flipped);
    await assert.rejects(importArchive(inner, file, null), Error, `flipped at ${position}`);
  }
  await writeFile(file, Buffer.concat([bytes, Buffer.from('x')]));
  await assert.rejects(importArchive(inner, file, null), { code: 'transfer-unreadable' });
  assert.deepEqual(await tree(inner.directory), before);
  await writeFile(file, bytes);
  await importArchive(inner, file, null);
});

test('an older archive, an expired one and one of strangers are refused, and what is here stays', async () => {
  const all = await sites();
  const { home, place, file, inner, root } = all;
  const old = join(home, 'old.tuxtape');
  await exportArchive(place, old);
  await publishOne(place, 'tuxtape_two');
  await exportArchive(place, file);
  await importArchive(inner, file, root);
  const before = await tree(inner.directory);
  await assert.rejects(importArchive(inner, old, null), { code: 'metadata-rollback' });
  await assert.rejects(importArchive({ ...inner, clock: clockAt(9 * DAY_MS) }, file, null), {
    code: 'metadata-expired',
  });
  const other = await newArchive(join(home, 'other'));
  await publishOne(other, 'tuxtape_evil');
  const stranger = join(home, 'stranger.tuxtape');
  await exportArchive(other, stranger);
  await assert.rejects(importArchive(inner, stranger, null), { code: 'metadata-unsigned' });
  await assert.rejects(importArchive(inner, join(home, 'none'), null), { code: 'transfer-unreadable' });
  assert.deepEqual(await tree(inner.directory), before);
});

test('a site whose archive has expired long ago takes a fresh one', async () => {
  const all = await sites();
  const { place, file, inner, root } = all;
  await exportArchive(place, file);
  await importArchive(inner, file, root);
  const clock = clockAt(20 * DAY_MS);
  await refreshArchive({ ...place, clock });
  await exportArchive({ ...place, clock }, file);
  await importArchive({ ...inner, clock }, file, null);
});

test('a name that is a path is refused, and so is a list that the archive has not signed', async () => {
  const { home, place, file, inner, root } = await sites();
  await exportArchive(place, file);
  const text = await readFile(file, 'latin1');
  for (const name of ['metadata/../../evil', '/etc/evil', 'targets/.hidden', '.lock', 'root.json']) {
    await writeFile(file, text.replace('"metadata/timestamp.json"', JSON.stringify(name)), 'latin1');
    await assert.rejects(importArchive(inner, file, root), { code: 'transfer-unreadable' }, name);
  }
  const copy = { ...place, directory: join(home, 'copy') };
  await cp(place.directory, copy.directory, { recursive: true });
  const handle = await open(file, 'w');
  await handle.writeFile(text.replace(/"sig":"[0-9a-f]{4}/, '"sig":"0000'), 'latin1');
  await handle.close();
  await assert.rejects(importArchive(inner, file, root), { code: 'transfer-untrusted' });
  assert.deepEqual(await tree(inner.directory), new Map());
});

test('a site that is left to itself for a month is given that month, and hosts here are not', async () => {
  const { place, file, inner, root, home } = await sites();
  await exportArchive(place, file, 30);
  const clock = clockAt(29 * DAY_MS);
  await importArchive({ ...inner, clock }, file, root);
  const later = visit({ ...inner, clock }, root, join(home, 'h'), (archive) =>
    archive.read(indexPath(BUILD_ID), 1 << 20),
  );
  assert.ok(await later);
  const here = visit({ ...place, clock: clockAt(2 * DAY_MS) }, root, join(home, 'i'), () => Promise.resolve());
  await assert.rejects(here, { code: 'metadata-expired' });
  for (const days of [0, 61, 1.5]) await assert.rejects(exportArchive(place, file, days), { code: 'terms-invalid' });
});
