/**
 * Verdicts of every CVE for one kernel and for 200, one new CVE for 200, and what storing them takes: computed in one
 * process from records that were read. Baseline: match every path of every record against one kernel's file list.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CveRecord } from '#domain';
import { run, systemClock } from '#host';
import { addBundledKernel, profileOf, syncFeed } from '#pipeline';
import { allCves, openStore, storeVerdicts } from '#store';
import { decide, type TriagedKernel } from '#triage';
import { shared } from '../testkit/shared.ts';
import { machine, withFolder } from './measure.ts';

const RUNS = 5;
const KERNELS = 200;

const feeds = shared === undefined ? '' : join(shared, 'feeds');
if (!existsSync(feeds)) console.log('skipped: ../shared is not there');
else await withFolder(bench);

async function bench(home: string): Promise<void> {
  console.log(`verdicts, ${machine()}`);
  await run('tar', ['xf', join(feeds, 'vulns.git.tar'), '-C', home]);
  const store = await openStore({ dataDirectory: join(home, 'data'), databaseUrl: null });
  await syncFeed({
    store,
    dataDirectory: join(home, 'data'),
    lore: null,
    vulns: join(home, 'vulns.git'),
    clock: systemClock,
  });
  const row = await addBundledKernel(store);
  const profile = await profileOf(store.db, row);
  const kernel: TriagedKernel = { version: row.version, arch: row.arch, profile };
  const fleet = Array.from({ length: KERNELS }, (_, i) => ({ ...kernel, version: `6.1.${i + 1}` }));
  const records = (await allCves(store.db)).map(({ record }) => record);
  const naive = timed(() => records.filter(({ files }) => files.some((path) => profile!.files.has(path))).length);
  console.log(`baseline, each path of ${records.length} records looked up: ${naive} ms`);
  const one = timed(() => records.map((record) => decide(record, kernel)).length);
  console.log(`verdicts for 1 kernel: ${one} ms`);
  console.log(`verdicts for ${KERNELS} kernels: ${timed(() => all(records, fleet), 1)} ms`);
  console.log(`one new CVE for ${KERNELS} kernels: ${timed(() => all(records.slice(0, 1).map(fresh), fleet))} ms`);
  const verdicts = records.map((record) => ({ ...decide(record, kernel), input: record.id }));
  for (const what of ['stored the first time', 'stored again, nothing changed']) {
    const started = performance.now();
    await storeVerdicts(store.db, row.id, verdicts, systemClock.now());
    console.log(`${what}: ${(performance.now() - started).toFixed(0)} ms`);
  }
  await store.close();
}

/** A record nobody has looked at: its versions are not read yet. */
function fresh(record: CveRecord): CveRecord {
  return { ...record, ranges: [...record.ranges] };
}

function all(records: readonly CveRecord[], kernels: readonly TriagedKernel[]): number {
  let affected = 0;
  for (const kernel of kernels)
    for (const record of records) if (decide(record, kernel).status === 'affected') affected += 1;
  return affected;
}

/** Median in ms. */
function timed(work: () => unknown, runs = RUNS): string {
  const times = Array.from({ length: runs }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)]!.toFixed(1);
}
