import { StageError } from '#domain';
import type { LintCode } from './lint/rules.ts';

export type PatchCode =
  | 'fix-not-found'
  | 'fixes-missing'
  | 'patch-unreadable'
  | 'patch-too-large'
  | 'patch-leaves-tree'
  | 'patch-unsupported'
  | 'patch-does-not-apply'
  | 'already-fixed'
  | LintCode;

export class PatchError extends StageError<PatchCode> {}
