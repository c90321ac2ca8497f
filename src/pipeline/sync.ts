import { join } from 'node:path';
import type { Announcement, CveId, CveRecord, Quarantined } from '#domain';
import {
  buildSampleFeed,
  commitTime,
  epochDelta,
  epochsIn,
  findEpochs,
  listVulns,
  mirror,
  readMails,
  readRecords,
  vanished,
} from '#feed';
import { type Clock, type Git, withLock } from '#host';
import {
  addAnnouncements,
  type CveRow,
  type Db,
  dateCves,
  dropAnnouncements,
  getCursor,
  getCves,
  inTransaction,
  markDue,
  quarantine,
  recordSync,
  release,
  type Store,
  setCursor,
  storedOids,
  upsertCves,
  withdrawAnnouncements,
} from '#store';
import { rankDue } from './rank.ts';

const BATCH = 1_000;
const LOCK_WAIT_MS = 5_000;

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
  readonly origin?: { readonly address: string; readonly at: Date };
  readonly clock: Clock;
  readonly onProgress?: OnProgress;
}

export interface LoreSummary {
  readonly epochs: number;
  readonly mails: number;
  readonly announced: number;
  readonly rejections: number;
  readonly withdrawn: number;
  readonly quarantined: number;
  readonly rewritten: number;
}

export interface VulnsSummary {
  readonly published: number;
  readonly rejected: number;
  readonly changed: number;
  readonly quarantined: number;
}

export interface SyncSummary {
  readonly lore: LoreSummary | null;
  readonly vulns: VulnsSummary | null;
  /** Did anything change that a verdict could depend on? */
  readonly changed: boolean;
  /** CVEs that stand anew in everyone's order. */
  readonly ranked: number;
}

/**
 * Reads what is new in both sources. The content of each lands in one transaction with its cursor, so a kill at any
 * instant loses and doubles nothing. Errors: feed-unreachable, feed-not-an-archive, locked (another sync is at work).
 */
export async function syncFeed(options: SyncOptions): Promise<SyncSummary> {
  return withLock(join(options.dataDirectory, 'sync.lock'), LOCK_WAIT_MS, async () => {
    const lore = options.lore === null ? null : await syncLore(options, options.lore);
    const vulns = options.vulns === null ? null : await syncVulns(options, options.vulns);
    const ranked = await rankDue(options);
    return { lore, vulns, changed: (lore?.mails ?? 0) > 0 || (vulns?.changed ?? 0) > 0, ranked };
  });
}

async function syncLore(options: SyncOptions, address: string): Promise<LoreSummary> {
  const mirrors = join(options.dataDirectory, 'mirrors/lore');
  const epochs = await findEpochs(address, await epochsIn(mirrors));
  const total = {
    epochs: epochs.length,
    mails: 0,
    announced: 0,
    rejections: 0,
    withdrawn: 0,
    quarantined: 0,
    rewritten: 0,
  };
  let newest: Date | null = null;
  for (const { number, address: epochAddress } of epochs) {
    const git = await mirror(epochAddress, join(mirrors, `${number}.git`));
    await inTransaction(options.store.db, async (tx) => {
      const part = await syncEpoch(tx, git, number, options.onProgress);
      for (const key of Object.keys(part) as (keyof typeof part)[]) total[key] += part[key];
    });
    const head = await git.head();
    newest = head === null ? newest : await commitTime(git, head);
  }
  await recordSync(options.store.db, {
    source: 'lore',
    address: options.origin?.address ?? address,
    at: options.origin?.at ?? options.clock.now(),
    newest,
    bundled: options.bundled ?? false,
  });
  return total;
}

type EpochCounts = Omit<LoreSummary, 'epochs'>;

