import { join } from 'node:path';
import { hasCode } from '#domain';
import { withLock } from '#host';

const RETRY_MS = 500;

/**
 * Runs `body` as the only one at work in a tree. Two kernels may share one tree, and a worker that lost its lease may
 * still be ending its make: whoever comes waits. The lock of a dead process is taken over; its make died with it.
 */
export async function inTreeAlone<T>(directory: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  const path = join(directory, 'build.lock');
  for (;;) {
    signal.throwIfAborted();
    // One error tells "held" from what the body throws: the body is not run then.
    let entered = false;
    try {
      return await withLock(path, 0, () => {
        entered = true;
        return body();
      });
    } catch (error) {
      if (entered || !hasCode(error, 'locked')) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
