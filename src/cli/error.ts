import { StageError } from '#domain';

export type CliCode = 'cve-id-invalid' | 'key-exists' | 'key-invalid' | 'decision-invalid';

export class CliError extends StageError<CliCode> {}
