import { StageError } from '#domain';

export type PatchCode =
  | 'fix-not-found'
  | 'fixes-missing'
  | 'source-refused'
  | 'fix-unreadable'
  | 'wrong-commit'
  | 'patch-unreadable'
  | 'patch-too-large'
  | 'patch-leaves-tree'
  | 'patch-touches-build'
  | 'patch-unsupported'
  | 'patch-does-not-apply'
  | 'patches-conflict'
  | 'edit-unfinished'
  | 'patch-name-invalid'
  | 'patch-version-unknown'
  | 'patch-opened'
  | 'already-fixed'
  | 'layout-may-change'
  | 'assembly-changed';

export class PatchError extends StageError<PatchCode> {}
