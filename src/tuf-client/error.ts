import { StageError } from '#domain';

export type TufClientCode = 'usage' | 'target-unknown';

export class TufClientError extends StageError<TufClientCode> {}
