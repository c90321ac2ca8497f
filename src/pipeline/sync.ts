import { join } from 'node:path';
import { StageError } from '#domain';
import { buildSampleFeed } from '#feed';
import { withLock } from '#host';
import { writeFailure } from './failure.ts';
import { rankDue } from './rank.ts';
import { type LoreSummary, syncLore } from './sync-lore.ts';
import type { FeedSource, SyncOptions } from './sync-options.ts';
import { syncVulns, type VulnsSummary } from './sync-vulns.ts';

const LOCK_WAIT_MS = 5_000;

export interface SyncSummary {
  readonly lore: LoreSummary | null;
  readonly vulns: VulnsSummary | null;
  /** CVEs that stand anew in everyone's order. */
  readonly ranked: number;
}

/**
 * Reads what is new in both sources. The content of each lands in one transaction with its cursor, so a kill at any
 * instant loses and doubles nothing. A source that fails keeps what it had, is written down as failing, and does not stop
 * the other; then the first failure is thrown.
 * Errors: feed-unreachable, feed-not-an-archive, feed-epoch-gone, locked (another sync is at work).
 */
export async function syncFeed(options: SyncOptions): Promise<SyncSummary> {
  return withLock(join(options.dataDirectory, 'sync.lock'), LOCK_WAIT_MS, async () => {
    const lore = await attempt(options, 'lore', options.lore, syncLore);
    const vulns = await attempt(options, 'vulns', options.vulns, syncVulns);
    const ranked = await rankDue(options);
    for (const part of [lore, vulns]) if (part instanceof StageError) throw part;
    return { lore: lore as LoreSummary | null, vulns: vulns as VulnsSummary | null, ranked };
  });
}

/** What one source gave, or its failure; null where it is not read. */
async function attempt<T>(
  options: SyncOptions,
  source: FeedSource,
  address: string | null,
  read: (options: SyncOptions, address: string) => Promise<T>,
): Promise<T | StageError | null> {
  if (address === null) return null;
  try {
    return await read(options, address);
  } catch (error) {
    return await writeFailure(options, source, error);
  }
}

/** Syncs the sample feed that comes with TuxTape; only into a store that holds nothing real. */
export async function syncBundled(
  options: Pick<SyncOptions, 'store' | 'dataDirectory' | 'clock'>,
): Promise<SyncSummary> {
  const { lore, vulns } = await buildSampleFeed(join(options.dataDirectory, 'sample-feed'));
  return syncFeed({ ...options, lore, vulns, bundled: true });
}
