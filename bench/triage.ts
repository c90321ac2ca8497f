/** Triage of every CVE for one kernel, with its build profile. Baseline: only reading the CVEs from the store. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#host';
import { shared } from '../testkit/shared.ts';
import { machine, measure, median, report, withFolder } from './measure.ts';

const RUNS = 5;
const COMMON = `
import { openStore, allCves } from '#store';
import { addBundledKernel, triageKernel } from '#pipeline';
import { systemClock } from '#host';
const store = await openStore({ dataDirectory: process.argv[1], databaseUrl: null });
`;
const READ = `${COMMON} console.log((await allCves(store.db)).length, 'CVEs'); await store.close();`;
const TRIAGE = `${COMMON}
const kernel = await addBundledKernel(store);
const counts = await triageKernel({ store, kernel, clock: systemClock });
console.log(counts.reduce((sum, { count }) => sum + count, 0), 'verdicts');
await store.close();`;

const feeds = shared === undefined ? '' : join(shared, 'feeds');
if (!existsSync(feeds)) console.log('skipped: ../shared is not there');
else await withFolder(bench);

async function bench(home: string): Promise<void> {
  console.log(`triage of all CVEs for one kernel, ${machine()}`);
  await run('tar', ['xf', join(feeds, 'vulns.git.tar'), '-C', home]);
  await run('tar', ['xf', join(feeds, 'linux-cve-announce.git.tar'), '-C', home]);
  const data = join(home, 'data');
  await measure('node', [
    'src/cli/main.ts',
    '--data',
    data,
    'feed',
    'sync',
    '--lore',
    home,
    '--vulns',
    join(home, 'vulns.git'),
  ]);
  const script = (text: string): ReturnType<typeof measure> =>
    measure('node', ['--input-type=module', '-e', text, data]);
  const read = await median(RUNS, () => script(READ));
  report(`baseline, starting the store and reading ${read.stdout.trim()}`, read);
  const triage = await median(RUNS, () => script(TRIAGE));
  report(`triage: ${triage.stdout.trim()}`, triage, {
    name: 'starting the store and reading',
    seconds: read.seconds,
  });
}
