import { join } from 'node:path';
import { approvalNeed, isAuthor, type Reviewer } from '#domain';
import { type Clock, writeAtomic } from '#host';
import {
  approvalStatement,
  keyIdOf,
  type LivepatchCode,
  LivepatchError,
  readPrivateKey,
  sealStatement,
} from '#livepatch';
import { addAudit, listReviewers, type Store } from '#store';
import {
  APPROVAL_ENDING,
  type ApprovalPlace,
  approvalFolder,
  type LivepatchApprovals,
  livepatchApprovals,
  subjectOf,
} from './approvals.ts';

const MAX_REASON = 4_096;

export interface ApproveOptions extends ApprovalPlace {
  /** Id or module name. */
  readonly livepatch: string;
  /** File of the reviewer's private key. */
  readonly keyFile: string;
  readonly passphrase: string | null;
  readonly reason: string;
  /** Codes of the lint's findings that the reviewer has read and takes. */
  readonly accept: readonly string[];
  readonly clock: Clock;
}

/**
 * Says yes to a proved livepatch, as the reviewer whose key it is; one of the same reviewer before it goes. Returns what holds then.
 * Errors: those of `livepatchApprovals`; not-proved (it did not pass); key-invalid, key-locked, reviewer-unknown, approval-own,
 * approval-unaccepted, approval-invalid, patch-edited.
 */
export async function approveLivepatch(options: ApproveOptions): Promise<LivepatchApprovals> {
  const { store, clock, keyFile } = options;
  const key = await readPrivateKey(keyFile, options.passphrase);
  const found = await livepatchApprovals(options, options.livepatch);
  const reviewer = await reviewerOf(store, keyIdOf(key), keyFile);
  const reason = options.reason.trim();
  const accepted = [...new Set(options.accept)].toSorted();
  refuseUnfit(found, reviewer);
  refuseWords(found, reason, accepted);
  const { livepatch, record } = found;
  const approvedAt = clock.now();
  const words = { reviewer: reviewer.name, reason, accepted, approvedAt: approvedAt.toISOString() };
  const envelope = sealStatement(approvalStatement(subjectOf(record), words), key);
  await writeAtomic(join(approvalFolder(livepatch), `${reviewer.name}${APPROVAL_ENDING}`), envelope);
  const detail = { gate: record.sha256, reason, accepted };
  const [actor, subject] = [reviewer.name, livepatch.id];
  await addAudit(store.db, { at: approvedAt, actor, action: 'livepatch.approve', subject, detail });
  return livepatchApprovals(options, livepatch.id);
}

async function reviewerOf({ db }: Store, keyId: string, where: string): Promise<Reviewer> {
  const found = (await listReviewers(db)).find((one) => one.keyId === keyId);
  if (found !== undefined) return found;
  throw new LivepatchError('reviewer-unknown', 'input', {
    what: 'this key is not that of a reviewer',
    where,
    remedy: 'have its public half added with "tuxtape reviewer add NAME --public FILE"',
  });
}

/** What nobody, or not this person, may approve. */
function refuseUnfit({ livepatch, record, edited }: LivepatchApprovals, { name, aliases }: Reviewer): void {
  const where = livepatch.moduleName;
  if (!record.gate.passed)
    throw refusal('not-proved', where, 'it did not pass its proof', 'see what failed: "tuxtape livepatch show"');
  if (edited !== null) throw refusal('patch-edited', where, edited, 'build and prove the newest version');
  if (isAuthor(record.recipe, [name, ...aliases])) {
    const what = `${name} is an author of it, and nobody approves what is their own`;
    throw refusal('approval-own', where, what, 'let another reviewer look at it');
  }
}

function refuseWords({ livepatch, record }: LivepatchApprovals, reason: string, accepted: readonly string[]): void {
  const where = livepatch.moduleName;
  if (reason === '' || reason.length > MAX_REASON) {
    const what = `a reason of 1 to ${MAX_REASON} characters is wanted`;
    throw refusal('approval-invalid', where, what, 'say with --reason what was looked at');
  }
  const silent = approvalNeed(record.recipe).accept.filter((code) => !accepted.includes(code));
  if (silent.length > 0) {
    const flags = silent.map((code) => `--accept ${code}`).join(' ');
    const what = `${silent.join(', ')} is to be accepted, and the approval does not name it`;
    throw refusal('approval-unaccepted', where, what, `read it in "tuxtape livepatch show", then give ${flags}`);
  }
  const { findings = [], answers = [] } = record.recipe;
  const said = new Set<string>([...findings, ...answers].map(({ code }) => code));
  const foreign = accepted.filter((code) => !said.has(code));
  if (foreign.length > 0)
    throw refusal(
      'approval-invalid',
      where,
      `nothing says ${foreign.join(', ')}`,
      'accept what "tuxtape livepatch show" lists',
    );
}

function refusal(code: LivepatchCode, where: string, what: string, remedy: string): LivepatchError {
  return new LivepatchError(code, 'input', { what, where, remedy });
}
