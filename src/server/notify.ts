import type { Config } from '#config';
import { messageOf, StageError, silentAfterMs } from '#domain';
import { type Logger, systemClock } from '#host';
import { notify, notifySettings } from '#pipeline';
import type { Store } from '#store';

/**
 * Tells people what their rules ask for, every `notify.interval` seconds until the signal. What cannot be sent stays in the database and
 * is tried again; it stops nothing else. While the gate has not listened for as long as makes a host silent, no host is called silent: it
 * may be us who did not hear.
 */
export async function notifyInBackground(
  store: Store,
  config: Config,
  stopped: AbortSignal,
  log: Logger,
): Promise<void> {
  const patience = silentAfterMs(config.number('gate.interval'));
  const started = systemClock.monotonicMs();
  const listens = config.number('gate.processes') > 0;
  while (!stopped.aborted) {
    const isLongEnough = listens && systemClock.monotonicMs() - started > patience;
    const silentBefore = isLongEnough ? new Date(systemClock.now().getTime() - patience) : null;
    try {
      const settings = notifySettings(config);
      const turns = await notify({ store, clock: systemClock, settings, silentBefore, signal: stopped });
      for (const { channel, sent, failure } of turns) {
        if (sent > 0) log.info({ channel, sent }, 'told');
        if (failure !== null) log.warn({ channel, code: failure.code }, `${failure.what}; it is sent later`);
      }
    } catch (error) {
      const code = error instanceof StageError ? String(error.code) : 'internal';
      log.warn({ error, code }, `people could not be told: ${messageOf(error)}; it is tried again`);
    }
    await pause(config.number('notify.interval') * 1000, stopped);
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopped.addEventListener('abort', end, { once: true });
  });
}
