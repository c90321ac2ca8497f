import { Cron } from 'croner';
import { loadConfig } from '#config';
import { messageOf, StageError } from '#domain';
import { createLogger, type Logger, systemClock } from '#host';
import {
  expectedSources,
  type SignalSettings,
  signalDoor,
  signalSettings,
  syncFeed,
  syncSignals,
  triageAll,
} from '#pipeline';
import { openStore, type Store } from '#store';
import { createApp } from './app.ts';

const VERSION = '0.1.0';

interface Settings {
  readonly data: string;
  readonly lore: string;
  readonly vulns: string;
  /** Between two syncs. */
  readonly seconds: number;
  readonly signals: SignalSettings;
  /** Aborted when the server stops. */
  readonly stopped: AbortSignal;
}

/** Syncs, decides and reads signals on a schedule; a turn never overtakes the one before. */
function schedule(store: Store, settings: Settings, log: Logger): Cron {
  return new Cron(
    '* * * * * *',
    { interval: settings.seconds, protect: true, unref: true, startAt: new Date(Date.now() + settings.seconds * 1000) },
    () => turn(store, settings, log),
  );
}

/**
 * Reads what is new, decides for every kernel, reads the signals. Each step goes its own way: one source that fails must
 * not leave what another brought undecided, and what a command or an earlier process brought is decided here, too.
 */
async function turn(store: Store, settings: Settings, log: Logger): Promise<void> {
  const { data: dataDirectory, lore, vulns } = settings;
  const common = { store, clock: systemClock };
  await step('sync', log, async () => log.info(await syncFeed({ ...common, dataDirectory, lore, vulns }), 'synced'));
  await step('triage', log, () => triageAll(common));
  await step('signals', log, () => readSignals(store, settings, log));
}

async function step(name: string, log: Logger, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const code = error instanceof StageError ? String(error.code) : 'internal';
    log.warn({ error, code, step: name }, `${name} failed; it is tried again at the next turn`);
  }
}

/** Reads the signals that are due and ranks what changed. One source that fails stops nothing. */
async function readSignals(store: Store, { data, signals, stopped }: Settings, log: Logger): Promise<void> {
  const door = signalDoor(stopped);
  const options = { store, dataDirectory: data, settings: signals, clock: systemClock, door };
  for (const outcome of await syncSignals(options)) {
    if (outcome.state === 'failed')
      log.warn({ source: outcome.source, code: outcome.error.code }, outcome.error.message);
    else if (outcome.state === 'read') log.info(outcome, 'signals read');
  }
}

async function main(): Promise<void> {
  const config = await loadConfig();
  const log = createLogger(config.need('log.level'));
  const store = await openStore({ dataDirectory: config.need('data'), databaseUrl: config.text('database.url') });
  const app = await createApp({ store, sources: expectedSources(config), version: VERSION, log });
  const ending = new AbortController();
  const settings: Settings = {
    stopped: ending.signal,
    data: config.need('data'),
    lore: config.need('feed.lore'),
    vulns: config.need('feed.vulns'),
    signals: signalSettings(config),
    seconds: config.number('feed.interval'),
  };
  const jobs = schedule(store, settings, log);
  // What was synced before is decided, and the signals are read, in the background from the start.
  const first = step('triage', log, () => triageAll({ store, clock: systemClock })).then(() =>
    step('signals', log, () => readSignals(store, settings, log)),
  );
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    ending.abort();
    jobs.stop();
    await app.close();
    await first;
    await store.close();
  };
  process.once('SIGINT', () => void stop()).once('SIGTERM', () => void stop());
  try {
    const address = await app.listen({ host: config.need('server.host'), port: config.number('server.port') });
    // One line for the program that started us; logs go to stderr.
    process.stdout.write(`${JSON.stringify({ listening: address })}\n`);
  } catch (error) {
    await stop();
    throw error;
  }
}

main().catch((error: unknown) => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal';
  const remedy =
    code === 'EADDRINUSE' ? 'another program has the port: choose one with --port or TUXTAPE_SERVER_PORT' : '';
  process.stderr.write(`tuxtape server: ${messageOf(error)} [${code}]\n${remedy === '' ? '' : `  do:    ${remedy}\n`}`);
  process.exitCode = 1;
});
