import { StageError } from '#domain';
import { writeAtomic } from '#host';
import type { AgentState, ReleaseRef } from './state.ts';

/** What `/run/tuxtape/status.json` says: the contract with scanners and people on the host. */
export interface AgentStatus {
  readonly version: 1;
  readonly at: string;
  readonly bootId: string;
  readonly kernel: { readonly release: string; readonly buildId: string };
  readonly state: AgentState;
  readonly release: ReleaseRef | null;
  readonly note: string;
  /** Why the last poll did not do its work; null when it did. "Unknown" is never "nothing to do". */
  readonly error: { readonly code: string; readonly what: string } | null;
  readonly archive: {
    readonly url: string;
    readonly lastContact: string | null;
    readonly metadataExpires: string | null;
  };
}

export async function writeStatus(path: string, status: AgentStatus): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(status, null, 2)}\n`);
}

/** Exit codes of `tuxtape-agent run`; documented in docs/reference/agent.md. */
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
  'not-root': 77,
  'root-unreadable': 78,
  'root-invalid': 79,
};

export function exitCodeOf(error: unknown): number {
  return error instanceof StageError ? (exitCodes[String(error.code)] ?? 1) : 1;
}
