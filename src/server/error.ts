import { StageError } from '#domain';

export type ServerCode =
  | 'cursor-invalid'
  | 'host-refused'
  | 'page-missing'
  | 'port-taken'
  | 'route-unlisted'
  | 'accounts-missing'
  | 'origin-invalid'
  | 'login-needed'
  | 'login-failed'
  | 'code-needed'
  | 'forbidden'
  | 'csrf-refused'
  | 'too-many'
  | 'not-ready'
  | 'provider-unreachable'
  | 'account-missing'
  | 'key-invalid'
  | 'decision-invalid'
  | 'unauthorized'
  | 'gate-insecure';

export class ServerError extends StageError<ServerCode> {}
