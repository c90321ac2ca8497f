import { Cron } from 'croner';
import type { FastifyInstance } from 'fastify';
import { type Config, loadConfig } from '#config';
import { messageOf, StageError } from '#domain';
import { createLogger, type Logger, readLimited } from '#host';
import { expectedSources, signalSettings } from '#pipeline';
import { openStore, type Store } from '#store';
import { createApp } from './app.ts';
import { buildInBackground } from './builds.ts';
import { runGates } from './gate/processes.ts';
import { keepArchive } from './keeper.ts';
import { checkOrigin, refuseOpen } from './listen.ts';
import { notifyInBackground } from './notify.ts';
import type { OidcSettings } from './oidc.ts';
import { catchUp, type TurnSettings, turn } from './turn.ts';

const VERSION = '0.1.0';
const MAX_SECRET_BYTES = 4_096;

async function main(): Promise<void> {
  const config = await loadConfig();
  const log = createLogger(config.need('log.level'));
  const store = await openStore({ dataDirectory: config.need('data'), databaseUrl: config.text('database.url') });
  const app = await openApp(config, store, log);
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
  const keeping = keepOwnArchive(config, store, ending.signal, log);
  const telling = notifyInBackground(store, config, ending.signal, log);
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
    await keeping;
    await telling;
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

/** The archive of this configuration, where it has one. */
async function keepOwnArchive(config: Config, store: Store, stopped: AbortSignal, log: Logger): Promise<void> {
  const [directory, keys] = [config.text('archive.directory'), config.text('archive.keys')];
  if (directory === null || keys === null) return;
  await keepArchive({ store, directory, keys, stopped, everySeconds: config.number('archive.interval') }, log);
}

/** The app of this configuration; the store is closed when it may not be served. */
async function openApp(config: Config, store: Store, log: Logger): Promise<FastifyInstance> {
  try {
    const origin = checkOrigin(config.text('server.origin'));
    await refuseOpen(store.db, config.need('server.host'), origin);
    const proxies = origin === null ? {} : { proxies: config.text('server.proxies') ?? 'loopback' };
    return await createApp({
      store,
      sources: expectedSources(config),
      version: VERSION,
      log,
      origin,
      oidc: await oidcSettings(config),
      dataDirectory: config.need('data'),
      hostSeconds: config.number('gate.interval'),
      ...proxies,
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Null: nobody logs in at a provider. */
async function oidcSettings(config: Config): Promise<OidcSettings | null> {
  const issuer = config.text('oidc.issuer');
  if (issuer === null) return null;
  const secret = (await readLimited(config.need('oidc.client-secret-file'), MAX_SECRET_BYTES)).toString('utf8');
  return { issuer, clientId: config.need('oidc.client-id'), clientSecret: secret.split(/\r?\n/)[0] ?? '' };
}

main().catch((error: unknown) => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal';
  const remedy =
    error instanceof StageError
      ? (error.remedy ?? '')
      : code === 'EADDRINUSE'
        ? 'another program has the port: choose one with --port or TUXTAPE_SERVER_PORT'
        : '';
  process.stderr.write(`tuxtape server: ${messageOf(error)} [${code}]\n${remedy === '' ? '' : `  do:    ${remedy}\n`}`);
  process.exitCode = 1;
});
