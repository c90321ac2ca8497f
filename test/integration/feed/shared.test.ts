/** The whole real feed, where it is at hand. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, systemClock } from '#host';
import { syncFeed } from '#pipeline';
import { allCves, countCves, listQuarantine } from '#store';
import { rangesRung } from '#triage';
import { testStore } from '../../../testkit/database.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { shared } from '../../../testkit/shared.ts';

const feeds = shared === undefined ? '' : join(shared, 'feeds');
const skip = existsSync(feeds) ? false : '../shared is not there';

/**
 * How many CVEs the ranges say affect a version, counted independently of our code from the same records (bounds: the
 * account of the data allows one CVE either way, whose commit is no object name).
 */
const ORACLE = [
  ['6.12.95', 1_562, 1_563],
  ['6.1.170', 2_563, 2_563],
  ['6.1.176', 1_909, 1_909],
] as const;

test('both archives are read whole, and ranges say of three kernels what was counted by hand', { skip }, async () => {
  const home = await scratch();
  for (const name of ['linux-cve-announce.git.tar', 'vulns.git.tar'])
    await run('tar', ['xf', join(feeds, name), '-C', home]);
  const store = await testStore();
  const vulns = join(home, 'vulns.git');
  const summary = await syncFeed({ store, dataDirectory: join(home, 'data'), lore: home, vulns, clock: systemClock });
  assert.ok((summary.lore?.mails ?? 0) > 15_000);
  const counts = await countCves(store.db);
  assert.ok(counts.published > 14_000 && counts.rejected > 300, JSON.stringify(counts));
  assert.deepEqual(
    (await listQuarantine(store.db)).map(({ code }) => code),
    ['mail-not-an-announcement'],
  );

  const published = (await allCves(store.db)).filter(
    ({ record }) => record.state === 'published' && record.source === 'record',
  );
  for (const [version, least, most] of ORACLE) {
    const affected = published.filter(({ record }) => rangesRung(record, version).outcome === 'affected').length;
    assert.ok(affected >= least && affected <= most, `${affected} affect ${version}`);
  }
});
