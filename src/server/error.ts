import { StageError } from '#domain';

export type ServerCode = 'host-refused' | 'page-missing' | 'port-taken' | 'unauthorized' | 'gate-insecure';

export class ServerError extends StageError<ServerCode> {}
