import type { LivepatchRecipe } from './livepatch.ts';

/** Whom the autopilot writes down as the author of what it built. No reviewer may be called so. */
export const AUTOPILOT_AUTHOR = 'autopilot';

/** Who may approve: a person, and the public half of a key that only this person has. */
export interface Reviewer {
  readonly name: string;
  /** Names under which the same person makes edits and builds. */
  readonly aliases: readonly string[];
  /** sha256 of the public key's SubjectPublicKeyInfo (DER), hexadecimal. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
  readonly addedBy: string;
  readonly addedAt: Date;
}

const REVIEWER_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** A name that is a file name, too: lower-case letters, digits, `.`, `_` and `-`. */
export function isReviewerName(text: string): boolean {
  return REVIEWER_NAME.test(text) && text !== AUTOPILOT_AUTHOR;
}

/** What of a livepatch decides how much approval it needs. */
export type ReviewSubject = Pick<LivepatchRecipe, 'fit' | 'findings' | 'answers' | 'authors'>;

/** An approval as it was found. `fault`: why its file proves nothing; its other fields are then not believed. */
export interface GivenApproval {
  readonly reviewer: string;
  readonly aliases: readonly string[];
  readonly keyId: string;
  readonly accepted: readonly string[];
  readonly fault: string | null;
}

export interface ApprovalNeed {
  readonly needed: 1 | 2;
  /** Why a second person must say yes; empty: one is enough. */
  readonly why: readonly string[];
  /** Codes of findings, and of what the machine answered by itself, that each approval has to name. */
  readonly accept: readonly string[];
}

export interface ApprovalState extends ApprovalNeed {
  readonly counted: number;
  readonly enough: boolean;
  /** One for each that was given, in that order; `why` null: it counts. */
  readonly judged: readonly { readonly reviewer: string; readonly why: string | null }[];
  /** What is missing, in sentences without a full stop; empty: nothing. */
  readonly missing: readonly string[];
}

/** Hunks went where the fix says, and the lines around them were those of the fix (patch(1)). */
const CLOSE_FITS: ReadonlySet<string> = new Set(['exact', 'offset']);

/**
 * How many people must approve a livepatch: one; two where a finding of the lint says so, where the machine changed the fix by
 * itself (`answers`), where the change was laid on by guess (fuzz, three-way), and where any of this, or who made it, is not known.
 */
export function approvalNeed({ fit, findings, answers = [], authors }: ReviewSubject): ApprovalNeed {
  const grave = unique((findings ?? []).filter(({ level }) => level !== 'note').map(({ code }) => code));
  const answered = unique(answers.map(({ code }) => code));
  const accept = unique([...grave, ...answered]);
  const why = [
    ...grave.map((code) => `the lint says ${code}`),
    ...answered.map((code) => `the machine changed the fix: ${code}`),
    ...(findings === undefined ? ['the change was not linted'] : []),
    ...(fit === undefined ? ['how the change fits was not recorded'] : []),
    ...(fit === undefined || CLOSE_FITS.has(fit.how) ? [] : [`the change fits by ${fit.how}`]),
    ...(authors === undefined || authors.length === 0 ? ['who made it was not recorded'] : []),
  ];
  return { needed: why.length > 0 ? 2 : 1, why, accept };
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)].toSorted();
}

/** Whether one of these names is that of somebody who made the change or had it built. */
export function isAuthor({ authors }: ReviewSubject, names: readonly string[]): boolean {
  return isSamePerson(authors ?? [], names);
}

/** Whether any of these names means the same person as any of those: `Ann Lee <ann@site>` is `ann lee` and `ann@site`, too. */
export function isSamePerson(some: readonly string[], others: readonly string[]): boolean {
  const known = new Set(some.flatMap(meanings));
  return others.flatMap(meanings).some((meaning) => known.has(meaning));
}

function meanings(name: string): string[] {
  const [, person = '', mail = ''] = /^([^<>]*)<([^<>]*)>\s*$/.exec(name) ?? [];
  return [name, person, mail].map(plain).filter((meaning) => meaning !== '');
}

function plain(name: string): string {
  return name.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}

/** Which approvals count, and whether they are enough. Each counts once a person and once a key; no one's own counts. */
export function judgeApprovals(subject: ReviewSubject, given: readonly GivenApproval[]): ApprovalState {
  const need = approvalNeed(subject);
  const seen: GivenApproval[] = [];
  const judged = given.map((approval) => {
    const why = whyNot(subject, need, approval, seen);
    if (why === null) seen.push(approval);
    return { reviewer: approval.reviewer, why };
  });
  const counted = judged.filter(({ why }) => why === null).length;
  const enough = counted >= need.needed;
  return { ...need, counted, enough, judged, missing: enough ? [] : missing(need, counted, judged) };
}

function whyNot(
  subject: ReviewSubject,
  { accept }: ApprovalNeed,
  { reviewer, aliases, keyId, accepted, fault }: GivenApproval,
  seen: readonly GivenApproval[],
): string | null {
  if (fault !== null) return fault;
  if (isAuthor(subject, [reviewer, ...aliases])) return 'it is of an author of the livepatch';
  const silent = accept.filter((code) => !accepted.includes(code));
  if (silent.length > 0) return `it does not accept ${silent.join(', ')}`;
  const isSeen = (one: GivenApproval): boolean =>
    one.keyId === keyId || isSamePerson([one.reviewer, ...one.aliases], [reviewer, ...aliases]);
  if (seen.some(isSeen)) return 'this person approved already';
  return null;
}

function missing({ needed, why }: ApprovalNeed, counted: number, judged: ApprovalState['judged']): string[] {
  const more = needed - counted;
  const reasons = why.length === 0 ? '' : ` (two are needed: ${why.join('; ')})`;
  return [
    `${more} more ${more === 1 ? 'approval' : 'approvals'}${reasons}`,
    ...judged.flatMap(({ reviewer, why: fault }) =>
      fault === null ? [] : [`that of ${reviewer} does not count: ${fault}`],
    ),
  ];
}

/** `waits for approval (1 of 2)`, or `approved (2 of 2)`. */
export function approvalWord({ counted, needed, enough }: ApprovalState): string {
  return `${enough ? 'approved' : 'waits for approval'} (${counted} of ${needed})`;
}
