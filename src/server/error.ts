import { StageError } from '#domain';

export type ServerCode = 'host-refused' | 'page-missing' | 'port-taken';

export class ServerError extends StageError<ServerCode> {}
