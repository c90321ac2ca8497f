/** One poll of the agent's bundle, on the Node it ships with, of a subscribed kernel. Baseline: that Node doing nothing. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { initArchive, subscribeKernel } from '#archive';
import { buildIdOfNotes } from '#domain';
import { isRoot, systemClock } from '#host';
import { serveFolder } from '../testkit/static-server.ts';
import { machine, measure, median, ROOT, report, withFolder } from './measure.ts';

const RUNS = 9;
const BUNDLE = join(ROOT, 'build/agent/tuxtape-agent.cjs');

console.log(`one poll of the agent, ${machine()}; bundle ${(await stat(BUNDLE)).size} bytes`);
const buildId = buildIdOfNotes(await readFile('/sys/kernel/notes').catch(() => Buffer.alloc(0)));
if (!isRoot() || buildId === undefined) console.log('skipped: the agent needs root and a kernel with a build-id');
else await withFolder((home) => bench(home, buildId));

async function bench(home: string, host: string): Promise<void> {
  const place = { directory: join(home, 'archive'), keys: join(home, 'keys'), clock: systemClock };
  await initArchive(place);
  await subscribeKernel(place, host, 'this one');
  await using server = await serveFolder(place.directory);
  const idle = await median(RUNS, () => measure('node', ['-e', '0']));
  report('baseline, node -e 0', idle);
  const files = [
    '--root',
    join(place.directory, 'root.json'),
    '--run',
    join(home, 'run'),
    '--config',
    join(home, 'none'),
  ];
  const poll = (state: string): ReturnType<typeof measure> =>
    measure('node', [BUNDLE, 'run', '--archive', server.url, ...files, '--state', join(home, state)]);
  const first = await poll('first');
  const baseline = { name: 'node -e 0', seconds: idle.seconds };
  report('first poll (no metadata yet)', first, baseline);
  report('poll with nothing to do', await median(RUNS, () => poll('first')), baseline);
  console.log(`requests of a poll with nothing to do: ${await requestsOf(server.requests, () => poll('first'))}`);
}

async function requestsOf(requests: readonly string[], body: () => Promise<unknown>): Promise<number> {
  const before = requests.length;
  await body();
  return requests.length - before;
}
