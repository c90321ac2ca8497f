import { StageError } from '#domain';

export type ServerCode =
  | 'cursor-invalid'
  | 'host-refused'
  | 'page-missing'
  | 'port-taken'
  | 'unauthorized'
  | 'gate-insecure';

export class ServerError extends StageError<ServerCode> {}
