export { ConfigError, type ConfigCode } from './error.ts';
export { type Config, type LoadOptions, loadConfig } from './load.ts';
export { type ConfigKey, type KeySchema, configKeys, schema } from './schema.ts';
