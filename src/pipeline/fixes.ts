import { join } from 'node:path';
import { type Clock, fetchBytes } from '#host';
import { type FixSource, openFixes } from '#patch';

/** Opens a source of fixes (`--fixes`); what comes over the network is kept in the data directory. Errors: as `openFixes`. */
export function openFixSource(
  address: string,
  { dataDirectory, clock, signal }: { dataDirectory: string; clock: Clock; signal?: AbortSignal | undefined },
): Promise<FixSource> {
  return openFixes(address, {
    get: (url, limits) => fetchBytes(url, { ...limits, ...(signal && { signal }) }),
    sleep: (ms) => clock.sleep(ms),
    cache: join(dataDirectory, 'fixes'),
  });
}
