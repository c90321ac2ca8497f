import { StageError } from '#domain';

export type TrustCode =
  | 'archive-offline'
  | 'metadata-expired'
  | 'metadata-unsigned'
  | 'metadata-rollback'
  | 'metadata-invalid'
  | 'target-missing'
  | 'target-mismatch';

export class TrustError extends StageError<TrustCode> {}
