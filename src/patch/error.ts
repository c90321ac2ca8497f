import { StageError } from '#domain';
import type { LintCode } from './lint/rules.ts';

export type PatchCode =
  | 'fix-not-found'
  | 'fixes-missing'
  | 'source-refused'
  | 'fix-unreadable'
  | 'wrong-commit'
  | 'patch-unreadable'
  | 'patch-too-large'
  | 'patch-leaves-tree'
  | 'patch-unsupported'
  | 'patch-does-not-apply'
  | 'patches-conflict'
  | 'edit-unfinished'
  | 'patch-name-invalid'
  | 'patch-version-unknown'
  | 'patch-opened'
  | 'already-fixed'
  | LintCode;

export class PatchError extends StageError<PatchCode> {}
