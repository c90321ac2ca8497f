import { StageError } from '#domain';

export type StoreCode =
  | 'postgres-missing'
  | 'postgres-start-failed'
  | 'data-unreachable'
  | 'database-unreachable'
  | 'database-full'
  | 'database-lost'
  | 'database-too-old'
  | 'database-newer'
  | 'migration-changed'
  | 'migration-failed'
  | 'already-there'
  | 'not-found'
  | 'kernel-in-use'
  | 'build-fenced'
  | 'edit-outdated'
  | 'version-invalid'
  | 'rollout-fenced'
  | 'key-reused'
  | 'backup-cyclic'
  | 'backup-newer'
  | 'backup-invalid'
  | 'database-not-empty'
  | 'database-in-use';

export class StoreError extends StageError<StoreCode> {}
