import { messageOf } from '#domain';
import { type Logger, systemClock } from '#host';
import { workBuilds } from '#pipeline';
import { type BuildQueue, openQueue, type Store } from '#store';

const AGAIN_MS = 10_000;

/**
 * Builds kernels in the background, so many at a time, until the signal. What fails here (the database went away) is
 * logged and tried again; a build that was begun goes back to the queue.
 */
export async function buildInBackground(
  store: Store,
  { builds, stopped }: { readonly builds: number; readonly stopped: AbortSignal },
  log: Logger,
): Promise<void> {
  await Promise.all(Array.from({ length: builds }, () => worker(store, stopped, log)));
}

async function worker(store: Store, signal: AbortSignal, log: Logger): Promise<void> {
  while (!signal.aborted) {
    let queue: BuildQueue | undefined;
    try {
      queue = await openQueue(store);
      const onEnd: Parameters<typeof workBuilds>[0]['onEnd'] = ({ id, kernel, state, error }) =>
        log.info({ id, kernel, state, error }, 'build ended');
      await workBuilds({ store, queue, clock: systemClock, signal, onEnd });
    } catch (error) {
      log.warn({ error, what: messageOf(error) }, 'the queue of builds stopped; it is tried again');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, AGAIN_MS);
        signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
      });
    } finally {
      await queue?.close().catch(() => undefined);
    }
  }
}
