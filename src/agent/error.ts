import { messageOf, StageError } from '#domain';
import type { RefusalCode } from './precheck/refusal.ts';

export type AgentCode =
  | RefusalCode
  | 'unknown-kernel'
  | 'release-mismatch'
  | 'not-root'
  | 'load-failed'
  | 'transition-stalled'
  | 'kernel-report'
  | 'task-hung'
  | 'health-failed'
  | 'kernel-log-unreadable'
  | 'quarantined'
  | 'recalled'
  | 'rollout-halted'
  | 'taken-off'
  | 'crash-loop'
  | 'alarm'
  | 'journal-damaged'
  | 'root-unreadable'
  | 'settings-invalid'
  | 'server-insecure'
  | 'server-refused'
  | 'enrolment-refused'
  | 'no-such-release'
  | 'no-status'
  | 'internal'
  | 'no-end';

export class AgentError extends StageError<AgentCode> {
  /** Anything that was thrown as one of our errors; what is none is a defect. */
  static of(thrown: unknown): StageError {
    if (thrown instanceof StageError) return thrown;
    return new AgentError('internal', 'us', { what: messageOf(thrown), cause: thrown });
  }
}

/** What a person can do, for codes that say it in one way. */
export const remedies: Readonly<Record<string, string>> = {
  'unknown-kernel': 'add the kernel to TuxTape and subscribe it; until then its exposure is unknown, not none',
  'crash-loop': 'look at why the host went down, then run "tuxtape-agent accept"',
  alarm: 'look at the tasks that are named; the host may need a reboot',
  quarantined: 'a later release is loaded; to try this one again run "tuxtape-agent accept RELEASE"',
  'taken-off': 'to have it loaded again run "tuxtape-agent accept RELEASE"',
};
