import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, toEnvironment } from '#config';
import { StageError } from '#domain';
import { Git, plainEnvironment, run, systemClock } from '#host';
import {
  addBundledKernel,
  expectedSources,
  freshness,
  signalDoor,
  signalSettings,
  syncBundled,
  syncFeed,
  syncSignals,
  triageKernel,
} from '#pipeline';
import { countCves, type KernelRow, listKernels, listVerdicts, type Store } from '#store';
import type { Context } from '../context.ts';
import { stalenessLines } from '../staleness.ts';
import { inert, wholeNumber } from '../text.ts';
import { SYNC_STOPPED } from './feed.ts';
import { verdictTable } from './triage.ts';
import { countsText } from './triage-counts.ts';

const SERVER = join(import.meta.dirname, '../../server/main.ts');
const TOP = 10;
const PROBE_TIMEOUT_MS = 8_000;

interface UpOptions {
  readonly once?: boolean;
  readonly port?: number;
  readonly offline?: boolean;
}

export function registerUp(program: Command, context: Context): void {
  program
    .command('up')
    .description('sync, show what matters to a kernel, and serve the page until Ctrl-C')
    .option('--once', 'end after printing')
    .option('--port <n>', 'port of the page; 0 = any free one', wholeNumber)
    .option('--offline', 'do not try to reach upstream')
    .addHelpText('after', '\nExamples:\n  tuxtape up\n  tuxtape up --once\n  tuxtape up --offline --port 9000')
    .action((options: UpOptions) => up(context, options));
  program
    .command('serve')
    .description('the server alone: page and API, with sync, triage and builds in the background, until Ctrl-C')
    .option('--port <n>', 'port of the page; 0 = any free one', wholeNumber)
    .addHelpText('after', '\nExample:\n  tuxtape serve --port 9000')
    .action(async (options: UpOptions) => serve(context, await context.config(), options));
}

async function up(context: Context, options: UpOptions): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const synced = await syncOrSample(context, config, store, options.offline === true);
  const kernel = (await listKernels(store.db))[0] ?? (await addBundledKernel(store));
  const counts = await triageKernel({
    store,
    kernel,
    clock: systemClock,
    hostListSeconds: config.number('fleet.list-age'),
  });
  const rows = await listVerdicts(store.db, kernel.id, { status: 'affected', limit: TOP });
  const now = new Date();
  const sources = await freshness(store.db, expectedSources(config), now);
  const sample = sources.some(({ bundled }) => bundled);
  context.print({ synced, sampleData: sample, sources, kernel: kernel.name, counts, top: rows }, () =>
    [
      '',
      ...stalenessLines(sources, now),
      '',
      `Top CVEs of kernel ${label(kernel)}:`,
      verdictTable(rows),
      '',
      countsText(kernel, counts, rows.length, { status: 'affected' }),
    ].join('\n'),
  );
  if (options.once === true) return;
  await serve(context, config, options);
}

function label(kernel: KernelRow): string {
  return `${kernel.name} (${kernel.version}${kernel.bundled ? ', a sample that comes with TuxTape' : ''})`;
}

/** Reads upstream when it answers; else keeps what is there; else, in an empty store only, takes the sample. */
async function syncOrSample(
  context: Context,
  config: Config,
  store: Store,
  offline: boolean,
): Promise<'upstream' | 'kept' | 'sample'> {
  const dataDirectory = config.need('data');
  const [lore, vulns] = [config.need('feed.lore'), config.need('feed.vulns')];
  if (!offline && (await reachable(vulns))) {
    try {
      await context.progress(
        'feed sync',
        (onProgress) =>
          syncFeed({ store, dataDirectory, lore, vulns, clock: systemClock, onProgress, signal: context.signal }),
        SYNC_STOPPED,
      );
      await quickSignals(context, config, store);
      return 'upstream';
    } catch (error) {
      if (!(error instanceof StageError) || error.fault !== 'network') throw error;
      process.stderr.write(`feed sync: ${error.message}\n`);
    }
  } else process.stderr.write(`feed sync: upstream ${offline ? 'is not asked (--offline)' : 'cannot be reached'}\n`);
  if ((await countCves(store.db)).published > 0) return 'kept';
  await syncBundled({ store, dataDirectory, clock: systemClock });
  return 'sample';
}

/** The lists that are one small file each; the server reads the rest in the background. A failure is shown, and stops nothing. */
async function quickSignals(context: Context, config: Config, store: Store): Promise<void> {
  const options = { store, dataDirectory: config.need('data'), settings: signalSettings(config), clock: systemClock };
  const outcomes = await context.progress('feed signals', () =>
    syncSignals({ ...options, door: signalDoor(context.signal), only: ['kev', 'epss'] }),
  );
  for (const outcome of outcomes)
    if (outcome.state === 'failed')
      process.stderr.write(`feed signals: ${outcome.source}: ${inert(outcome.error.message)}\n`);
}

async function reachable(address: string): Promise<boolean> {
  return Git.answers(address, PROBE_TIMEOUT_MS);
}

/** Runs the server as a program of its own, and ends with it. */
async function serve(context: Context, config: Config, options: UpOptions): Promise<void> {
  const port = options.port === undefined ? {} : { TUXTAPE_SERVER_PORT: String(options.port) };
  const env = plainEnvironment({ ...toEnvironment(config), ...port });
  const onOutput = (text: string): void => {
    const match = /"listening":"([^"]+)"/.exec(text);
    process.stderr.write(match ? `\nserving ${match[1]}  (Ctrl-C ends it)\n` : text);
  };
  try {
    await run(process.execPath, [SERVER], { env, signal: context.signal, onOutput, keepTail: true });
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
}
