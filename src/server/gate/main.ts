import { loadConfig } from '#config';
import { messageOf, StageError } from '#domain';
import { createLogger, readLimited, systemClock } from '#host';
import { openStore } from '#store';
import { ServerError } from '../error.ts';
import { createGate } from './gate.ts';

const MAX_PEM_BYTES = 1 << 20;
const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

/** One process of the gate. Several listen on one port; the kernel spreads the connections (SO_REUSEPORT, socket(7)). */
async function main(): Promise<void> {
  const config = await loadConfig();
  const log = createLogger(config.need('log.level'));
  const host = config.need('gate.host');
  const [certFile, keyFile] = [config.text('gate.cert'), config.text('gate.key')];
  const isTls = certFile !== null && keyFile !== null;
  if (!isTls && !LOOPBACK.test(host))
    throw new ServerError('gate-insecure', 'input', {
      what: 'hosts would check in without TLS over a network',
      where: `gate.host = ${host}`,
      remedy: 'set gate.cert and gate.key, or let the gate listen on 127.0.0.1 behind a proxy that ends TLS',
    });
  const tls = isTls
    ? { cert: await readLimited(certFile, MAX_PEM_BYTES), key: await readLimited(keyFile, MAX_PEM_BYTES) }
    : null;
  const store = await openStore({ dataDirectory: config.need('data'), databaseUrl: config.text('database.url') });
  const gate = createGate({
    ...{ store, clock: systemClock, log, tls },
    intervalSeconds: config.number('gate.interval'),
    mostPerMinute: config.number('gate.most-per-minute'),
  });
  const stop = (): void => {
    gate.close(() => void store.close());
    gate.closeIdleConnections();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  gate.on('error', fail);
  gate.listen({ host, port: config.number('gate.port'), reusePort: true }, () => {
    process.stdout.write(`${JSON.stringify({ gate: gate.address(), tls: isTls })}\n`);
  });
}

function fail(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal';
  process.stderr.write(`tuxtape gate: ${messageOf(error)} [${code}]\n`);
  if (error instanceof StageError && error.remedy !== undefined) process.stderr.write(`  do:    ${error.remedy}\n`);
  process.exit(1);
}

main().catch(fail);
