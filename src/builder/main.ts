import { loadConfig } from '#config';
import { messageOf, StageError } from '#domain';
import { createLogger, readLimited } from '#host';
import { workForServer } from '#pipeline';
import { openStore } from '#store';
import { BuilderError } from './error.ts';
import { serverDoor } from './server-door.ts';

const VERSION = '0.1.0';
const MAX_TOKEN_BYTES = 4_096;

/** Makes livepatches for a server until SIGINT or SIGTERM; with `--once`, until nothing waits. */
async function main(once: boolean): Promise<void> {
  const config = await loadConfig();
  const log = createLogger(config.need('log.level'));
  const token = (await readLimited(config.need('builder.token-file'), MAX_TOKEN_BYTES)).toString('utf8').trim();
  const ending = new AbortController();
  const client = serverDoor(config.need('builder.server'), token, ending.signal);
  process.once('SIGINT', () => ending.abort()).once('SIGTERM', () => ending.abort());
  const store = await openStore({ dataDirectory: config.need('data'), databaseUrl: config.text('database.url') });
  try {
    await workForServer(
      {
        store,
        client,
        version: VERSION,
        jobs: config.number('kernel.jobs'),
        signal: ending.signal,
        onJob: ({ id, attempt, order }, what, why) =>
          process.stdout.write(`${JSON.stringify({ job: id, attempt, module: order.moduleName, what, why })}\n`),
        onTrouble: (error) => {
          // Asking again with a token that is refused helps nobody.
          if (error instanceof BuilderError && error.code === 'token-refused') throw error;
          log.warn({ error, what: messageOf(error) }, 'the server could not be asked; it is tried again');
        },
      },
      once,
    );
  } finally {
    await store.close();
  }
}

main(process.argv.includes('--once')).catch((error: unknown) => {
  const code = error instanceof StageError ? String(error.code) : 'internal';
  process.stderr.write(`tuxtape builder: ${messageOf(error)} [${code}]\n`);
  if (error instanceof StageError && error.remedy !== undefined) process.stderr.write(`  do:    ${error.remedy}\n`);
  process.exitCode = 1;
});
