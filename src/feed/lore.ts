import { MAX_MAIL_BYTES, type Quarantined, StageError } from '#domain';
import type { Git } from '#host';
import { type ParsedMail, parseMail } from './mail.ts';

/** A commit of an epoch: its mail, or why there is none. `withdrawn`: the archive took a mail back (blob `d`), this one. */
export type EpochItem =
  | { readonly kind: 'mail'; readonly commit: string; readonly mail: ParsedMail }
  | { readonly kind: 'bad'; readonly commit: string; readonly quarantined: Quarantined }
  | { readonly kind: 'withdrawn'; readonly commit: string; readonly messageId: string | null };

export interface EpochDelta {
  readonly head: string;
  /** The cursor is not an ancestor of the head any more: every commit is new. */
  readonly rewritten: boolean;
  readonly commits: readonly string[];
}

/** Commits after the cursor, oldest first; all of them when there is no cursor or the history was rewritten. */
export async function epochDelta(git: Git, cursor: string | null): Promise<EpochDelta | null> {
  const head = await git.head();
  if (head === null) return null;
  const known = cursor !== null && (await git.isAncestor(cursor, head));
  const range = known ? `${cursor}..${head}` : head;
  const commits = cursor === head ? [] : await git.lines('rev-list', '--reverse', range);
  return { head, rewritten: cursor !== null && !known, commits };
}

/** Reads the mails of commits. A bad mail is set aside with its reason; it never stops the rest. */
export async function* readMails(git: Git, epoch: number, commits: readonly string[]): AsyncGenerator<EpochItem> {
  let index = 0;
  for await (const blob of git.catFile(
    commits.map((commit) => `${commit}:m`),
    MAX_MAIL_BYTES,
  )) {
    const commit = commits[index]!;
    index += 1;
    if (blob.oid === null) yield await readWithdrawal(git, epoch, commit);
    else yield await readMail(epoch, commit, blob.content, blob.size);
  }
}

/** A commit without `m` must hold `d`, the mail that is taken back; anything else is a damaged mirror, and no withdrawal. */
async function readWithdrawal(git: Git, epoch: number, commit: string): Promise<EpochItem> {
  for await (const { oid, content } of git.catFile([`${commit}:d`], MAX_MAIL_BYTES)) {
    if (oid === null) break;
    const mail = content === null ? null : await parseMail(content).catch(() => null);
    return { kind: 'withdrawn', commit, messageId: mail?.announcement.messageId || null };
  }
  const reason = 'the commit holds neither a mail nor a withdrawal';
  return {
    kind: 'bad',
    commit,
    quarantined: { source: `lore/${epoch}`, item: `${commit}:m`, code: 'mail-missing', reason },
  };
}

async function readMail(epoch: number, commit: string, content: Buffer | null, size: number): Promise<EpochItem> {
  const bad = (code: string, reason: string): EpochItem => ({
    kind: 'bad',
    commit,
    quarantined: { source: `lore/${epoch}`, item: `${commit}:m`, code, reason },
  });
  if (content === null) return bad('mail-too-large', `the mail has ${size} bytes, at most ${MAX_MAIL_BYTES} are read`);
  if (size === 0) return bad('mail-missing', 'the mail is empty: it was purged from the archive');
  try {
    return { kind: 'mail', commit, mail: await parseMail(content) };
  } catch (error) {
    if (error instanceof StageError) return bad(error.code as string, error.message);
    throw error;
  }
}
