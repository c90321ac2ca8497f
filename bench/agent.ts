/**
 * One poll of the agent's bundle, on the Node it ships with, of a subscribed kernel. Baseline: that Node doing nothing. Asked for: less than
 * 0.25 s of processor time and 90 MiB at the peak for a poll with nothing new.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { initArchive, subscribeKernel } from '#archive';
import { buildIdOfNotes } from '#domain';
import { isRoot, plainEnvironment, run, systemClock } from '#host';
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
  const words = (state: string): string[] => {
    const places = ['--state', join(home, state), '--grace', '0'];
    return [BUNDLE, 'run', '--archive', server.url, ...files, ...places];
  };
  const poll = (state: string): ReturnType<typeof measure> => measure('node', words(state));
  const first = await poll('first');
  const baseline = { name: 'node -e 0', seconds: idle.seconds };
  report('first poll (no metadata yet)', first, baseline);
  report('poll with nothing to do', await median(RUNS, () => poll('first')), baseline);
  console.log(`processor time of a poll with nothing to do: ${(await processorSeconds(words('first'))).toFixed(2)} s`);
  console.log(`requests of a poll with nothing to do: ${await requestsOf(server.requests, () => poll('first'))}`);
}

async function requestsOf(requests: readonly string[], body: () => Promise<unknown>): Promise<number> {
  const before = requests.length;
  await body();
  return requests.length - before;
}

/** User and system time of a run of Node, the middle one of several. */
async function processorSeconds(words: readonly string[]): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < RUNS; i += 1) {
    const script = '{ TIMEFORMAT="%U %S"; time node "$@" >/dev/null 2>&1; } 2>&1';
    const { stdout } = await run('bash', ['-c', script, 'bash', ...words], { env: plainEnvironment() });
    const [user = 0, system = 0] = stdout.trim().split(' ').map(Number);
    all.push(user + system);
  }
  return all.toSorted((a, b) => a - b)[RUNS >> 1]!;
}
