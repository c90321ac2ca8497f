import { StageError } from '#domain';

export type AgentCode =
  | 'unknown-kernel'
  | 'release-mismatch'
  | 'not-root'
  | 'load-failed'
  | 'transition-stalled'
  | 'kernel-report'
  | 'kernel-log-unreadable'
  | 'quarantined'
  | 'journal-damaged'
  | 'root-unreadable';

export class AgentError extends StageError<AgentCode> {}
