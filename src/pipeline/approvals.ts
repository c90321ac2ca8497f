import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ApprovalState,
  type GivenApproval,
  judgeApprovals,
  type LivepatchRecipe,
  patchNameOf,
  type Reviewer,
  StageError,
} from '#domain';
import { exists, readLimited, sha256 } from '#host';
import {
  type ApprovalWords,
  claimedKey,
  differing,
  openEnvelope,
  parsePublicKey,
  readApprovalStatement,
  readEnvelope,
  type Subject,
  unreadableAttestation,
} from '#livepatch';
import { findPatch, holdsOf, type LivepatchRow, listReviewers, needLivepatch, newestVersion, type Store } from '#store';
import { GATE_FILE, readSignedGate, type SignedGate } from './gate-record.ts';

export const APPROVAL_ENDING = '.dsse.json';
const MAX_APPROVAL_BYTES = 256 << 10;
/** More files than this are not looked at one by one: nobody has so many reviewers. */
const MAX_APPROVALS = 256;

export interface ApprovalPlace {
  readonly store: Store;
}

/** One approval file as it was found. `words` null: nothing of it is believed. */
export interface FoundApproval {
  readonly file: string;
  readonly reviewer: string;
  readonly keyId: string;
  readonly words: ApprovalWords | null;
  /** Null: it counts. */
  readonly why: string | null;
  readonly sha256: string;
}

export interface LivepatchApprovals {
  readonly livepatch: LivepatchRow;
  readonly record: SignedGate;
  readonly approvals: readonly FoundApproval[];
  readonly state: ApprovalState;
  /** Why every approval of it is void; null: not so. */
  readonly edited: string | null;
}

/**
 * Every approval of a livepatch, each verified again: its signature, that its key is a reviewer's, and that it is of the patch, the
 * module, the recipe and the gate record that are there now. Errors: not-found and those of `readSignedGate`; what is wrong with an
 * approval is told with it.
 */
export async function livepatchApprovals(place: ApprovalPlace, key: string): Promise<LivepatchApprovals> {
  const livepatch = await needLivepatch(place.store.db, key);
  const record = await readSignedGate(place.store, livepatch);
  const edited = await editedSince(place.store, livepatch, record.recipe);
  const reviewers = await listReviewers(place.store.db);
  const subject = subjectOf(record);
  const read: (FoundApproval & GivenApproval)[] = [];
  for (const file of await approvalFiles(livepatch)) {
    const one = await readApproval(file, reviewers, subject);
    read.push({ ...one, fault: one.fault ?? edited });
  }
  const state = judgeApprovals(record.recipe, read);
  const approvals = read.map(({ file, reviewer, keyId, words, sha256: hash }, i) => {
    return { file, reviewer, keyId, words, why: state.judged[i]!.why, sha256: hash };
  });
  return { livepatch, record, approvals, state, edited };
}

/** What an approval says yes to, by hash. */
export function subjectOf({ files, sha256: gate }: SignedGate): Subject {
  return { ...files, [GATE_FILE]: gate };
}

/**
 * Why what was built is not what people want any more: a fix of it was taken back, a patch of it was edited, or one was opened for its CVEs and edited. Null:
 * nothing of that.
 */
async function editedSince(
  { db }: Store,
  { kernelId }: LivepatchRow,
  { versions = [], cves, patchSha256 }: LivepatchRecipe,
): Promise<string | null> {
  const built = new Map(versions.map(({ patch, sha256: hash }) => [patch, hash]));
  const holds = await holdsOf(db, kernelId);
  const held = cves.map((cve) => holds.get(cve)).find((one) => one !== undefined);
  if (held !== undefined) return `the fix of ${held.cve} was taken back: ${held.reason}`;
  for (const name of new Set([...built.keys(), patchNameOf(cves), ...cves])) {
    const patch = await findPatch(db, kernelId, name);
    const newest = patch === undefined ? undefined : await newestVersion(db, patch.id);
    if (newest === undefined || [built.get(name), patchSha256].includes(newest.sha256)) continue;
    // Opened and not touched: the fixes, which this livepatch was built from, too.
    if (!built.has(name) && newest.origin.kind === 'fixes') continue;
    return `patch ${name} was edited: version ${newest.number} is not in this livepatch`;
  }
  return null;
}

export function approvalFolder({ directory }: LivepatchRow): string {
  return join(directory, 'approvals');
}

async function approvalFiles(row: LivepatchRow): Promise<string[]> {
  const folder = approvalFolder(row);
  if (!(await exists(folder))) return [];
  const names = (await readdir(folder)).filter((name) => name.endsWith(APPROVAL_ENDING)).toSorted();
  if (names.length <= MAX_APPROVALS) return names.map((name) => join(folder, name));
  throw unreadableAttestation(`there are ${names.length} files, at most ${MAX_APPROVALS} are read`, folder);
}

async function readApproval(
  file: string,
  reviewers: readonly Reviewer[],
  subject: Subject,
): Promise<FoundApproval & GivenApproval> {
  const nothing = { file, reviewer: 'unknown', aliases: [], keyId: '', accepted: [], words: null, why: null };
  let hash = '';
  let claimed = '';
  try {
    const content = await readLimited(file, MAX_APPROVAL_BYTES);
    hash = sha256(content);
    const envelope = readEnvelope(content.toString('utf8'), file);
    claimed = claimedKey(envelope);
    const reviewer = reviewers.find(({ keyId }) => keyId === claimed);
    if (reviewer === undefined)
      return { ...nothing, keyId: claimed, sha256: hash, fault: 'its key is not that of a reviewer' };
    const { name, aliases, keyId, publicKey } = reviewer;
    const statement = readApprovalStatement(openEnvelope(envelope, parsePublicKey(publicKey, name), file), file);
    const { words } = statement;
    const others = differing(statement.subject, subject);
    const fault =
      words.reviewer !== name
        ? `it names ${JSON.stringify(words.reviewer)}, and the key is of ${name}`
        : others.length > 0
          ? `it is of another ${others.join(', ')}`
          : null;
    return { ...nothing, reviewer: name, aliases, keyId, accepted: words.accepted, words, sha256: hash, fault };
  } catch (error) {
    if (!(error instanceof StageError)) throw error;
    return { ...nothing, keyId: claimed, sha256: hash, fault: error.message };
  }
}
