import { join } from 'node:path';
import type { Announcement, CveId, CveRecord, Quarantined } from '#domain';
import { commitTime, epochDelta, epochsIn, findEpochs, mirror, readMails } from '#feed';
import type { Git } from '#host';
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
  releaseSource,
  setCursor,
  upsertCves,
  withdrawAnnouncements,
} from '#store';
import { type OnProgress, readState, type SyncOptions } from './sync-options.ts';

const BATCH = 1_000;

export interface LoreSummary {
  readonly epochs: number;
  readonly mails: number;
  readonly announced: number;
  readonly rejections: number;
  readonly withdrawn: number;
  readonly quarantined: number;
  readonly rewritten: number;
}

/** Reads the mails that are new in every epoch; each epoch lands in one transaction with its cursor. */
export async function syncLore(options: SyncOptions, address: string): Promise<LoreSummary> {
  const mirrors = join(options.dataDirectory, 'mirrors/lore');
  const epochs = await findEpochs(address, await epochsIn(mirrors), options.signal);
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
    const git = await mirror(epochAddress, join(mirrors, `${number}.git`), { signal: options.signal });
    await inTransaction(options.store.db, async (tx) => {
      const part = await syncEpoch(tx, git, number, options.onProgress);
      for (const key of Object.keys(part) as (keyof typeof part)[]) total[key] += part[key];
    });
    const head = await git.head();
    newest = head === null ? newest : await commitTime(git, head);
  }
  await recordSync(options.store.db, readState(options, 'lore', address, newest));
  return total;
}

type EpochCounts = Omit<LoreSummary, 'epochs'>;

async function syncEpoch(tx: Db, git: Git, epoch: number, onProgress?: OnProgress): Promise<EpochCounts> {
  const counts = { mails: 0, announced: 0, rejections: 0, withdrawn: 0, quarantined: 0, rewritten: 0 };
  const source = `lore/${epoch}`;
  const delta = await epochDelta(git, await getCursor(tx, source));
  if (delta === null) return counts;
  // A rewritten history gives every later mail another commit: the epoch is told again from its start.
  if (delta.rewritten) {
    await dropAnnouncements(tx, epoch);
    await releaseSource(tx, source);
  }
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
