import { StageError } from '#domain';

export type AgentCode =
  | 'unknown-kernel'
  | 'release-mismatch'
  | 'not-root'
  | 'load-failed'
  | 'transition-stalled'
  | 'kernel-report'
  | 'quarantined'
  | 'journal-damaged'
  | 'root-unreadable';

export class AgentError extends StageError<AgentCode> {}
