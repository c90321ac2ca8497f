import { mergeNotices, type Notice, type NoticeDelivery } from '#domain';

const MOST_SUBJECT_LETTERS = 120;
const MOST_TITLE_LETTERS = 200;

/** Hostile text on one line: control and format characters (line ends, bidi overrides, zero widths) become `?`. */
export function plain(text: string, most: number): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '?').trim();
  return clean.length <= most ? clean : `${clean.slice(0, most - 1).toWellFormed()}…`;
}

export interface MessageText {
  readonly subject: string;
  /** Lines; the first says what this is. */
  readonly lines: readonly string[];
}

/** A message in words: the worst first. `name`: of the installation. */
export function textOf({ notices, left, rule }: NoticeDelivery, name: string | null): MessageText {
  const merged = mergeNotices(notices).toSorted((a, b) => rankOf(a) - rankOf(b));
  const total = notices.reduce((sum, { count }) => sum + count, 0) + left;
  const [first] = merged;
  const who = name === null ? 'TuxTape' : `TuxTape ${plain(name, 40)}`;
  const worst = first === undefined ? 'nothing' : headOf(first);
  const subject = plain(
    `[${who}] ${worst}${merged.length > 1 ? ` and ${total - first!.count} more` : ''}`,
    MOST_SUBJECT_LETTERS,
  );
  return {
    subject,
    lines: [
      `${who}: ${total} ${total === 1 ? 'notice' : 'notices'}${rule === 'test' ? ' (a test)' : `, by rule ${rule}`}`,
      ...merged.map(lineOf),
      ...(left > 0 ? [`and ${left} more: see "tuxtape triage", "tuxtape pipeline" and "tuxtape host list"`] : []),
    ],
  };
}

const order = ['critical', 'not-scored', 'high', 'medium', 'low', 'none'];

function rankOf({ severity }: Notice): number {
  return order.indexOf(severity);
}

function headOf(notice: Notice): string {
  const { kind, state, count, kernels } = notice;
  const where = kernels.length === 0 ? '' : ` (${kernels.map((kernel) => plain(kernel, 64)).join(', ')})`;
  const subject = plain(notice.subject, 64);
  const what = plain(state, 48);
  switch (kind) {
    case 'verdict':
      return `${subject} is ${what}${where}`;
    case 'exploited':
      return `${subject} is ${state === 'exploited' ? 'exploited' : 'exploitable in public'}${kernels.length === 0 ? ', and affects no kernel here' : where}`;
    case 'livepatch':
      return `livepatch ${subject} ${state === 'waits-for-approval' ? 'waits for approval' : 'failed its proof'}${where}`;
    case 'task':
      return `task: ${subject}: ${what}${where}`;
    case 'report':
      return `a livepatch is blamed for ${what} on ${hosts(count, subject)}${where}`;
    case 'host':
      return `${hosts(count, subject)}: ${what}${where}`;
    default:
      return `${kind}: ${subject}: ${what}${where}`;
  }
}

function hosts(count: number, subject: string): string {
  return count === 1 ? `host ${subject}` : `${count} hosts`;
}

function lineOf(notice: Notice): string {
  const { severity, severityFrom, title, count, subjects } = notice;
  const how = severityFrom === 'predicted' ? ` (predicted)` : '';
  const names =
    count === 1 ? '' : ` (${subjects.map((one) => plain(one, 64)).join(', ')}${count > subjects.length ? ', …' : ''})`;
  const about = title === '' ? '' : `: ${plain(title, MOST_TITLE_LETTERS)}`;
  return `${severity.toUpperCase()}${how}  ${headOf(notice)}${names}${about}`;
}
