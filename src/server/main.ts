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

/** Syncs on a schedule and decides again when something changed. A failed sync is logged and tried again at the next turn. */
function schedule(store: Store, settings: Settings, log: Logger): Cron {
  return new Cron(
    '* * * * * *',
    { interval: settings.seconds, protect: true, unref: true, startAt: new Date(Date.now() + settings.seconds * 1000) },
    async () => {
      try {
        const summary = await syncFeed({
          store,
          dataDirectory: settings.data,
          lore: settings.lore,
          vulns: settings.vulns,
          clock: systemClock,
        });
        if (summary.changed) await triageAll({ store, clock: systemClock });
        log.info(summary, 'synced');
        await readSignals(store, settings, log);
      } catch (error) {
        log.warn(
          { error, code: error instanceof StageError ? String(error.code) : 'internal' },
          'sync failed; the next one is scheduled',
        );
      }
    },
  );
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
  // Who starts the server has synced the feed; the signals are read in the background from the start.
  const first = readSignals(store, settings, log).catch((error: unknown) => log.warn({ error }, 'signals not read'));
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
