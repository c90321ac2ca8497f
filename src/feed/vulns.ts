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
import { parseRecord, type RecordFiles } from './record.ts';

/** The files of a CVE that are read, by extension (vulns.git, README and tools/bippy). */
const KINDS = ['json', 'dyad', 'cvss', 'vulnerable', 'reference'] as const;
type Kind = (typeof KINDS)[number];
type VulnsBlobs = Readonly<Partial<Record<Kind, string>>> & { readonly json: string };

/** The blobs that make up one CVE in vulns.git. */
export interface VulnsEntry {
  readonly id: CveId;
  readonly state: CveState;
  readonly blobs: VulnsBlobs;
  /** Names the content: two entries with the same key need not be read twice. */
  readonly key: string;
}

/** Lists every CVE of a commit, or one: those below cve/published and cve/rejected. A CVE in both is rejected. */
export async function listVulns(git: Git, commit: string, only?: CveId): Promise<Map<CveId, VulnsEntry>> {
  const folders = ['cve/published', 'cve/rejected'];
  const paths = only === undefined ? folders : folders.flatMap((folder) => filesOf(folder, only));
  const { stdout } = await git.run(['ls-tree', '-r', '-z', '--full-tree', commit, ...paths]);
  const found = new Map<CveId, { state: CveState; blobs: Partial<Record<Kind, string>> }>();
  for (const line of stdout.split('\0')) {
    const match = FILE.exec(line);
    if (!match || !isCveId(match[3]!)) continue;
    const [oid, state, id, kind] = [match[1]!, match[2] as CveState, match[3], match[4] as Kind];
    const entry = found.get(id);
    if (entry === undefined || entry.state !== state) {
      if (entry?.state === 'rejected') continue;
      found.set(id, { state, blobs: { [kind]: oid } });
    } else entry.blobs[kind] = oid;
  }
  const entries = new Map<CveId, VulnsEntry>();
  for (const [id, { state, blobs }] of found) {
    const { json } = blobs;
    if (json === undefined) continue;
    const key = [state, ...KINDS.map((kind) => blobs[kind] ?? '-')].join(' ');
    entries.set(id, { id, state, blobs: { ...blobs, json }, key });
  }
  return entries;
}

function filesOf(folder: string, id: CveId): string[] {
  return KINDS.map((kind) => `${folder}/${id.split('-')[1]}/${id}.${kind}`);
}

const FILE = new RegExp(
  `^\\d+ blob ([0-9a-f]+)\tcve/(published|rejected)/\\d{4}/(CVE-\\d{4}-\\d+)\\.(${KINDS.join('|')})$`,
);

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
  const requests = entries.flatMap(({ blobs }) => KINDS.flatMap((kind) => blobs[kind] ?? []));
  const contents = git.catFile(requests, MAX_RECORD_BYTES)[Symbol.asyncIterator]();
  for (const entry of entries) {
    const files: Partial<Record<Kind, Buffer>> = {};
    let whole = true;
    for (const kind of KINDS) {
      if (entry.blobs[kind] === undefined) continue;
      const next = await contents.next();
      const content = next.done === true ? null : next.value.content;
      if (content === null) whole = false;
      else files[kind] = content;
    }
    yield readRecord(entry, whole ? files : null);
  }
}

function readRecord(entry: VulnsEntry, files: Partial<RecordFiles> | null): VulnsItem {
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
  const json = files?.json;
  if (files === null || json === undefined)
    return bad('record-too-large', `a file of the record is missing or has more than ${MAX_RECORD_BYTES} bytes`);
  try {
    const { record, score, doubt } = parseRecord(entry.id, entry.state, { ...files, json });
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
