import type { BuildId } from '#domain';
import type { Clock } from '#host';
import type { BuildQueue, Queues, Store } from '#store';

/** The doors of everything that touches livepatches to be made by builders. */
export interface JobDoors {
  readonly store: Store;
  readonly queues: Queues;
  readonly clock: Clock;
}

/** The queue of one kernel: only who has that very build can work on it. */
export function queueOf({ queues }: JobDoors, buildId: BuildId): Promise<BuildQueue> {
  return queues.of(`livepatch-${buildId}`);
}
