import { StageError } from '#domain';

export type ArchiveCode =
  | 'archive-exists'
  | 'archive-missing'
  | 'archive-broken'
  | 'change-incomplete'
  | 'change-invalid'
  | 'change-outdated'
  | 'clock-behind'
  | 'gate-mismatch'
  | 'gate-missing'
  | 'key-exists'
  | 'key-exposed'
  | 'key-invalid'
  | 'key-locked'
  | 'key-mismatch'
  | 'key-missing'
  | 'name-invalid'
  | 'not-published'
  | 'signer-failed'
  | 'store-failed'
  | 'terms-invalid'
  | 'transfer-unreadable'
  | 'transfer-untrusted'
  | 'verify-failed';

export class ArchiveError extends StageError<ArchiveCode> {}
