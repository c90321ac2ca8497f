import { StageError } from '#domain';

export type ArchiveCode =
  | 'archive-exists'
  | 'archive-missing'
  | 'archive-broken'
  | 'clock-behind'
  | 'key-missing'
  | 'key-mismatch'
  | 'gate-missing'
  | 'gate-mismatch';

export class ArchiveError extends StageError<ArchiveCode> {}
