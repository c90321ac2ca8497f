/**
 * Verdicts of every CVE for one kernel, for 200 and on to 2,000, each with a profile of its own read from its stored bytes;
 * one new CVE for 200 kernels; and what storing takes, through the pipeline. Baseline: a script that reads every record
 * from the database and matches each of its paths against one kernel's list of files.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CveRecord } from '#domain';
import { run, systemClock } from '#host';
import { decodeProfile, encodeProfile } from '#kernel';
import { addBundledKernel, profileOf, syncFeed, triageAll } from '#pipeline';
import { addKernel, allCves, type KernelRow, openStore, type Store, saveProfile, upsertCves } from '#store';
import { decide, type TriagedKernel } from '#triage';
import { shared } from '../testkit/shared.ts';
import { machine, withFolder } from './measure.ts';

const RUNS = 5;
const KERNELS = 200;
const CURVE = [1, 10, 100, 200, 500, 1_000, 2_000];
/** Kernels in the database: the first time each of them has every verdict written. */
const STORED = 20;

const feeds = shared === undefined ? '' : join(shared, 'feeds');
if (!existsSync(feeds)) console.log('skipped: ../shared is not there');
else await withFolder(bench);

async function bench(home: string): Promise<void> {
  console.log(`verdicts, ${machine()}`);
  await run('tar', ['xf', join(feeds, 'vulns.git.tar'), '-C', home]);
  const store = await openStore({ dataDirectory: join(home, 'data'), databaseUrl: null });
  const vulns = join(home, 'vulns.git');
  await syncFeed({ store, dataDirectory: join(home, 'data'), lore: null, vulns, clock: systemClock });
  const row = await addBundledKernel(store);
  const bytes = encodeProfile((await profileOf(store.db, row))!);
  const baseline = await naive(store, bytes);
  console.log(`baseline, read all records and look each path up for 1 kernel: ${baseline.toFixed(0)} ms`);
  const records = (await allCves(store.db)).map(({ record }) => record);
  const kernel = (i: number): TriagedKernel => ({
    version: `6.1.${(i % 250) + 1}`,
    arch: row.arch,
    profile: decodeProfile(bytes, 'bench'),
  });
  const first = timed(() => all(records.map(fresh), [kernel(169)]), RUNS);
  console.log(`${records.length} CVEs × 1 kernel: ${first.toFixed(0)} ms, ${(first / baseline).toFixed(2)} × baseline`);
  for (const count of CURVE) {
    const ms = timed(() => {
      for (let i = 0; i < count; i += 1) all(records, [kernel(i)]);
    }, 1);
    console.log(`${records.length} CVEs × ${count} kernels, profiles decoded: ${(ms / 1000).toFixed(2)} s`);
  }
  const fleet = Array.from({ length: KERNELS }, (_, i) => kernel(i));
  const one = timed(() => all(records.slice(0, 1).map(fresh), fleet), RUNS);
  console.log(
    `one new CVE × ${KERNELS} kernels: ${one.toFixed(1)} ms; ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
  await stored(store, row, bytes, records.at(-1)!);
  await store.close();
}

async function naive(store: Store, bytes: Uint8Array): Promise<number> {
  const files = new Set(decodeProfile(bytes, 'bench').files.keys());
  const started = performance.now();
  const rows = await allCves(store.db);
  rows.filter(({ record }) => record.files.some((path) => files.has(path)));
  return performance.now() - started;
}

/** What the pipeline takes, storing included: everything, nothing new, one CVE that is another. */
async function stored(store: Store, row: KernelRow, bytes: Uint8Array, record: CveRecord): Promise<void> {
  for (let i = 1; i < STORED; i += 1) {
    const id = `bench-${i}`;
    await addKernel(store.db, { ...row, id, name: id, buildId: i.toString(16).padStart(40, '0'), version: `6.1.${i}` });
    await saveProfile(store.db, id, bytes);
  }
  const turn = async (what: string): Promise<void> => {
    const started = performance.now();
    await triageAll({ store, clock: systemClock });
    console.log(
      `${what} × ${STORED} kernels, stored and ranked: ${((performance.now() - started) / 1000).toFixed(2)} s`,
    );
  };
  await turn('all CVEs, the first time,');
  await turn('nothing new');
  await upsertCves(store.db, [{ record: { ...record, files: ['net/ipv4/udp.c'] }, score: null, oid: 'bench' }]);
  await turn('one CVE that changed');
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
function timed(work: () => unknown, runs: number): number {
  const times = Array.from({ length: runs }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)]!;
}
