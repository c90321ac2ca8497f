import type { Clock } from '#host';
import type { Store, SyncState } from '#store';

/** The two archives of the CNA. */
export type FeedSource = 'lore' | 'vulns';

export type OnProgress = (done: number, total: number | null, note?: string) => void;

export interface SyncOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  /** URL or path; null: that source is not read. */
  readonly lore: string | null;
  readonly vulns: string | null;
  /** The sample that comes with TuxTape: recorded with the sync, shown wherever its data is. */
  readonly bundled?: boolean;
  /** Where and when the sources were really read, if they were brought here in a file. */
  readonly origin?: { readonly address: string; readonly at: Readonly<Record<FeedSource, Date>> };
  readonly clock: Clock;
  readonly onProgress?: OnProgress;
  /** Stops it: what was read whole is kept, and the next sync goes on from there. */
  readonly signal?: AbortSignal;
}

/** What is kept of a successful reading. `newest`: time of the newest item of the source. */
export function readState(
  { origin, bundled, clock }: SyncOptions,
  source: FeedSource,
  address: string,
  newest: Date | null,
): SyncState {
  return {
    source,
    address: origin?.address ?? address,
    at: origin?.at[source] ?? clock.now(),
    newest,
    bundled: bundled ?? false,
  };
}
