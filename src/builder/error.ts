import { StageError } from '#domain';

export type BuilderCode = 'server-insecure' | 'token-refused' | 'server-refused';

export class BuilderError extends StageError<BuilderCode> {}
