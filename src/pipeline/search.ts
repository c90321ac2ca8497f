import { type CveId, parseKernelVersion } from '#domain';
import { allCves, type CveFilter, type CveLine, type Store, StoreError, searchCves } from '#store';
import { rangesRung } from '#triage';

/** `version`: only CVEs whose ranges say that this kernel version is affected, or do not say. */
export interface SearchOptions extends CveFilter {
  readonly version?: string | undefined;
}

/** Searches the CVEs. Errors: version-invalid. */
export async function searchFeed(store: Store, { version, ...filter }: SearchOptions): Promise<CveLine[]> {
  if (version === undefined) return searchCves(store.db, filter);
  if (parseKernelVersion(version) === undefined)
    throw new StoreError('version-invalid', 'input', {
      what: `"${version}" is no kernel version`,
      remedy: 'write it as 6.1.170 or 6.13-rc2',
    });
  const ids: CveId[] = [];
  for (const { record } of await allCves(store.db)) {
    const { outcome } = rangesRung(record, version);
    if (record.state === 'published' && (outcome === 'affected' || outcome === 'unknown')) ids.push(record.id);
  }
  return searchCves(store.db, { ...filter, ids });
}
