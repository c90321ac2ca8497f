import PostalMime from 'postal-mime';
import { type Announcement, type CveId, type CveRecord, isCveId, MAX_FILES_PER_CVE, MAX_MAIL_BYTES } from '#domain';
import { FeedError } from './error.ts';
import { readVersionLines, sectionsOf } from './mail-sections.ts';

/** Who the kernel CNA sends as. The list only takes their mails; a mail of anybody else is set aside. */
const SENDERS = new Set(['gregkh@linuxfoundation.org', 'gregkh@kernel.org', 'lee@kernel.org', 'sashal@kernel.org']);
const MAX_NESTING = 8;

export interface ParsedMail {
  readonly announcement: Omit<Announcement, 'commit' | 'epoch' | 'withdrawn'>;
  readonly body: string;
  /** The CVE as this mail states it; null for a rejection, which says nothing about it. */
  readonly record: CveRecord | null;
}

/**
 * Reads one mail of linux-cve-announce as it was sent (MIME, folded headers, any transfer encoding).
 * Errors: mail-too-large, mail-unreadable, mail-sender, mail-not-an-announcement, mail-ids-disagree.
 */
export async function parseMail(raw: Uint8Array): Promise<ParsedMail> {
  if (raw.length > MAX_MAIL_BYTES)
    throw new FeedError('mail-too-large', 'untrusted', {
      what: `the mail has ${raw.length} bytes, at most ${MAX_MAIL_BYTES} are read`,
    });
  const mail = await PostalMime.parse(raw, { maxNestingDepth: MAX_NESTING }).catch((error: unknown) => {
    throw new FeedError('mail-unreadable', 'untrusted', { what: 'the mail is not readable MIME', cause: error });
  });
  const sender = mail.from?.address?.toLowerCase() ?? '';
  if (!SENDERS.has(sender))
    throw new FeedError('mail-sender', 'untrusted', { what: `the sender "${sender.slice(0, 80)}" is none of the CNA` });
  const subject = (mail.subject ?? '').replace(/\s+/g, ' ').trim();
  const body = (mail.text ?? '').replaceAll('\r\n', '\n');
  const head = /^(REJECTED: )?(CVE-\d{4}-\d{4,19}): (.+)$/.exec(subject);
  if (!head || !isCveId(head[2]!))
    throw new FeedError('mail-not-an-announcement', 'untrusted', {
      what: `the subject names no CVE: "${subject.slice(0, 100)}"`,
    });
  const [cve, title] = [head[2], head[3]!];
  const rejected = head[1] !== undefined;
  checkBodyId(body, cve, rejected);
  const announcement = {
    messageId: (mail.messageId ?? '').replace(/^<|>$/g, '').slice(0, 500),
    cve,
    kind: rejected ? ('rejected' as const) : ('published' as const),
    subject,
    sender,
    sentAt: isoDate(mail.date),
  };
  return { announcement, body, record: rejected ? null : recordOf(cve, title, body) };
}

/** The subject and the sentence in the body must name the same CVE. */
function checkBodyId(body: string, cve: CveId, rejected: boolean): void {
  const sentence = rejected
    ? /\b(CVE-\d{4}-\d{4,19}) has now been rejected/
    : /\bhas\s+assigned\s+(CVE-\d{4}-\d{4,19})\s+to\s+this\s+issue/;
  const named = sentence.exec(body)?.[1];
  if (named === cve) return;
  throw new FeedError(named === undefined ? 'mail-not-an-announcement' : 'mail-ids-disagree', 'untrusted', {
    what:
      named === undefined
        ? 'the body does not say which CVE was assigned'
        : `the subject says ${cve}, the body ${named}`,
  });
}

function isoDate(text: string | undefined): string | null {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

function recordOf(cve: CveId, title: string, body: string): CveRecord {
  const sections = sectionsOf(body);
  const description = (sections.get('Description') ?? '')
    .replace(/^In the Linux kernel, the following vulnerability has been (?:resolved|found):\s*/, '')
    .replace(/\s*The Linux kernel CVE team has assigned CVE-\d+-\d+ to this issue\.\s*$/, '');
  const tabbed = (name: string): string[] =>
    (sections.get(name) ?? '').split('\n').flatMap((line) => (line.startsWith('\t') ? [line.trim()] : []));
  return {
    id: cve,
    state: 'published',
    source: 'mail',
    title,
    description,
    files: tabbed('Affected files').slice(0, MAX_FILES_PER_CVE),
    ranges: readVersionLines(tabbed('Affected and fixed versions')),
    cvssVector: null,
    rationale: null,
    vulnerableCommits: [],
    references: tabbed('Mitigation').filter((line) => line.startsWith('https://')),
  };
}
