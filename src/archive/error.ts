import { StageError } from '#domain';

export type ArchiveCode =
  | 'archive-exists'
  | 'archive-missing'
  | 'archive-broken'
  | 'key-missing'
  | 'key-mismatch'
  | 'gate-missing'
  | 'gate-mismatch';

export class ArchiveError extends StageError<ArchiveCode> {}
