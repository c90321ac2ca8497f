import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, systemClock } from '#host';
import { archiveSigner, RolloutController, refreshOnlineRoles } from '#pipeline';
import type { Store } from '#store';
import { step } from './turn.ts';

/** Snapshot and timestamp live for days: half of that is far longer than this. */
const REFRESH_MS = 6 * 3_600_000;

export interface KeeperOptions {
  readonly store: Store;
  /** The archive, and a folder with the keys of its online roles: rollout, snapshot, timestamp. No other key belongs on a server. */
  readonly directory: string;
  readonly keys: string;
  readonly everySeconds: number;
  readonly stopped: AbortSignal;
}

/**
 * Keeps an archive alive and its rollouts going until the signal: a round of the controller every so many seconds, and new online metadata
 * before the old expires. What fails is logged, and tried again: an archive that cannot be written for a minute must not end the watch.
 */
export async function keepArchive(options: KeeperOptions, log: Logger): Promise<void> {
  const { store, directory, keys, everySeconds, stopped } = options;
  const place = { directory, keys: [keys], clock: systemClock };
  const controller = new RolloutController({ store, signer: archiveSigner(place), clock: systemClock });
  let refreshedMs = Number.NEGATIVE_INFINITY;
  while (!stopped.aborted) {
    await step('rollout', log, async () => {
      const result = await controller.tick();
      if (result.did === 'round') for (const one of result.plan.steps) log.info(one, 'rollout');
    });
    if (systemClock.monotonicMs() - refreshedMs >= REFRESH_MS)
      await step('archive refresh', log, async () => {
        const done = await refreshOnlineRoles(place);
        refreshedMs = systemClock.monotonicMs();
        log.info(done, 'archive refreshed');
      });
    await sleep(everySeconds * 1000, undefined, { signal: stopped }).catch(() => undefined);
  }
}
