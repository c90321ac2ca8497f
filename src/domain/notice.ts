import type { CveId } from './cve-id.ts';
import { type Severity, severityOf } from './severity.ts';

/** What people are told of. Each is written by the database in the transaction of what it tells of. */
export const noticeKinds = ['verdict', 'exploited', 'livepatch', 'task', 'report', 'host', 'rollout', 'test'] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export function isNoticeKind(text: string): text is NoticeKind {
  return (noticeKinds as readonly string[]).includes(text);
}

/** Least severities that a rule can ask for; `none` is all. */
export const leastSeverities = ['critical', 'high', 'medium', 'low', 'none'] as const;
export type LeastSeverity = (typeof leastSeverities)[number];

export function isLeastSeverity(text: string): text is LeastSeverity {
  return (leastSeverities as readonly string[]).includes(text);
}

/** One thing to tell, as it was when it was found. Title, subject, names and detail may hold hostile text. */
export interface Notice {
  readonly at: string;
  readonly kind: NoticeKind;
  /** `affected`, `waits-for-approval`, `cloned`, `silent`, …; of a task: the code of its reason. */
  readonly state: string;
  readonly severity: Severity;
  /** How the severity is known. `unknown`: nobody scored it and nothing predicted it. */
  readonly severityFrom: 'scored' | 'predicted' | 'kind' | 'unknown';
  /** Names of the kernels it touches. */
  readonly kernels: readonly string[];
  readonly cve: CveId | null;
  /** What it is about: a CVE, a module, a host. */
  readonly subject: string;
  readonly title: string;
  /** How many it stands for; `subjects` names the first of them. */
  readonly count: number;
  readonly subjects: readonly string[];
}

export interface NoticeRule {
  readonly id: string;
  readonly channel: string;
  /** Empty: all. */
  readonly kinds: readonly string[];
  readonly states: readonly string[];
  readonly least: LeastSeverity;
  /** Name of the kernel; null: all. */
  readonly kernel: string | null;
  /** 0: at once. */
  readonly digestMinutes: number;
}

/** Does a rule want a notice? What nobody knows the severity of is not taken for harmless: it passes every rule. */
export function isWanted(rule: Omit<NoticeRule, 'id' | 'channel' | 'digestMinutes'>, notice: Notice): boolean {
  if (rule.kinds.length > 0 && !rule.kinds.includes(notice.kind)) return false;
  if (rule.states.length > 0 && !rule.states.includes(notice.state)) return false;
  if (rule.kernel !== null && !notice.kernels.includes(rule.kernel)) return false;
  if (notice.severity === 'not-scored') return true;
  return leastSeverities.indexOf(notice.severity) <= leastSeverities.indexOf(rule.least);
}

/** Severity of a CVE: of who scored it, else as predicted (likely-high, possibly-high, lower: 0.5 and 0.2), else not scored. */
export function noticeSeverity(
  score: number | null,
  predicted: number | null,
): Pick<Notice, 'severity' | 'severityFrom'> {
  if (score !== null) return { severity: severityOf(score), severityFrom: 'scored' };
  if (predicted === null) return { severity: 'not-scored', severityFrom: 'unknown' };
  const severity = predicted >= 0.5 ? 'high' : predicted >= 0.2 ? 'medium' : 'low';
  return { severity, severityFrom: 'predicted' };
}

const MOST_SUBJECTS = 20;

/** The same trouble of many is one notice that counts them: kind, state, kernels, CVE and title are its name. */
export function mergeNotices(notices: readonly Notice[]): Notice[] {
  const groups = new Map<string, Notice>();
  for (const notice of notices) {
    const { kind, state, kernels, cve, title } = notice;
    // Two CVEs, or two modules, are two things; two hosts with one trouble are one.
    const own = kind === 'host' || kind === 'report' ? '' : notice.subject;
    const key = JSON.stringify([kind, state, kernels, cve, title, own]);
    const before = groups.get(key);
    if (before === undefined) groups.set(key, notice);
    else
      groups.set(key, {
        ...before,
        count: before.count + notice.count,
        subjects: [...new Set([...before.subjects, ...notice.subjects])].slice(0, MOST_SUBJECTS),
      });
  }
  return [...groups.values()];
}

const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3_600;

/** Seconds to wait after so many failures in a row: doubled each time, up to an hour. */
export function retryAfterSeconds(failures: number): number {
  return Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** Math.min(20, Math.max(0, failures - 1)));
}

export type ChannelKind = 'mail' | 'webhook' | 'slack';

/** Where people are told. It holds no secret: those are in the file. */
export interface NoticeChannel {
  readonly name: string;
  readonly kind: ChannelKind;
  /** mail: addresses; webhook: one URL; slack: none, its URL is in the file. */
  readonly target: readonly string[];
  readonly secretFile: string | null;
}

/** A message: what one rule gathered for its channel. The id stays the same however often it is sent. */
export interface NoticeDelivery {
  readonly id: string;
  readonly channel: string;
  /** Id of the rule, or `test`. */
  readonly rule: string;
  readonly madeAt: Date;
  /** Which attempt to send it this is, from 1. */
  readonly attempt: number;
  readonly notices: readonly Notice[];
  /** Notices that the message has no room for. */
  readonly left: number;
}
