import { StageError } from '#domain';

/** Exit codes of `tuxtape-agent`; documented in docs/reference/agent.md. */
export const exitCodes: Readonly<Record<string, number>> = {
  'archive-offline': 10,
  'metadata-expired': 11,
  'metadata-unsigned': 12,
  'metadata-rollback': 13,
  'metadata-invalid': 14,
  'target-missing': 15,
  'target-mismatch': 16,
  'release-mismatch': 17,
  'metadata-missing': 18,
  'unknown-kernel': 20,
  'load-failed': 30,
  'transition-stalled': 31,
  'kernel-report': 32,
  quarantined: 33,
  'journal-damaged': 34,
  'kernel-log-unreadable': 35,
  'task-hung': 36,
  'health-failed': 37,
  recalled: 38,
  'taken-off': 39,
  'crash-loop': 40,
  alarm: 41,
  'other-kernel': 50,
  'other-architecture': 51,
  'module-mismatch': 52,
  'in-container': 53,
  'no-capability': 54,
  'modules-disabled': 55,
  'signature-missing': 56,
  'kernel-tainted': 57,
  'livepatch-missing': 58,
  'tracing-off': 59,
  'memory-low': 60,
  'foreign-livepatch': 61,
  'transition-running': 62,
  'function-probed': 63,
  'module-present': 66,
  'health-failing': 67,
  'no-such-release': 70,
  'no-end': 71,
  'no-status': 73,
  'disk-full': 72,
  locked: 75,
  'not-root': 77,
  'root-unreadable': 78,
  'root-invalid': 79,
  'settings-invalid': 80,
};

export const USAGE = 64;

export function exitCodeOf(error: unknown): number {
  return error instanceof StageError ? (exitCodes[String(error.code)] ?? 1) : 1;
}
