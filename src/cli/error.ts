import { StageError } from '#domain';

export type CliCode = 'cve-id-invalid';

export class CliError extends StageError<CliCode> {}
