import { Cron } from 'croner';
import { loadConfig } from '#config';
import { messageOf } from '#domain';
import { createLogger } from '#host';
import { expectedSources, signalSettings } from '#pipeline';
import { openStore } from '#store';
import { createApp } from './app.ts';
import { buildInBackground } from './builds.ts';
import { runGates } from './gate/processes.ts';
import { catchUp, type TurnSettings, turn } from './turn.ts';

const VERSION = '0.1.0';

async function main(): Promise<void> {
  const config = await loadConfig();
  const log = createLogger(config.need('log.level'));
  const store = await openStore({ dataDirectory: config.need('data'), databaseUrl: config.text('database.url') });
  const places = { dataDirectory: config.need('data'), hostSeconds: config.number('gate.interval') };
  const app = await createApp({ store, sources: expectedSources(config), version: VERSION, log, ...places });
  const ending = new AbortController();
  const settings: TurnSettings = {
    stopped: ending.signal,
    data: config.need('data'),
    lore: config.need('feed.lore'),
    vulns: config.need('feed.vulns'),
    signals: signalSettings(config),
    fixes: config.text('livepatch.fixes'),
    jobs: config.number('kernel.jobs'),
    builders: config.text('livepatch.builders') === 'true',
    hostListSeconds: config.number('fleet.list-age'),
  };
  const seconds = config.number('feed.interval');
  // A turn never overtakes the one before.
  const jobs = new Cron(
    '* * * * * *',
    { interval: seconds, protect: true, unref: true, startAt: new Date(Date.now() + seconds * 1000) },
    () => turn(store, settings, log),
  );
  // In the background, from the start.
  const first = catchUp(store, settings, log);
  const building = buildInBackground(store, { builds: config.number('kernel.builds'), stopped: ending.signal }, log);
  const gates = runGates(config, ending.signal, log);
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    ending.abort();
    jobs.stop();
    await app.close();
    await first;
    await building;
    await gates;
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
