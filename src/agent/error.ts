import { StageError } from '#domain';

export type AgentCode =
  | 'unknown-kernel'
  | 'release-mismatch'
  | 'not-root'
  | 'transition-running'
  | 'load-failed'
  | 'transition-stalled'
  | 'kernel-report'
  | 'quarantined'
  | 'root-unreadable';

export class AgentError extends StageError<AgentCode> {}