async function syncEpoch(tx: Db, git: Git, epoch: number, onProgress?: OnProgress): Promise<EpochCounts> {
  const counts = { mails: 0, announced: 0, rejections: 0, withdrawn: 0, quarantined: 0, rewritten: 0 };
  const source = `lore/${epoch}`;
  const delta = await epochDelta(git, await getCursor(tx, source));
  if (delta === null) return counts;
  // A rewritten history gives every later mail another commit: the epoch is told again from its start.
  if (delta.rewritten) await dropAnnouncements(tx, epoch);
  counts.rewritten = delta.rewritten ? 1 : 0;
  const mails: (Announcement & { body: string })[] = [];
  const bad: Quarantined[] = [];
  const said = new Map<CveId, CveRecord | 'rejected'>();
  const withdrawn: string[] = [];
  const flush = async (): Promise<void> => {
    await addAnnouncements(tx, mails.splice(0));
    await withdrawAnnouncements(tx, epoch, withdrawn.splice(0));
    await quarantine(tx, bad.splice(0));
    await storeMailCves(tx, said);
    await dateCves(tx, [...said.keys()]);
    await markDue(tx, [...said.keys()]);
    said.clear();
  };
  for await (const item of readMails(git, epoch, delta.commits)) {
    counts.mails += 1;
    if (item.kind === 'withdrawn') {
      counts.withdrawn += 1;
      if (item.messageId !== null) withdrawn.push(item.messageId);
    } else if (item.kind === 'bad') bad.push(item.quarantined);
    else {
      const { announcement, body, record } = item.mail;
      mails.push({ ...announcement, body, commit: item.commit, epoch, withdrawn: false });
      said.set(announcement.cve, record ?? 'rejected');
      if (record === null) counts.rejections += 1;
      else counts.announced += 1;
    }
    counts.quarantined += item.kind === 'bad' ? 1 : 0;
    if (counts.mails % BATCH === 0) {
      await flush();
      onProgress?.(counts.mails, delta.commits.length, 'mails');
    }
  }
  await flush();
  await setCursor(tx, source, delta.head);
  onProgress?.(counts.mails, delta.commits.length, 'mails');
  return counts;
}

/** What mails say counts only where there is no record yet: the record is the truth, the mail the trigger. */
async function storeMailCves(tx: Db, said: ReadonlyMap<CveId, CveRecord | 'rejected'>): Promise<void> {
  const stored = new Map((await getCves(tx, [...said.keys()])).map((row) => [row.record.id, row]));
  const rows: CveRow[] = [];
  for (const [id, word] of said) {
    const before = stored.get(id);
    if (before?.record.source === 'record') continue;
    if (word !== 'rejected') rows.push({ record: word, score: null, oid: '' });
    else if (before) rows.push({ ...before, record: { ...before.record, state: 'rejected' } });
    else rows.push({ record: unknownRejected(id), score: null, oid: '' });
  }
  await upsertCves(tx, rows);
}

function unknownRejected(id: CveId): CveRecord {
  return {
    id,
    state: 'rejected',
    source: 'mail',
    title: '',
    description: '',
    files: [],
    ranges: [],
    cvssVector: null,
    rationale: null,
    vulnerableCommits: [],
    references: [],
  };
}

async function syncVulns(options: SyncOptions, address: string): Promise<VulnsSummary> {
  const git = await mirror(address, join(options.dataDirectory, 'mirrors/vulns.git'));
  const summary = await inTransaction(options.store.db, (tx) => storeRecords(tx, git, options.onProgress));
  const head = await git.head();
  const newest = head === null ? null : await commitTime(git, head);
  await recordSync(options.store.db, {
    source: 'vulns',
    address: options.origin?.address ?? address,
    at: options.origin?.at ?? options.clock.now(),
    newest,
    bundled: options.bundled ?? false,
  });
  return summary;
}

/**
 * One path for the first, the next and the rewritten: list the tree, and read the CVEs whose blobs are not those stored.
 * The cursor only saves the listing when nothing happened.
 */
async function storeRecords(tx: Db, git: Git, onProgress?: OnProgress): Promise<VulnsSummary> {
  const head = await git.head();
  const none = { published: 0, rejected: 0, changed: 0, quarantined: 0 };
  if (head === null || head === (await getCursor(tx, 'vulns'))) return none;
  const entries = await listVulns(git, head);
  const stored = await storedOids(tx);
  const changed = [...entries.values()].filter(({ id, key }) => stored.get(id) !== key);
  const counts = { published: 0, rejected: 0, changed: 0, quarantined: 0 };
  for (const { state } of entries.values()) counts[state] += 1;
  const rows: CveRow[] = [];
  const bad: Quarantined[] = [...stored]
    .filter(([id, key]) => key !== '' && !entries.has(id))
    .map(([id]) => vanished(id));
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

/** Syncs the sample feed that comes with TuxTape; only into a store that holds nothing real. */
export async function syncBundled(
  options: Pick<SyncOptions, 'store' | 'dataDirectory' | 'clock'>,
): Promise<SyncSummary> {
  const { lore, vulns } = await buildSampleFeed(join(options.dataDirectory, 'sample-feed'));
  return syncFeed({ ...options, lore, vulns, bundled: true });
}
