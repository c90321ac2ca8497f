import { StageError } from '#domain';

export type BackupCode =
  | 'backup-unreadable'
  | 'backup-damaged'
  | 'backup-version'
  | 'passphrase-wanted'
  | 'passphrase-wrong'
  | 'passphrase-weak'
  | 'livepatch-changed'
  | 'folder-not-empty';

/** A backup that could not be made, or is not believed. */
export class BackupError extends StageError<BackupCode> {}

export function damaged(what: string, where?: string, cause?: unknown): BackupError {
  return new BackupError('backup-damaged', 'untrusted', {
    ...{ what, where, cause },
    remedy: 'nothing was changed; use another copy of it, or another backup',
  });
}
