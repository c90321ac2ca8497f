import { join } from 'node:path';
import type { Quarantined } from '#domain';
import { commitTime, FeedError, listVulns, mirror, readRecords, vanished } from '#feed';
import type { Git } from '#host';
import {
  type CveRow,
  type Db,
  getCursor,
  inTransaction,
  markDue,
  quarantine,
  recordSync,
  release,
  releaseOthers,
  setCursor,
  storedOids,
  upsertCves,
} from '#store';
import { type OnProgress, readState, type SyncOptions } from './sync-options.ts';

const BATCH = 1_000;

export interface VulnsSummary {
  readonly published: number;
  readonly rejected: number;
  readonly changed: number;
  readonly quarantined: number;
}

/** Reads the records that changed; they land in one transaction with the cursor. */
export async function syncVulns(options: SyncOptions, address: string): Promise<VulnsSummary> {
  const git = await mirror(address, join(options.dataDirectory, 'mirrors/vulns.git'), { signal: options.signal });
  const summary = await inTransaction(options.store.db, (tx) => storeRecords(tx, git, options.onProgress));
  const head = await git.head();
  const newest = head === null ? null : await commitTime(git, head);
  await recordSync(options.store.db, readState(options, 'vulns', address, newest));
  return summary;
}

/**
 * One path for the first, the next and the rewritten: list the tree, and read the CVEs whose blobs are not those stored.
 * The cursor only saves the listing when nothing happened.
 */
async function storeRecords(tx: Db, git: Git, onProgress?: OnProgress): Promise<VulnsSummary> {
  const head = await git.head();
  if (head === null) throw noRecords(git);
  const none = { published: 0, rejected: 0, changed: 0, quarantined: 0 };
  if (head === (await getCursor(tx, 'vulns'))) return none;
  const entries = await listVulns(git, head);
  const stored = await storedOids(tx);
  if (entries.size === 0 && stored.size === 0) throw noRecords(git);
  const changed = [...entries.values()].filter(({ id, key }) => stored.get(id) !== key);
  const counts = { published: 0, rejected: 0, changed: 0, quarantined: 0 };
  for (const { state } of entries.values()) counts[state] += 1;
  const rows: CveRow[] = [];
  const bad: Quarantined[] = [...stored]
    .filter(([id, key]) => key !== '' && !entries.has(id))
    .map(([id]) => vanished(id));
  const there = [...entries.values()].map(({ state, id }) => `${state}/${id}`);
  await releaseOthers(tx, 'vulns', [...there, ...bad.map(({ item }) => item)]);
  const readable: string[] = [];
  const flush = async (): Promise<void> => {
    const batch = rows.splice(0);
    await upsertCves(tx, batch);
    await markDue(
      tx,
      batch.map(({ record }) => record.id),
    );
    await quarantine(tx, bad.splice(0));
    await release(tx, 'vulns', readable.splice(0));
  };
  for await (const item of readRecords(git, changed)) {
    if (item.kind === 'bad') bad.push(item.quarantined);
    else {
      rows.push({ record: item.record, score: item.score, oid: item.entry.key });
      if (item.doubt === null) readable.push(`${item.entry.state}/${item.entry.id}`);
      else bad.push(item.doubt);
    }
    counts[item.kind === 'bad' ? 'quarantined' : 'changed'] += 1;
    if (rows.length >= BATCH) {
      await flush();
      onProgress?.(counts.changed, changed.length, 'records');
    }
  }
  await flush();
  await setCursor(tx, 'vulns', head);
  onProgress?.(changed.length, changed.length, 'records');
  return counts;
}

/** A repository without a record is no feed: it must not count as one that was read and says that all is well. */
function noRecords(git: Git): FeedError {
  return new FeedError('feed-not-an-archive', 'untrusted', {
    what: 'there is no CVE record in this repository',
    where: git.directory,
    remedy: 'check the address of vulns.git',
  });
}
