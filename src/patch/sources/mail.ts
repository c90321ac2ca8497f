import { PatchError } from '../error.ts';

/** First line of a mail of git-format-patch(1), and of cgit's `/patch/`: the commit, and a date that is always the same. */
const FROM = /^From ([0-9a-f]{40,64}) [A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}$/gm;

export function isCommitName(text: string): boolean {
  return /^[0-9a-f]{7,40}$/.test(text);
}

/** The commits that a text says it is the change of. */
export function commitsOfMail(text: string): string[] {
  return [...text.matchAll(FROM)].map((match) => match[1]!);
}

/**
 * A text that names its commit must name the one that was asked for, and no other besides; one that must name it does.
 * Errors: wrong-commit.
 */
export function requireCommit(text: string, commit: string, where: string, mustSay: boolean): void {
  const named = commitsOfMail(text);
  const [first] = named;
  if (first === undefined && !mustSay) return;
  if (first?.startsWith(commit) === true && named.length === 1) return;
  throw new PatchError('wrong-commit', 'untrusted', {
    what:
      first === undefined
        ? `it does not say that it is commit ${commit}`
        : named.length > 1
          ? `it holds ${named.length} commits, and ${commit} alone was asked for`
          : `it says that it is commit ${first}, and ${commit} was asked for`,
    where,
    remedy: 'do not use this source before it is known why; nothing of it was taken',
  });
}

/** The `Date:` in the head of the mail, in milliseconds since 1970; null: none that can be read. */
export function dateOfMail(text: string): number | null {
  const head = text.slice(0, text.indexOf('\n\n') + 1);
  const date = Date.parse(/^Date: (.{1,60})$/m.exec(head)?.[1] ?? '');
  return Number.isNaN(date) ? null : date;
}
