import { StageError } from '#domain';

export type CliCode = 'cve-id-invalid' | 'decision-invalid';

export class CliError extends StageError<CliCode> {}
