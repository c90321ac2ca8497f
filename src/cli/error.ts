import { StageError } from '#domain';

export type CliCode =
  | 'cve-id-invalid'
  | 'key-exists'
  | 'key-invalid'
  | 'decision-invalid'
  | 'purl-invalid'
  | 'version-invalid'
  | 'name-invalid'
  | 'passphrase-empty'
  | 'signer-missing'
  | 'facts-unreadable'
  | 'too-many-hosts'
  | 'password-differs'
  | 'role-invalid'
  | 'audit-broken'
  | 'server-insecure'
  | 'server-refused'
  | 'token-refused'
  | 'not-remote';

export class CliError extends StageError<CliCode> {}
