import { StageError } from '#domain';

export type ServerCode = 'host-refused' | 'page-missing' | 'port-taken' | 'unauthorized';

export class ServerError extends StageError<ServerCode> {}
