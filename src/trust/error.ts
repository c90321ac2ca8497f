import { StageError } from '#domain';

export type TrustCode =
  | 'archive-offline'
  | 'root-invalid'
  | 'metadata-missing'
  | 'metadata-expired'
  | 'metadata-unsigned'
  | 'metadata-rollback'
  | 'metadata-invalid'
  | 'target-missing'
  | 'target-mismatch';

export class TrustError extends StageError<TrustCode> {}

/** A name comes from the archive: one of megabytes goes into no message. */
const MAX_WHERE = 300;

/** Metadata that must not be believed: what was wrong with which file, and that nothing came of it. */
export function refused(code: TrustCode, what: string, where: string, cause?: unknown): TrustError {
  return new TrustError(code, 'untrusted', {
    what,
    where: where.slice(0, MAX_WHERE),
    remedy: 'nothing was loaded; ask who runs the archive',
    cause,
  });
}
