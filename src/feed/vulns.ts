import {
  type CveId,
  type CveRecord,
  type CveState,
  isCveId,
  MAX_RECORD_BYTES,
  type Quarantined,
  StageError,
} from '#domain';
import type { Git } from '#host';
import { FeedError } from './error.ts';
import { parseRecord } from './record.ts';

/** The blobs that make up one CVE in vulns.git. */
export interface VulnsEntry {
  readonly id: CveId;
  readonly state: CveState;
  readonly json: string;
  readonly dyad: string | undefined;
  /** Names the content: two entries with the same key need not be read twice. */
  readonly key: string;
}

/** Lists every CVE of a commit: those below cve/published and cve/rejected. A CVE in both is rejected. */
export async function listVulns(git: Git, commit: string): Promise<Map<CveId, VulnsEntry>> {
  const { stdout } = await git.run(['ls-tree', '-r', '-z', '--full-tree', commit, 'cve/published', 'cve/rejected']);
  const found = new Map<CveId, { state: CveState; json?: string; dyad?: string }>();
  for (const line of stdout.split('\0')) {
    const match = /^\d+ blob ([0-9a-f]+)\tcve\/(published|rejected)\/\d{4}\/(CVE-\d{4}-\d+)\.(json|dyad)$/.exec(line);
    if (!match || !isCveId(match[3]!)) continue;
    const [oid, state, id, kind] = [match[1]!, match[2] as CveState, match[3], match[4] as 'json' | 'dyad'];
    const entry = found.get(id);
    if (entry === undefined || entry.state !== state) {
      if (entry?.state === 'rejected') continue;
      found.set(id, { state, [kind]: oid });
    } else entry[kind] = oid;
  }
  const entries = new Map<CveId, VulnsEntry>();
  for (const [id, { state, json, dyad }] of found) {
    if (json !== undefined) entries.set(id, { id, state, json, dyad, key: `${state} ${json} ${dyad ?? '-'}` });
  }
  return entries;
}

export type VulnsItem =
  | {
      readonly kind: 'record';
      readonly entry: VulnsEntry;
      readonly record: CveRecord;
      readonly score: number | null;
      readonly doubt: Quarantined | null;
    }
  | { readonly kind: 'bad'; readonly entry: VulnsEntry; readonly quarantined: Quarantined };

/** Reads the records of entries, through one stream of blobs. A bad record is set aside with its reason. */
export async function* readRecords(git: Git, entries: readonly VulnsEntry[]): AsyncGenerator<VulnsItem> {
  const requests = entries.flatMap(({ json, dyad }) => (dyad === undefined ? [json] : [json, dyad]));
  const blobs = git.catFile(requests, MAX_RECORD_BYTES)[Symbol.asyncIterator]();
  const next = async (): Promise<Buffer | null> => {
    const result = await blobs.next();
    return result.done === true ? null : result.value.content;
  };
  for (const entry of entries) {
    const json = await next();
    const dyad = entry.dyad === undefined ? undefined : await next();
    yield readRecord(entry, json, dyad);
  }
}

function readRecord(entry: VulnsEntry, json: Buffer | null, dyad: Buffer | null | undefined): VulnsItem {
  const quarantined = (code: string, reason: string): Quarantined => ({
    source: 'vulns',
    item: `${entry.state}/${entry.id}`,
    code,
    reason,
  });
  const bad = (code: string, reason: string): VulnsItem => ({
    kind: 'bad',
    entry,
    quarantined: quarantined(code, reason),
  });
  if (json === null || dyad === null)
    return bad('record-too-large', `a file of the record is missing or has more than ${MAX_RECORD_BYTES} bytes`);
  try {
    const { record, score, doubt } = parseRecord(entry.id, entry.state, { json, dyad });
    return { kind: 'record', entry, record, score, doubt: doubt && quarantined(doubt.code, doubt.message) };
  } catch (error) {
    if (error instanceof StageError) return bad(error.code as string, error.message);
    throw error;
  }
}

/** A CVE that was there and is in neither folder now. It stays as it was: nobody said that it is no problem. */
export function vanished(id: CveId): Quarantined {
  const error = new FeedError('record-vanished', 'untrusted', {
    what: `${id} is neither published nor rejected any more; its last content is kept`,
  });
  return { source: 'vulns', item: `gone/${id}`, code: error.code, reason: error.message };
}

/** Committer time of a commit: when the newest content of the source was made. */
export async function commitTime(git: Git, commit: string): Promise<Date | null> {
  const { stdout } = await git.run(['show', '-s', '--format=%cI', commit]);
  const time = Date.parse(stdout.trim());
  return Number.isNaN(time) ? null : new Date(time);
}
