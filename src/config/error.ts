import { StageError } from '#domain';

export type ConfigCode = 'config-syntax' | 'config-unknown-key' | 'config-bad-value';

export class ConfigError extends StageError<ConfigCode> {}
