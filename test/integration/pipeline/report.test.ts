/** The report's pictures and tables say the same, and what the store holds. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeReport } from '#pipeline';
import { searchCves, upsertCves } from '#store';
import { testStore } from '../../../testkit/database.ts';
import { cve, feedOf, sync } from '../../../testkit/feed.ts';
import { HOSTILE } from '../../../testkit/sample-server.ts';
import { scratch } from '../../../testkit/scratch.ts';

const VECTOR = 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H';

test('every figure is an SVG without scripts, with its table beside it', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001, { cvss: VECTOR }), cve(10_002), cve(10_003, { state: 'rejected' })]));
  const folder = join(await scratch(), 'report');
  await writeReport(store.db, folder);
  const names = (await readdir(folder)).sort();
  assert.deepEqual(
    names,
    ['classes', 'cves-per-month', 'reach', 'scored-share'].flatMap((name) => [`${name}.csv`, `${name}.svg`]),
  );
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  for (const name of names.filter((one) => one.endsWith('.svg'))) {
    const svg = await text(name);
    assert.match(svg, /^<svg [^>]*aria-label="/);
    assert.doesNotMatch(svg, /<script|NaN|undefined/);
  }
  const [head, ...months] = (await text('cves-per-month.csv')).trim().split('\r\n');
  assert.equal(head, 'month,critical,high,lower,not_scored,rejected');
  const sum = (column: number) => months.reduce((total, line) => total + Number(line.split(',')[column]), 0);
  assert.deepEqual([1, 2, 3, 4].map(sum), [0, 1, 0, 1]);
  assert.match(await text('scored-share.csv'), /,50\r\n$/);
  assert.match(await text('classes.csv'), /^class,cves\r\nexploited,0\r\npublic-exploit,0\r\nopen,2\r\n/);
});

test('a report of nothing is drawn, and empty', async () => {
  const folder = await scratch();
  await writeReport((await testStore()).db, folder);
  assert.equal(
    await readFile(join(folder, 'cves-per-month.csv'), 'utf8'),
    'month,critical,high,lower,not_scored,rejected\r\n',
  );
});

test('a CVE that waits for its rank stands at the end of the list, and is not left out', async () => {
  const store = await testStore();
  await sync(store, await feedOf([cve(10_001), cve(10_002)]));
  await upsertCves(store.db, [{ record: HOSTILE, score: null, oid: 'x' }]);
  const ids = async (limit: number) =>
    (await searchCves(store.db, { sort: 'priority', limit })).map(({ id, class: standing }) => [id.slice(9), standing]);
  assert.deepEqual((await ids(0)).at(-1), ['66666', null]);
  assert.equal((await ids(0)).length, 3);
  assert.equal((await ids(3)).length, 3);
  assert.equal((await ids(2)).length, 2);
  const found = await searchCves(store.db, { sort: 'priority', limit: 5, file: 'net/core/dev.c' });
  assert.deepEqual(
    found.map(({ id }) => id),
    [HOSTILE.id],
  );
});
